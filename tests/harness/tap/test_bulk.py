"""Large pieces go on unchanged and are parsed as they came, whatever happens to their flow meanwhile."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.tap.flow import Flow
from harness.tap.relay import Relay
from harness.tap.spill import Spill
from harness.trace.link import OpaqueReader
from tests.harness.tapped import Pair, connected, exactly, read_all, run, until

MUCH = 12_000_000
LITTLE_DISK = 3_000_000
PATTERN = b"aftershock"
RESET = b"\1\0\0\0\0\0\0\0"


class Keeping(OpaqueReader):
    """Remembers what it was fed; its messages are of a thousand bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = {FROM_CLIENT: bytearray(), FROM_SERVER: bytearray()}

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        assert isinstance(data, bytes)
        self.fed[direction] += data
        return []

    def boundary(self, direction: str) -> int:
        return len(self.fed[direction]) // 1000 * 1000


@asynccontextmanager
async def reading(
    disk: int | None = None, folder: Path | None = None
) -> AsyncIterator[tuple[Pair, Relay, Keeping]]:
    """A connection whose bytes are kept on so much disk, or in memory."""
    async with connected() as pair:
        (relay,) = pair.station.relays
        relay.reader = reader = Keeping()
        if disk is not None and folder is not None:
            pair.station.backlog.spill = Spill(folder, disk)
        yield pair, relay, reader


@pytest.mark.parametrize("disk", [None, LITTLE_DISK, 1 << 30])
@pytest.mark.parametrize("direction", [FROM_CLIENT, FROM_SERVER])
def test_what_comes_in_bulk_goes_on_and_is_parsed_as_it_came(
    direction: str, disk: int | None, tmp_path: Path
) -> None:
    """Whether its copy finds room on disk, or in part, or not at all."""

    async def test() -> None:
        async with reading(disk, tmp_path) as (pair, relay, reader):
            before = len(os.listdir("/proc/self/fd"))
            to_server = direction == FROM_CLIENT
            sender, receiver = (pair.client, pair.server)[:: 1 if to_server else -1]
            flow = relay.up if to_server else relay.down
            data = os.urandom(MUCH)
            sending = asyncio.ensure_future(_send(sender, data))
            got = await _in_bulk(flow, receiver)
            assert got + await read_all(receiver) == data
            await sending
            await until(lambda: not len(pair.station.backlog))
            assert reader.fed[direction] == data
            if pair.station.backlog.spill is not None:
                pair.station.backlog.spill.close()
            await until(lambda: len(os.listdir("/proc/self/fd")) == before)

    run(test)


