"""The station's own part: listeners, counts and scenarios; what passes is test_relay's."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest
import uvloop

from harness.environments.docker.sandbox import Server
from harness.errors import HarnessBug
from harness.model.address import CLIENT
from harness.tap.relay import Link
from harness.tap.spool import COLUMNS, read_spool
from harness.tap.station import Station
from harness.testing import eventually

SERVER, TAP = "127.0.0.1", "127.0.0.3"


def test_a_taken_address_is_an_error_that_names_it() -> None:
    async def test() -> None:
        with socket.create_server((TAP, 0)) as taken:
            port = taken.getsockname()[1]
            link = Link(
                client="a", server="b", listen=TAP, address=SERVER, port=port, protocol="http"
            )
            station = Station(lambda _reached: None)
            with pytest.raises(OSError, match=TAP):
                await station.listen([link])
            await station.close()

    uvloop.run(test())


def test_a_connection_is_in_the_spool_of_the_scenario_that_it_opens_in(tmp_path: Path) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        station = Station(lambda _reached: None)
        with socket.create_server((SERVER, 0)) as server:
            port = server.getsockname()[1]
            server.setblocking(False)
            link = Link(
                client="a", server="b", listen=TAP, address=SERVER, port=port, protocol="http"
            )
            await station.listen([link])
            for name in ("first", "second"):
                station.begin(tmp_path / name, frozenset(), 20)
                client = socket.socket()
                client.setblocking(False)
                await loop.sock_connect(client, (TAP, port))
                taken, _ = await loop.sock_accept(server)
                taken.setblocking(False)
                await loop.sock_sendall(client, b"POST /x HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
                await loop.sock_recv(taken, 1000)
                client.close()
                taken.close()
                station.end()
        await station.close()
        for name in ("first", "second"):
            rows = [dict(zip(COLUMNS, row, strict=True)) for row in read_spool(tmp_path / name)]
            posts = [row for row in rows if row["kind"] == "http"]
            assert [(p["addresses"], p["payload"]) for p in posts] == [
                (("a/b/http(POST:/x)/-#1",), b"POST /x HTTP/1.1\r\nco")
            ]

    uvloop.run(test())


def test_acting_without_a_point_is_a_bug_of_the_caller() -> None:
    async def test() -> None:
        station = Station(lambda _reached: None)
        for act in (station.reset, station.swallow):
            with pytest.raises(HarnessBug):
                act()
        await station.close()

    uvloop.run(test())


def test_once_a_node_is_discarded_its_servers_have_been_told() -> None:
    """The network in which its connections stand goes right after that, and nobody tells then."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        station = Station(lambda _reached: None)
        with socket.create_server((SERVER, 0)) as server, socket.socket() as client:
            server.setblocking(False)
            client.setblocking(False)
            port = server.getsockname()[1]
            link = Link(
                client="a", server="b", listen=TAP, address=SERVER, port=port, protocol="opaque"
            )
            await station.listen([link])
            await loop.sock_connect(client, (TAP, port))
            taken, _ = await loop.sock_accept(server)
            taken.setblocking(False)
            await loop.sock_sendall(client, b"hello")
            assert await loop.sock_recv(taken, 100) == b"hello"
            await station.discard("a")
            assert taken.recv(100) == b""
            taken.close()
        await station.close()

    uvloop.run(test())


def test_a_connection_that_is_being_dialled_ends_with_its_node() -> None:
    """Where nothing answers, nobody waits for it."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        station = Station(lambda _reached: None)
        # What is listened for and never accepted: with a full backlog a dial is not answered.
        with socket.create_server((SERVER, 0), backlog=0) as server, socket.socket() as client:
            port = server.getsockname()[1]
            link = Link(
                client="a", server="b", listen=TAP, address=SERVER, port=port, protocol="opaque"
            )
            await station.listen([link])
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex((SERVER, port))
            client.setblocking(False)
            await loop.sock_connect(client, (TAP, port))
            await eventually(lambda: bool(station.relays))
            began = loop.time()
            await station.discard("a")
            await station.close()
            assert loop.time() - began < 1.0
            for filler in fillers:
                filler.close()

    uvloop.run(test())


def test_what_a_sandbox_makes_is_listened_and_dialled_with(tmp_path: Path) -> None:
    """The client's network is the sandbox's; what is dialled from there carries the taps' mark."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        station = Station(lambda _reached: None)
        path = tmp_path / "a.sock"
        with (
            Server(str(path)) as sandbox,
            socket.create_server((SERVER, 0)) as server,
            socket.socket() as client,
        ):
            thread = threading.Thread(target=sandbox.serve_forever)
            thread.start()
            port = server.getsockname()[1]
            for sock in (server, client):
                sock.setblocking(False)
            for name in ("a", "b", CLIENT):
                station.sandbox(name, str(path))
            link = Link(
                client="a", server="b", listen="127.77.0.11", address=SERVER, port=port,
                protocol="http",
            )  # fmt: skip
            await station.listen([link])
            await loop.sock_connect(client, ("127.77.0.11", port))
            await loop.sock_sendall(client, b"POST /x HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
            taken, _ = await loop.sock_accept(server)
            with taken:
                taken.setblocking(False)
                assert (await loop.sock_recv(taken, 1000)).startswith(b"POST /x")
            await station.close()
            sandbox.shutdown()
            thread.join()

    uvloop.run(test())
