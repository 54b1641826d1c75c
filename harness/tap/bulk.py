"""A flow that comes in large pieces: passed on inside the kernel, from socket to socket, with a copy on
disk for the parser (splice(2), tee(2)).

In the usual way each byte is copied into this process, into an object that keeps it, and out again, and
again to wherever it waits until there is time to parse it. At hundreds of megabytes a second that is
what the sender and the receiver wait for.
"""

import asyncio
import fcntl
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from harness.environments import kernel

if TYPE_CHECKING:
    from harness.tap.flow import Flow

LARGE = 32 << 10
"""Of a piece that may be the beginning of more, in bytes."""
ENOUGH = 4
"""So many large pieces in a row are."""
_MOST = 1 << 20
"""What is under way inside at a time, in bytes."""
_ROUNDS = 8
"""So often is taken at a time: others come on, too."""
_SMALL_IN_A_ROW = 8
"""So many others in a row end it."""
_HOW = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE


class Bulk:
    """Reads and writes in a flow's stead, on the sockets of both transports, which must have nothing
    unsent; from `__init__` to `end`. Raises OSError, with nothing changed, where no more descriptors
    are to be had."""

    __slots__ = (
        "_copy", "_flow", "_from", "_loop", "_opened", "_pipe", "_small", "_to", "_uncopied", "_waits",
    )  # fmt: skip

    def __init__(self, flow: "Flow", source: asyncio.Transport, sink: asyncio.Transport) -> None:
        self._flow = flow
        self._loop = asyncio.get_running_loop()
        with ExitStack() as opened:
            # A loop lets nobody else wait for a transport's own descriptor.
            self._from = _another(source, opened)
            self._to = _another(sink, opened)
            self._pipe, self._copy = _pipe(opened), _pipe(opened)
            self._opened = opened.pop_all()
        source.pause_reading()
        self._small = 0
        self._waits = False
        """For the receiver to take more."""
        self._uncopied = 0
        """Bytes in the copy's pipe."""
        self._loop.add_reader(self._from, self._readable)

    def end(self) -> None:
        """Give the flow back to its transport. What has not gone on is in `flow.kept` then; it is
        in the backlog as all the rest is."""
        flow = self._flow
        self._keep()
        flow.bulk = None
        self._loop.remove_reader(self._from)
        self._loop.remove_writer(self._to)
        flow.kept += _read(self._pipe[0], flow.fed - flow.sent)
        self._opened.close()
        flow.come_usually()

    def _readable(self) -> None:
        """Take what has come. The loop tells of a connection that has broken once and never again,
        and there may be much to take before that is found; so its interest is renewed where not all
        has been taken."""
        for _ in range(_ROUNDS):
            if not self._pass_on():
                return
        self._loop.remove_reader(self._from)
        self._loop.add_reader(self._from, self._readable)

    def _pass_on(self) -> bool:
        """One piece. False: there is no more to take for now, or somebody else takes it."""
        flow = self._flow
        try:
            count = os.splice(self._from, self._pipe[1], _MOST, flags=_HOW)
        except BlockingIOError:
            return False
        except OSError:
            flow.relay.close(reset=True)
            return False
        if not count:
            self.end()  # the transport will find its end, too
            return False
        flow.fed += count
        copied = self._uncopied = kernel.tee(self._pipe[0], self._copy[1], count)
        if copied < count:  # what cannot be copied here is copied in the usual way
            self.end()
            flow.relay.station.backlog.add(flow, bytes(flow.kept[copied - count :]))
            flow.relay.advance(flow)
            return False
        self._small = 0 if count >= LARGE else self._small + 1
        self._writable()
        self._keep()  # now: the receiver need not wait for it
        return flow.bulk is self and not self._waits

    def _keep(self) -> None:
        """Put the copy where it waits to be read."""
        count, self._uncopied = self._uncopied, 0
        if count:
            self._flow.relay.station.backlog.take(self._flow, self._copy[0], count)

    def _writable(self) -> None:
        flow = self._flow
        try:
            while left := flow.fed - flow.sent:
                flow.sent += os.splice(self._pipe[0], self._to, left, flags=_HOW)
        except BlockingIOError:
            if not self._waits:
                self._waits = True
                self._loop.remove_reader(self._from)
                self._loop.add_writer(self._to, self._writable)
            return
        except OSError:
            flow.relay.close(reset=True)
            return
        if self._small >= _SMALL_IN_A_ROW:
            self.end()
        elif self._waits:
            self._waits = False
            self._loop.remove_writer(self._to)
            self._loop.add_reader(self._from, self._readable)


def _another(transport: asyncio.Transport, opened: ExitStack) -> int:
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    opened.callback(os.close, descriptor)
    return descriptor


def _pipe(opened: ExitStack) -> tuple[int, int]:
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    for end in ends:
        opened.callback(os.close, end)
    with suppress(PermissionError):  # it is smaller then
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _MOST)
    return ends


def _read(descriptor: int, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        found += os.read(descriptor, count - len(found))
    return bytes(found)
