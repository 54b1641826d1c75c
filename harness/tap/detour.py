"""A detour: a link's connections go from the tap to a proxy, back to the tap, and on to the server.

The connection to the server is made first, in the client's own network as always, so that the
server sees its client, a refusal is one, and a cut between the two is one. Then the proxy is
dialled, and what it dials in its turn is joined to the server. One after the other: nothing else
tells which of the proxy's connections belongs to which of ours.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from harness.errors import EnvironmentFailed
from harness.tap.relay import reset_transport

_PROXY_S = 5.0
"""How long the proxy may take to answer and to dial on; idle, it takes less than 1 ms."""

Place = tuple[str, int]
"""Address and port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where the proxy listens, and where what it sends on is to arrive."""

    proxy: Place
    exit: Place


class Leg(asyncio.Protocol):
    """One side of what comes out of the proxy: the proxy, or the server."""

    def __init__(self, lost: Callable[["Leg"], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Leg | None = None
        self.ended = False
        """The sender has sent its last byte."""
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if (there := self._there) is not None:
            there.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        there = self._there
        if there is not None and not there.is_closing():
            there.write_eof()
        if self.other is not None and self.other.ended:
            self.close()
            self.other.close()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        if (there := self._there) is not None:
            there.pause_reading()

    def resume_writing(self) -> None:
        there = self._there
        if there is not None and not there.is_closing():
            there.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        there = self._there
        if there is not None:
            if exc is None:
                there.close()
            else:
                reset_transport(there)
        self._lost(self)

    def close(self) -> None:
        """After what is still to be sent."""
        if self.transport is not None:
            self.transport.close()

    @property
    def _there(self) -> asyncio.Transport | None:
        return None if self.other is None else self.other.transport


class _Arriving(Leg):
    """What the proxy has dialled. Nothing is read until it is known where it is to go."""

    def __init__(self, lost: Callable[[Leg], None], arrived: Callable[["_Arriving"], None]) -> None:
        super().__init__(lost)
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast("asyncio.Transport", transport).pause_reading()
        self._arrived(self)


def _entry() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


class Detour:
    """The way of one link's connections. Use `open` before and `close` after."""

    def __init__(
        self,
        way: Way,
        *,
        entry: Callable[[], socket.socket] = _entry,
        bound: Callable[[Place], socket.socket | None] = lambda _place: None,
    ) -> None:
        """`entry`: a socket, not connected and not blocking, from which the proxy is reached;
        `bound`: one that listens at the exit, or None for one to be made here."""
        self.way = way
        self._new_entry = entry
        self._bound = bound
        self._turn = asyncio.Lock()
        self._awaited: asyncio.Future[_Arriving] | None = None
        self._legs: set[Leg] = set()
        self._leg_lost = asyncio.Event()
        self._exit: asyncio.Server | None = None

    async def open(self) -> None:
        """Take what the proxy sends on. Raises OSError naming an address that is taken."""
        loop = asyncio.get_running_loop()
        try:
            sock = self._bound(self.way.exit)
        except EnvironmentFailed as failed:
            raise OSError(str(failed)) from failed
        place: dict[str, Any] = (
            dict(zip(("host", "port"), self.way.exit, strict=True))
            if sock is None
            else {"sock": sock}
        )
        self._exit = await loop.create_server(
            lambda: _Arriving(self._forget, self._arrived), **place
        )

    async def through(self, server: socket.socket) -> socket.socket:
        """Put the proxy before a connected server: what is returned is connected to the proxy.
        The server's socket is the detour's from then on, and closed where that fails. Raises
        OSError."""
        try:
            entry = self._new_entry()
        except EnvironmentFailed as failed:
            server.close()
            raise OSError(str(failed)) from failed
        try:
            async with self._turn:
                arrived = await self._dialled_on(entry, server)
        except BaseException:
            entry.close()
            raise
        await self._join(arrived, server)
        return entry

    async def _dialled_on(self, entry: socket.socket, server: socket.socket) -> _Arriving:
        """What the proxy has dialled, having been dialled by `entry`."""
        loop = asyncio.get_running_loop()
        self._awaited = loop.create_future()
        try:
            async with asyncio.timeout(_PROXY_S):
                await loop.sock_connect(entry, self.way.proxy)
                return await self._awaited
        except BaseException:
            server.close()
            raise
        finally:
            self._awaited = None

    async def _join(self, arrived: _Arriving, server: socket.socket) -> None:
        leg = Leg(self._forget)
        leg.other, arrived.other = arrived, leg
        self._legs.add(leg)
        await asyncio.get_running_loop().create_connection(lambda: leg, sock=server)
        if arrived.transport is None:  # it has hung up meanwhile; who dialled it is told so, too
            leg.close()
        else:
            arrived.transport.resume_reading()

    def _arrived(self, leg: _Arriving) -> None:
        if self._awaited is None or self._awaited.done():
            # Of an attempt that was given up.
            cast("asyncio.Transport", leg.transport).abort()
            return
        self._legs.add(leg)
        self._awaited.set_result(leg)

    def _forget(self, leg: Leg) -> None:
        self._legs.discard(leg)
        self._leg_lost.set()

    async def end(self, timeout_s: float) -> None:
        """End every connection that goes this way; done once their servers know, or when the time
        is up."""
        for leg in tuple(self._legs):
            leg.close()
        try:
            async with asyncio.timeout(timeout_s):
                while self._legs:
                    self._leg_lost.clear()
                    await self._leg_lost.wait()
        except TimeoutError:
            for leg in tuple(self._legs):
                if leg.transport is not None:
                    leg.transport.abort()

    async def close(self, timeout_s: float) -> None:
        """Take nothing more, and end."""
        if self._exit is not None:
            self._exit.close()
        await self.end(timeout_s)
