"""Real sockets on loopback: what passes the tap passes as if it were not there."""

import asyncio
import os
import socket

import pytest

from harness.model.frame import Frame
from harness.tap.relay import Link
from harness.tap.station import Station
from harness.trace.link import OpaqueReader
from tests.harness.tapped import CLIENT_SIDE, SERVER_SIDE, connected, read_all, run, until


def test_bytes_pass_unchanged_both_ways() -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            there, back = os.urandom(3_000_000), os.urandom(2_000_000)

            async def send(sock: socket.socket, data: bytes) -> None:
                await loop.sock_sendall(sock, data)
                sock.shutdown(socket.SHUT_WR)

            async with asyncio.TaskGroup() as group:
                group.create_task(send(pair.client, there))
                group.create_task(send(pair.server, back))
                at_server = group.create_task(read_all(pair.server))
                at_client = group.create_task(read_all(pair.client))
            assert at_server.result() == there
            assert at_client.result() == back

    run(test)


def test_a_client_that_says_no_more_can_still_hear() -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(pair.client, b"question")
            pair.client.shutdown(socket.SHUT_WR)
            assert await read_all(pair.server) == b"question"
            await loop.sock_sendall(pair.server, b"answer")
            assert await loop.sock_recv(pair.client, 100) == b"answer"
            pair.server.close()
            assert await loop.sock_recv(pair.client, 100) == b""

    run(test)


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_passes_as_a_reset(who: str) -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(pair.client, b"x")
            assert await loop.sock_recv(pair.server, 1) == b"x"
            one, other = (
                (pair.client, pair.server) if who == "client" else (pair.server, pair.client)
            )
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.close()
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(other, 1)

    run(test)


def test_a_reader_that_does_not_read_stops_the_sender_and_nothing_is_lost() -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            sent = 0
            chunk = bytes(1 << 16)
            try:
                while sent < 1 << 30:
                    async with asyncio.timeout(0.5):
                        await loop.sock_sendall(pair.client, chunk)
                    sent += len(chunk)
            except TimeoutError:
                pass
            assert sent < 1 << 26, "what a slow reader is sent must not pile up"
            pair.client.setblocking(False)
            pair.client.shutdown(socket.SHUT_WR)
            found = len(await read_all(pair.server))
            assert sent <= found <= sent + len(chunk)

    run(test)


def test_a_server_that_is_not_there_is_a_reset_for_the_client() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server((SERVER_SIDE, 0)) as taken:
            port = taken.getsockname()[1]
        station = Station(lambda _reached: None)
        link = Link(
            client="a", server="b", listen=CLIENT_SIDE, address=SERVER_SIDE, port=port,
            protocol="postgres",
        )  # fmt: skip
        await station.listen([link])
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, (CLIENT_SIDE, port))
        with pytest.raises(ConnectionResetError):
            await loop.sock_recv(client, 1)
        assert not station.relays
        client.close()
        await station.close()

    run(test)


def test_held_nothing_passes_and_freed_everything_does_in_order() -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            (relay,) = pair.station.relays
            await loop.sock_sendall(pair.client, b"before ")
            assert await loop.sock_recv(pair.server, 100) == b"before "
            relay.hold()
            await loop.sock_sendall(pair.client, b"while ")
            await loop.sock_sendall(pair.client, b"held")
            pair.client.shutdown(socket.SHUT_WR)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await loop.sock_recv(pair.server, 100)
            relay.free()
            assert await read_all(pair.server) == b"while held"

    run(test)


def test_discarding_a_node_drops_what_is_held_and_ends_its_connections() -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            (relay,) = pair.station.relays
            relay.hold()
            await loop.sock_sendall(pair.client, b"never")
            await until(lambda: bool(relay.up.kept))
            await pair.station.discard("a")
            assert await read_all(pair.server) == b""
            assert not pair.station.relays

    run(test)


def test_a_parser_that_fails_is_told_and_keeps_nothing_from_going_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        async with connected() as pair:
            loop = asyncio.get_running_loop()
            (relay,) = pair.station.relays

            class Failing(OpaqueReader):
                def feed(self, direction: str, data: bytes) -> list[Frame]:
                    raise ZeroDivisionError(direction, data)

            relay.reader = Failing()
            told: list[Frame] = []
            monkeypatch.setattr(
                pair.station.spool, "add", lambda _time, _who, frame, *_: told.append(frame)
            )
            for word in (b"one", b"two"):
                await loop.sock_sendall(pair.client, word)
                assert await loop.sock_recv(pair.server, 100) == word
            await until(lambda: relay.up.read_to == 6)
            assert [(f.kind, f.error) for f in told] == [
                ("lost-sync", "the parser failed: ZeroDivisionError('client', b'one')")
            ]

    run(test)


def test_what_was_dialled_is_what_the_server_sees() -> None:
    async def test() -> None:
        async with connected() as pair:
            address, port = pair.server.getpeername()
            assert pair.station.dialled == {("b", address, port)}

    run(test)
