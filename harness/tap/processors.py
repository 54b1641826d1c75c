"""Whether somebody waits for one of the machine's processors."""

import os
import re
from contextlib import suppress
from pathlib import Path

_RUNNING = re.compile(rb"^\S+ \S+ \S+ (\d+)/")
"""In /proc/loadavg (proc_loadavg(5)): how many tasks run or could run at this moment."""
_ENOUGH = 128
"""Bytes, which are more than the file has."""


class Processors:
    """How the machine is loaded at this moment, at a microsecond or two a question: `count`
    processors, told of by the file `loadavg`."""

    def __init__(self, count: int | None = None, loadavg: Path = Path("/proc/loadavg")) -> None:
        self._count = count or os.cpu_count() or 1
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(loadavg, os.O_RDONLY | os.O_CLOEXEC)

    def are_enough(self) -> bool:
        """Whether all who could run do, the caller among them; also where that cannot be told."""
        if self._file is None:
            return True
        try:
            told = _RUNNING.match(os.pread(self._file, _ENOUGH, 0))
        except OSError:
            return True
        return told is None or int(told[1]) <= self._count

    def close(self) -> None:
        """Ask no more. Idempotent."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
