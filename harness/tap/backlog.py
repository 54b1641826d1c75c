"""What has gone on and is still to be read: bytes wait here, in their one order, until the tap has
time for them.

Reading takes several times as long as forwarding, and while it goes on nothing is forwarded; so it
is done when nothing has come for a moment and nobody waits for a processor, a little at a time. Under
a load without such moments a little is read all the same, as long as little waits. Beyond that all
waits: large pieces, after the first few, on disk, since a file's page costs less than fresh memory
does, and others in up to `MOST` bytes of memory, or a sixteenth of what is free, where that is less.
What finds no room pays for itself, by as much reading as it brings.
"""

import asyncio
import os
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessBug
from harness.tap.processors import Processors
from harness.tap.spill import Spill

if TYPE_CHECKING:
    from harness.tap.flow import Flow

MOST, LEAST = 256 << 20, 16 << 20
"""Bytes, with what keeping a piece of them takes."""
_PARTS, _TIME = 3, 1
"""Of a piece: what of it stands in the queue, and which of these is its time."""
_PIECE = 160
"""Bytes that a piece takes besides its own: three places in a queue, two objects' heads."""
_LARGE = 4 << 10
"""Of a piece that may wait on disk, in bytes: writing a smaller one is no quicker than reading it."""
_HANDY = 4 << 20
"""Bytes that wait in memory before anything waits on disk."""
_PART = 64 << 10
"""Of a large piece from a pipe, what is read at once, in bytes."""
_LOOK_S = 0.005
"""How often it is seen whether there is time to read."""
_SHARE = 16
"""Of the machine's free memory, the part that pieces may have."""
_QUIET_NS = 2_000_000
"""Nothing has come for so long: there is time, unless somebody else has none."""
_PAUSE_NS = 50_000_000
"""And where much waits: under a load nothing comes for a moment each time that a disk or a server has
something to do."""
_SLICE_NS = 200_000
"""How long is read at once then: so late is what comes meanwhile, such as the answer to a commit for
which the disk took longer."""
_SLIVER_NS = 100_000
"""How long at each look where it never gets quiet."""
_CATCH_NS = 2_000_000
"""How long at once where somebody waits until all is read."""
_OLD_NS = 500_000_000
"""What has waited for so long is not left to quiet moments,"""
_BEHIND = 1 << 20
"""unless so much waits in memory, in bytes, or anything on disk: then more comes than is read so, and
every moment of it is one that whoever makes that load waits for."""


