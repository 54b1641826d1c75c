"""One connection and what is heard on it: pieces, times, ends, and silence."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import pytest

from harness.drivers.conversation import Conversation
from harness.drivers.dialect import Http, Kafka
from harness.errors import EnvironmentFailed
from harness.model.toxic import Ending

SOON_S, NEVER_S = 10.0, 0.2
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...

    @property
    def kafka(self) -> str: ...


@asynccontextmanager
async def talking(serve: Serve) -> AsyncIterator[Conversation]:
    done: list[asyncio.Task[None]] = []

    async def serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        done.append(task)
        await serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serving, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    conversation = await Conversation.open("127.0.0.1", port, Http("/"), timeout_s=SOON_S)
    try:
        yield conversation
    finally:
        for _ in range(2):
            await conversation.close()
        await asyncio.gather(*done)
        server.close()


async def heard_question(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


def test_pieces_are_told_apart_and_timed() -> None:
    """A pause lies between them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard_question(reader)
        writer.write(ANSWER[:10])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(ANSWER[10:])
        await reader.read()

    async def test() -> None:
        async with talking(serve) as conversation:
            heard = await conversation.ask(timeout_s=SOON_S)
            assert (heard.pieces, heard.whole) == ((10, len(ANSWER) - 10), True)
            assert 0.04 < heard.seconds < SOON_S
            assert heard.ending is None
            assert heard.sent > 0

    asyncio.run(test())


def test_silence_is_a_finding() -> None:
    """Of the time that it was given."""

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def test() -> None:
        async with talking(serve) as conversation:
            heard = await conversation.ask(timeout_s=NEVER_S)
            assert (heard.received, heard.whole, heard.ending) == (0, False, None)
            assert NEVER_S <= heard.seconds < SOON_S

    asyncio.run(test())


@pytest.mark.parametrize("reset", [False, True])
def test_how_a_connection_ends_is_told(reset: bool) -> None:
    """In the middle of an answer that is not whole."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard_question(reader)
        writer.write(ANSWER[:10])
        await writer.drain()
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def test() -> None:
        async with talking(serve) as conversation:
            heard = await conversation.ask(timeout_s=SOON_S)
            assert heard.ending is (Ending.RESET if reset else Ending.CLOSED)
            assert not heard.whole
            assert reset or heard.pieces == (10,)

    asyncio.run(test())


def test_the_last_word_is_said_and_the_end_awaited() -> None:
    """As long as the server takes."""

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(0.1)

    async def test() -> None:
        async with talking(serve) as conversation:
            heard = await conversation.end(timeout_s=SOON_S)
            assert heard.ending is Ending.CLOSED
            assert 0.1 <= heard.seconds < SOON_S

    asyncio.run(test())


def test_where_nobody_listens_there_is_no_conversation() -> None:
    """The reason is the kernel's."""

    async def test() -> None:
        with pytest.raises(EnvironmentFailed, match=r"no connection to 127\.0\.0\.1:1: .*efused"):
            await Conversation.open("127.0.0.1", 1, Kafka(), timeout_s=SOON_S)
        with pytest.raises(EnvironmentFailed, match=r"no session at 127\.0\.0\.1:1: "):
            await Conversation.log_in("127.0.0.1", 1, user="u", password="p", timeout_s=SOON_S)

    asyncio.run(test())


def test_a_socket_of_anothers_making_is_used_and_closed() -> None:
    """Where the connection fails, too."""

    async def test() -> None:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        given = [socket.socket() for _ in range(3)]
        for sock in given:
            sock.setblocking(False)
        ok, refused, silent = given
        talk = await Conversation.open("127.0.0.1", port, Kafka(), timeout_s=SOON_S, sock=ok)
        assert ok.getpeername() == ("127.0.0.1", port)
        await talk.close()
        with pytest.raises(EnvironmentFailed, match="no connection"):
            await Conversation.open("127.0.0.1", 1, Kafka(), timeout_s=SOON_S, sock=refused)
        with pytest.raises(EnvironmentFailed, match=r"no session .*closed the connection"):
            await Conversation.log_in(
                "127.0.0.1", port, user="u", password="p", timeout_s=SOON_S, sock=silent
            )
        assert [sock.fileno() for sock in given] == [-1, -1, -1]
        server.close()

    asyncio.run(test())


@pytest.mark.stack
def test_a_database_answers_with_as_much_as_is_asked_for(servers: Servers) -> None:
    """Again and again, on one session."""

    async def test() -> None:
        host, _, port = servers.postgres.partition(":")
        talk = await Conversation.log_in(
            host, int(port), user="shop", password="shop", timeout_s=SOON_S
        )
        heard = [await talk.ask(up=1000, down=50_000, timeout_s=SOON_S) for _ in range(3)]
        assert all(h.whole and h.sent > 1000 and 50_000 < h.received < 51_000 for h in heard)
        assert (await talk.end(timeout_s=SOON_S)).ending is Ending.CLOSED
        await talk.close()

    asyncio.run(test())


@pytest.mark.stack
def test_a_broker_answers_with_as_much_as_is_asked_for(servers: Servers) -> None:
    """From the second question on."""

    async def test() -> None:
        host, _, port = servers.kafka.partition(":")
        talk = await Conversation.open(host, int(port), Kafka(), timeout_s=SOON_S)
        assert (await talk.ask(timeout_s=SOON_S)).whole
        heard = await talk.ask(up=50_000, down=5000, timeout_s=SOON_S)
        assert heard.whole
        assert heard.sent >= 50_000
        assert 5000 <= heard.received < 8000
        assert (await talk.end(timeout_s=SOON_S)).ending is Ending.CLOSED
        await talk.close()

    asyncio.run(test())