def test_without_descriptors_it_goes_on_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none is left open that was to be had."""
    asked = 0

    def none_left(_flags: int) -> tuple[int, int]:
        nonlocal asked
        asked += 1
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def test() -> None:
        async with reading() as (pair, relay, _):
            before = len(os.listdir("/proc/self/fd"))
            monkeypatch.setattr(os, "pipe2", none_left)
            data = os.urandom(MUCH)
            _, got = await asyncio.gather(_send(pair.client, data), read_all(pair.server))
            assert got == data
            assert relay.up.bulk is None
            assert len(os.listdir("/proc/self/fd")) == before

    run(test)
    assert asked


def test_small_pieces_end_it() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, reader):
            loop = asyncio.get_running_loop()
            data = os.urandom(MUCH)
            sending = asyncio.ensure_future(loop.sock_sendall(pair.client, data))
            got = await _in_bulk(relay.up, pair.server)
            assert got + await exactly(pair.server, MUCH - len(got)) == data
            await sending
            words = [b"%03d" % number for number in range(100)]
            for word in words:
                await loop.sock_sendall(pair.client, word)
                assert await loop.sock_recv(pair.server, 10) == word
            assert relay.up.bulk is None
            assert relay.fast
            await until(lambda: not len(pair.station.backlog))
            assert reader.fed[FROM_CLIENT] == data + b"".join(words)

    run(test)


def test_held_in_the_midst_of_it_nothing_passes_and_freed_all_of_it_does() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, reader):
            loop = asyncio.get_running_loop()
            data = os.urandom(MUCH)
            sending = asyncio.ensure_future(_send(pair.client, data))
            got = await _in_bulk(relay.up, pair.server)
            relay.hold()
            assert relay.up.bulk is None
            got += await exactly(pair.server, relay.up.sent - len(got))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await loop.sock_recv(pair.server, 100)
            relay.free()
            assert got + await read_all(pair.server) == data
            await sending
            pair.station.drain()
            assert reader.fed[FROM_CLIENT] == data

    run(test)


def test_aimed_at_in_the_midst_of_it_messages_go_on_when_they_are_whole() -> None:
    """As far as they are not on their way already."""

    async def test() -> None:
        async with reading() as (pair, relay, reader):
            data = os.urandom(MUCH)
            sending = asyncio.ensure_future(
                asyncio.get_running_loop().sock_sendall(pair.client, data)
            )
            got = await _in_bulk(relay.up, pair.server)
            under_way = relay.up.sent
            relay.aim()
            assert relay.up.bulk is None
            got += await exactly(pair.server, MUCH - len(got))
            assert got == data
            await sending
            assert relay.up.bulk is None
            assert relay.up.sent > under_way
            await asyncio.get_running_loop().sock_sendall(pair.client, bytes(1500))
            assert await exactly(pair.server, 1000) == bytes(1000)
            await until(lambda: len(relay.up.kept) == 500)
            assert reader.fed[FROM_CLIENT] == data + bytes(1500)

    run(test)


def test_a_reset_by_the_sender_passes_as_a_reset() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, _):
            sending = asyncio.ensure_future(_send_on(pair.client))
            await _in_bulk(relay.up, pair.server)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            _reset(pair.client)
            with pytest.raises(ConnectionResetError):
                await read_all(pair.server)
            await until(lambda: not pair.station.relays)
            assert relay.up.bulk is None

    run(test)


def test_a_reset_by_the_receiver_passes_as_a_reset() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, _):
            sending = asyncio.ensure_future(_send_on(pair.client))
            await _in_bulk(relay.up, pair.server)
            _reset(pair.server)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await sending
            await until(lambda: not pair.station.relays)
            assert relay.up.bulk is None

    run(test)


def test_a_reader_that_does_not_read_stops_the_sender_and_nothing_is_lost() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, _):
            sending = asyncio.ensure_future(_send_on(pair.client))
            got = await _in_bulk(relay.up, pair.server)
            flow, before = relay.up, -1
            while flow.fed > before:
                before = flow.fed
                await asyncio.sleep(0.3)
            assert flow.bulk is not None
            assert flow.fed - flow.sent <= 1 << 20, "more than a pipe takes"
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            pair.client.shutdown(socket.SHUT_WR)
            rest = await read_all(pair.server)
            assert len(got) + len(rest) == flow.fed
            assert (got + rest).strip(PATTERN) == b""

    run(test)


def test_the_other_side_may_say_no_more_in_the_midst_of_it() -> None:
    async def test() -> None:
        async with reading() as (pair, relay, _):
            data = os.urandom(MUCH)
            sending = asyncio.ensure_future(_send(pair.client, data))
            got = await _in_bulk(relay.up, pair.server)
            pair.server.shutdown(socket.SHUT_WR)
            assert await read_all(pair.client) == b""
            assert got + await read_all(pair.server) == data
            await sending

    run(test)


async def _in_bulk(flow: Flow, receiver: socket.socket) -> bytes:
    """Read until the flow comes in bulk, and some more."""
    got = bytearray()
    while flow.bulk is None:
        got += await asyncio.get_running_loop().sock_recv(receiver, 1 << 16)
    got += await exactly(receiver, MUCH // 6)
    assert flow.bulk is not None
    assert len(got) < MUCH // 2
    return bytes(got)


async def _send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)
    sock.shutdown(socket.SHUT_WR)


async def _send_on(sock: socket.socket) -> None:
    chunk = PATTERN * (1 << 16)
    while True:
        await asyncio.get_running_loop().sock_sendall(sock, chunk)


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()
