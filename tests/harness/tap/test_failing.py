"""Requests that are answered by the tap: on that link, as long as it is asked to, and not forwarded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from harness.errors import DeclarationError
from harness.tap.failing import Failing
from harness.tap.relay import Link
from harness.tap.station import Station

SERVER, TAP = "127.0.0.1", "127.0.0.4"
POST = b"POST /events HTTP/1.1\r\nContent-Length: 2\r\n\r\n"
SERVED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Ends:
    """A server that remembers what it was asked, and its tap."""

    def __init__(self, station: Station, port: int, asked: list[bytes]) -> None:
        self.station = station
        self.port = port
        self.asked = asked

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(TAP, self.port)

    async def post(self) -> bytes:
        """The whole answer to one request, in two pieces."""
        reader, writer = await self.connect()
        writer.write(POST)
        await writer.drain()
        writer.write(b"{}")
        answer = await reader.read()
        writer.close()
        return answer


@asynccontextmanager
async def ends(protocol: str = "http") -> AsyncIterator[Ends]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            asked.append(data)
            if data.endswith(b"{}"):
                writer.write(SERVED)
                break
        writer.close()

    server = await asyncio.start_server(serve, SERVER, 0)
    port = server.sockets[0].getsockname()[1]
    station = Station(lambda _reached: None)
    link = Link(client="a", server="b", listen=TAP, address=SERVER, port=port, protocol=protocol)
    await station.listen([link])
    try:
        yield Ends(station, port, asked)
    finally:
        server.close()
        await station.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    uvloop.run(bounded())


def test_requests_are_answered_and_not_forwarded() -> None:
    """Each is counted; after the end all is as before."""

    async def test() -> None:
        async with ends() as there:
            assert await there.post() == SERVED
            there.asked.clear()
            there.station.fail("a", "b", "503")
            for _ in range(2):
                assert (await there.post()).startswith(b"HTTP/1.1 503 ")
            assert there.asked == []
            assert there.station.failing.end(("a", "b")) == 2
            assert there.station.failing.end(("a", "b")) == 2
            assert await there.post() == SERVED

    run(test)


def test_a_connection_that_was_there_before_fails_as_well() -> None:
    """Its next request is not for the server."""

    async def test() -> None:
        async with ends() as there:
            reader, writer = await there.connect()
            writer.write(POST)
            while not there.asked:  # noqa: ASYNC110 - what is awaited has no event
                await asyncio.sleep(0.001)
            there.station.fail("a", "b", "500")
            # This one had gone on in part, so it goes on.
            writer.write(b"{}")
            assert await reader.read() == SERVED
            writer.close()
            assert there.station.failing.end(("a", "b")) == 0

    run(test)


def test_another_link_and_another_scenario_are_left_in_peace(tmp_path: Path) -> None:
    """A beginning forgets what was asked for."""

    async def test() -> None:
        async with ends() as there:
            there.station.fail("c", "b", "500")
            assert await there.post() == SERVED
            there.station.fail("a", "b", "500")
            there.station.begin(tmp_path / "spool", frozenset(), 0)
            assert await there.post() == SERVED
            there.station.end()

    run(test)


@pytest.mark.parametrize("status", ["200", "600", "x"])
def test_what_is_no_error_of_http_is_refused(status: str) -> None:
    """Before anything fails."""
    failing = Failing()
    with pytest.raises(DeclarationError, match="an HTTP error is a status"):
        failing.begin(("a", "b"), status)
    link = Link(client="a", server="b", listen=TAP, address=SERVER, port=1, protocol="http")
    assert not failing.covers(link)


def test_a_link_that_speaks_something_else_is_refused() -> None:
    """There is no answer that its client would understand."""
    failing = Failing()
    failing.begin(("a", "b"), "500")
    link = Link(client="a", server="b", listen=TAP, address=SERVER, port=1, protocol="kafka")
    with pytest.raises(DeclarationError, match="a→b does not speak HTTP"):
        failing.covers(link)