class Backlog:
    """Pieces of flows with their times, and what is to be done after them."""

    __slots__ = (
        "_handy", "_last_ns", "_looks", "_loop", "_processors", "_read", "_sizes", "_waiting", "_weight", "most", "spill",
    )  # fmt: skip

    def __init__(
        self,
        read: Callable[["Flow", bytes, int], object],
        loop: asyncio.AbstractEventLoop,
        most: int | None = None,
        processors: Processors | None = None,
    ) -> None:
        self._read = read
        self._processors = Processors() if processors is None else processors
        self._loop = loop
        self.most = affordable() if most is None else most
        self._handy = min(_HANDY, self.most)
        self.spill: Spill | None = None
        self._waiting: deque[Any] = deque()
        """Of each piece its flow, its time, and its bytes or their place on disk; without a flow, what
        is to be done. One after the other, not in tuples: the collector of cycles would look at
        each of them; and not in three queues: between two pieces a processor forgets."""
        self._sizes: deque[int] = deque()
        """Of those on disk."""
        self._last_ns = 0
        """When the last piece came."""
        self._weight = 0
        self._looks = False

    def __len__(self) -> int:
        return len(self._waiting) // _PARTS

    def add(self, flow: "Flow", data: bytes) -> None:
        """Bytes that have gone on."""
        size = len(data)
        self._last_ns = now = monotonic_ns()
        weight = self._weight + size + _PIECE
        if size < _LARGE or weight <= self._handy or not self._spilled(flow, now, data):
            self._waiting += (flow, now, data)
            self._weight = weight
            if weight > self.most:
                self._relieve(size)
        if not self._looks:
            self._come_back()

    def take(self, flow: "Flow", pipe: int, count: int) -> None:
        """Bytes that have gone on and of which a copy is in a pipe."""
        place, stored = (0, 0) if self.spill is None else self.spill.take(pipe, count)
        self._last_ns = now = monotonic_ns()
        for first in range(place, place + stored, _PART):
            self.spill.noted()  # type: ignore[union-attr] # it is there where anything is stored
            self._waiting += (flow, now, first)
            self._sizes.append(min(_PART, place + stored - first))
            self._weight += _PIECE
        while stored < count:
            data = os.read(pipe, count - stored)
            self.add(flow, data)
            stored += len(data)
        if not self._looks:
            self._come_back()

    def after(self, act: Callable[[], None]) -> None:
        """Do this when all that has come so far is read: at once, where it is."""
        if not self._waiting:
            act()
            return
        self._waiting += (None, self._last_ns, act)
        self._weight += _PIECE

    def close(self) -> None:
        """Let go of the disk, and read no more. Idempotent."""
        self._waiting.clear()
        self._sizes.clear()
        self._processors.close()
        if self.spill is not None:
            self.spill.close()
            self.spill = None

    def drain(self) -> None:
        """Read all of it now."""
        while self._waiting:
            self._next()

    async def catch_up(self) -> None:
        """Read all of it, a slice at a time: what comes meanwhile is forwarded meanwhile."""
        while self._waiting:
            self._read_for(_CATCH_NS)
            await asyncio.sleep(0)

    def _next(self) -> None:
        take = self._waiting.popleft
        flow, time_ns, data = take(), take(), take()
        self._weight -= _PIECE
        if flow is None:
            data()
        elif isinstance(data, int):
            self._read(flow, self._from_disk(data), time_ns)
        else:
            self._weight -= len(data)
            self._read(flow, data, time_ns)

    def _spilled(self, flow: "Flow", now: int, data: bytes) -> bool:
        place = None if self.spill is None else self.spill.put(data)
        if place is None:
            return False
        self._waiting += (flow, now, place)
        self._sizes.append(len(data))
        self._weight += _PIECE
        return True

    def _from_disk(self, place: int) -> bytes:
        if self.spill is None:
            raise HarnessBug("bytes on a disk that is gone")
        return self.spill.get(place, self._sizes.popleft())

    def _relieve(self, size: int) -> None:
        """Read as many bytes as have come, the oldest ones."""
        wanted = self._weight - size - _PIECE
        while self._waiting and self._weight > wanted:
            self._next()

    def _read_for(self, nanoseconds: int) -> None:
        until = monotonic_ns() + nanoseconds
        while self._waiting and monotonic_ns() < until:
            self._next()

    def _come_back(self) -> None:
        self._looks = True
        self._loop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Read if there is time, and come back as long as something is left."""
        if not self._waiting:
            self._looks = False
            return
        now = monotonic_ns()
        is_behind = self._weight >= _BEHIND or bool(self._sizes)
        quiet_ns = _PAUSE_NS if is_behind else _QUIET_NS
        if now - self._last_ns > quiet_ns and self._processors.are_enough():
            self._read_for(_SLICE_NS)
            self._loop.call_soon(self._look)
            return
        if now - self._waiting[_TIME] > _OLD_NS and not is_behind:
            self._read_for(_SLIVER_NS)
        self._loop.call_later(_LOOK_S, self._look)


def affordable(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Bytes of memory, on this machine at this time; `LEAST` where that cannot be told."""
    told = re.search(r"^MemAvailable: +(\d+) kB$", meminfo.read_text("ascii"), re.MULTILINE)
    return LEAST if told is None else min(MOST, max(LEAST, int(told[1]) * 1024 // _SHARE))
