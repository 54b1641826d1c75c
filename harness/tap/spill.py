"""Large pieces of bytes on disk, until there is time to read them: a file without a name, which goes
with the process.

Its pages are written over again and again: one that the machine has at hand takes a tenth of the time
of one that it has to find, or, where it is a virtual machine, to ask for.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

MOST = 2 << 30
"""Bytes of disk."""
KEPT = 1 << 30
"""Bytes of disk that are not given back when all is read."""


class Spill:
    """What is put is got back by its place, once. `folder` must exist."""

    def __init__(self, folder: Path, most: int = MOST, kept: int = KEPT) -> None:
        self._folder = folder
        self._most = most
        self._kept = kept
        self._file: int | None = None
        self._end = 0
        self._left = 0

    def put(self, data: bytes) -> int | None:
        """The place; None where there is no room, for whatever reason."""
        if self._end + len(data) > self._most:
            return None
        try:
            if self._file is None:
                self._file = _unnamed(self._folder)
            written = os.pwrite(self._file, data, self._end)
        except OSError:
            return None
        if written < len(data):
            return None
        place, self._end = self._end, self._end + len(data)
        self._left += 1
        return place

    def take(self, pipe: int, count: int) -> tuple[int, int]:
        """Put what is in a pipe: the place and how many bytes of it, which are got back in any
        parts, each `noted`. Fewer than `count` where there is no room, for whatever reason."""
        place = self._end
        most = min(count, self._most - place)
        with suppress(OSError):
            if self._file is None:
                self._file = _unnamed(self._folder)
            while (left := place + most - self._end) > 0:
                self._end += os.splice(pipe, self._file, left, offset_dst=self._end)
        return place, self._end - place

    def noted(self) -> None:
        """There is one part more to be got back."""
        self._left += 1

    def get(self, place: int, size: int) -> bytes:
        """What was put there. Raises OSError where the disk does not give it back."""
        if self._file is None or place >= self._end:
            raise OSError("nothing was put there")
        data = os.pread(self._file, min(size, self._end - place), place)
        if len(data) < size:
            raise OSError(f"{size} bytes were put there, and {len(data)} are left")
        self._left -= 1
        if not self._left:
            self.forget()
        return data

    def forget(self) -> None:
        """Nothing of it is wanted any more: what comes next begins anew."""
        if self._file is not None and self._end > self._kept:
            os.ftruncate(self._file, self._kept)
        self._end = self._left = 0

    def close(self) -> None:
        """Give the disk back. Idempotent."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._end, self._left = None, 0, 0


def _unnamed(folder: Path) -> int:
    descriptor, name = tempfile.mkstemp(prefix=".taps-", dir=folder)
    os.unlink(name)  # noqa: PTH108 - a descriptor's name, as mkstemp gives both
    return descriptor
