"""A connection through a tap, over real sockets on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop

from harness.tap.relay import Link
from harness.tap.station import Station

CLIENT_SIDE, SERVER_SIDE = "127.0.0.2", "127.0.0.1"
MOST_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both ends of one connection through a tap."""

    client: socket.socket
    server: socket.socket
    station: Station


@asynccontextmanager
async def connected() -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    listener = socket.create_server((SERVER_SIDE, 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    station = Station(lambda _reached: None)
    link = Link(
        client="a", server="b", listen=CLIENT_SIDE, address=SERVER_SIDE, port=port,
        protocol="opaque",
    )  # fmt: skip
    await station.listen([link])
    client = socket.socket()
    client.setblocking(False)
    await loop.sock_connect(client, (CLIENT_SIDE, port))
    server, _ = await loop.sock_accept(listener)
    server.setblocking(False)
    listener.close()
    # The server may know of it before the tap does.
    await until(lambda: bool(station.dialled))
    try:
        yield Pair(client=client, server=server, station=station)
    finally:
        client.close()
        server.close()
        await station.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is awaited has no event
        await asyncio.sleep(0.001)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(MOST_S):
            await test()

    uvloop.run(bounded())


async def read_all(sock: socket.socket) -> bytes:
    loop, found = asyncio.get_running_loop(), bytearray()
    while chunk := await loop.sock_recv(sock, 1 << 16):
        found += chunk
    return bytes(found)


async def exactly(sock: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        found += await asyncio.get_running_loop().sock_recv(sock, min(1 << 16, count - len(found)))
    return bytes(found)
