"""A detour on loopback, round a proxy of a few lines: bytes, ends, and what becomes of the old way."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
import uvloop

from harness.errors import EnvironmentFailed
from harness.tap.detour import Detour, Way
from harness.tap.relay import Link
from harness.tap.station import Station
from harness.testing import eventually

SERVER, TAP, PROXY, EXIT = "127.0.0.1", "127.0.0.4", "127.0.0.5", "127.0.0.6"
ROUTE = "a", "b"


@dataclass(kw_only=True)
class Proxy:
    """Passes bytes on to `exit`, as Toxiproxy does, and counts connections."""

    exit: tuple[str, int]
    deaf: bool = False
    """Takes connections and does nothing with them."""
    taken: int = 0
    passed: bytearray = field(default_factory=bytearray)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        if self.deaf:
            await reader.read()
            writer.close()
            return
        there, here = await asyncio.open_connection(*self.exit)
        await asyncio.gather(self._pump(reader, here), self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                self.passed += data
                sink.write(data)
                await sink.drain()
        sink.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A station with one link, its server, and a proxy that may be put between."""

    station: Station
    listener: socket.socket
    port: int
    proxy: Proxy
    way: Way

    async def lead(self, *, through: bool) -> None:
        await self.station.lead({(*ROUTE, self.port): self.way} if through else {})

    async def connect(self) -> tuple[socket.socket, socket.socket]:
        """The client's end and the server's."""
        client = socket.socket()
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (TAP, self.port))
        server, _ = await loop.sock_accept(self.listener)
        server.setblocking(False)
        return client, server


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as taken:
        return int(taken.getsockname()[1])


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    listener = socket.create_server((SERVER, 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    way = Way(proxy=(PROXY, free_port(PROXY)), exit=(EXIT, free_port(EXIT)))
    proxy = Proxy(exit=way.exit)
    serving = await asyncio.start_server(proxy.serve, *way.proxy)
    station = Station(lambda _reached: None)
    await station.listen(
        [Link(client="a", server="b", listen=TAP, address=SERVER, port=port, protocol="opaque")]
    )
    try:
        yield Rig(station=station, listener=listener, port=port, proxy=proxy, way=way)
    finally:
        await station.close()
        serving.close()
        listener.close()


async def say(source: socket.socket, sink: socket.socket, data: bytes) -> bytes:
    """What arrives of what is sent."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(source, data)
    heard = b""
    while len(heard) < len(data):
        heard += await loop.sock_recv(sink, 1 << 16)
    return heard


def test_bytes_go_both_ways_through_the_proxy_and_the_server_sees_the_tap() -> None:
    """The tap's own account of who has dialled the server holds."""

    async def test() -> None:
        async with rigged() as rig:
            await rig.lead(through=True)
            client, server = await rig.connect()
            assert await say(client, server, b"there" * 20_000) == b"there" * 20_000
            assert await say(server, client, b"back" * 20_000) == b"back" * 20_000
            assert rig.proxy.taken == 1
            assert rig.proxy.passed.count(b"there") == rig.proxy.passed.count(b"back") == 20_000
            host, port = server.getpeername()
            assert ("b", host, port) in rig.station.dialled
            (relay,) = rig.station.relays
            assert relay.local == (host, port)
            client.close()
            assert await asyncio.get_running_loop().sock_recv(server, 1) == b""
            server.close()

    uvloop.run(test())


def test_many_connections_at_once_each_reach_their_own_end() -> None:
    """None gets another one's bytes."""

    async def test() -> None:
        async with rigged() as rig:
            await rig.lead(through=True)
            loop = asyncio.get_running_loop()
            clients = [socket.socket() for _ in range(20)]
            for client in clients:
                client.setblocking(False)
            await asyncio.gather(*(loop.sock_connect(c, (TAP, rig.port)) for c in clients))
            servers = [(await loop.sock_accept(rig.listener))[0] for _ in clients]
            for number, client in enumerate(clients):
                await loop.sock_sendall(client, bytes([number]))
            for server in servers:
                server.setblocking(False)
                got = await loop.sock_recv(server, 10)
                await loop.sock_sendall(server, got)
            heard = [await loop.sock_recv(client, 10) for client in clients]
            assert heard == [bytes([number]) for number in range(20)]
            for sock in (*clients, *servers):
                sock.close()

    uvloop.run(test())


def test_a_link_that_gets_another_way_has_its_connections_ended() -> None:
    """To the proxy and back; a link that keeps its way keeps them."""

    async def test() -> None:
        async with rigged() as rig:
            loop = asyncio.get_running_loop()
            for through in (True, False):
                client, server = await rig.connect()
                await say(client, server, b"x")
                await rig.lead(through=not through)
                assert await say(client, server, b"y") == b"y"
                await rig.lead(through=through)
                assert await loop.sock_recv(client, 1) == b""
                assert await loop.sock_recv(server, 1) == b""
                client.close()
                server.close()
            assert not rig.station.relays

    uvloop.run(test())


def test_a_proxy_that_does_not_dial_on_gives_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is told, and the server is not left with half of one."""
    monkeypatch.setattr("harness.tap.detour._PROXY_S", 0.1)

    async def test() -> None:
        async with rigged() as rig:
            rig.proxy.deaf = True
            await rig.lead(through=True)
            client, server = await rig.connect()
            loop = asyncio.get_running_loop()
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(client, 1)
            assert await loop.sock_recv(server, 1) == b""
            rig.proxy.deaf = False
            again, server_again = await rig.connect()
            assert await say(again, server_again, b"z") == b"z"
            for sock in (client, server, again, server_again):
                sock.close()

    uvloop.run(test())


def test_what_the_server_resets_is_reset_at_the_proxy() -> None:
    """And what a dead node had is ended before its network goes."""

    async def test() -> None:
        async with rigged() as rig:
            await rig.lead(through=True)
            client, server = await rig.connect()
            await say(client, server, b"x")
            await rig.station.discard("a")
            assert server.recv(1) == b""
            client.close()
            server.close()
            client, server = await rig.connect()
            await say(client, server, b"x")
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            server.close()
            with suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
            client.close()
            await eventually(lambda: not rig.station.relays)

    uvloop.run(test())


def test_sockets_may_be_of_anothers_making() -> None:
    """Those that dial the proxy, and the one that listens; who cannot make one is told of as of a
    connection that failed."""

    async def test() -> None:
        way = Way(proxy=(PROXY, free_port(PROXY)), exit=(EXIT, free_port(EXIT)))
        serving = await asyncio.start_server(Proxy(exit=way.exit).serve, *way.proxy)
        made = list[socket.socket]()

        def entry() -> socket.socket:
            if made:
                raise EnvironmentFailed("no more")
            made.append(socket.socket())
            made[0].setblocking(False)
            return made[0]

        detour = Detour(way, entry=entry, bound=socket.create_server)
        await detour.open()
        ends = [socket.socketpair() for _ in range(2)]
        sock = await detour.through(ends[0][0])
        assert sock is made[0]
        await asyncio.get_running_loop().sock_sendall(sock, b"x")
        ends[0][1].setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(ends[0][1], 1) == b"x"
        with pytest.raises(OSError, match="no more"):
            await detour.through(ends[1][0])
        assert ends[1][1].recv(1) == b""
        sock.close()
        await detour.close(1.0)
        for _, far in ends:
            far.close()
        serving.close()

    uvloop.run(test())


def test_what_arrives_uncalled_is_sent_away() -> None:
    """It is nobody's."""

    async def test() -> None:
        detour = Detour(Way(proxy=(PROXY, 1), exit=(EXIT, free_port(EXIT))))
        await detour.open()
        reader, writer = await asyncio.open_connection(*detour.way.exit)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        await detour.close(1.0)

    uvloop.run(test())
