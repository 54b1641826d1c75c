"""How much memory everything of a run takes together, the harness included.

Sums the proportional set size (PSS) of every process in the run's PID namespace, so that pages
shared between processes count once (proc(5), smaps_rollup).
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

_PERIOD_S = 1.0


class MemoryMeter:
    """Samples while it is entered; `peak_mib` is the highest sum seen."""

    def __init__(
        self, period_s: float = _PERIOD_S, total: Callable[[], float] | None = None
    ) -> None:
        """`total`: what is sampled, in MiB, instead of every process there is."""
        self._period_s = period_s
        self._total = total or total_mib
        self._task: asyncio.Task[None] | None = None
        self.peak_mib = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def take(self) -> float:
        """The highest sum since the last call, in MiB; begins anew."""
        peak, self.peak_mib = self.peak_mib, 0.0
        return peak

    async def _sample(self) -> None:
        while True:
            now = await asyncio.to_thread(self._total)
            self.peak_mib = max(self.peak_mib, now)
            await asyncio.sleep(self._period_s)


def total_mib(proc: Path = Path("/proc")) -> float:
    """The sum over every process there is, in MiB."""
    pids = (name for name in os.listdir(proc) if name.isdigit())
    return sum(_pss_kib(proc / pid / "smaps_rollup") for pid in pids) / 1024


def _pss_kib(path: Path) -> int:
    try:
        with path.open(encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except (OSError, ValueError):  # the process has ended meanwhile
        return 0
    return 0
