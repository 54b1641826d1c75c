"""Which outcomes of a request are known, shown on real sockets."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web

from harness.drivers.http import Answer, get, new_session, of_failure, of_status, send
from harness.model.op import OpType

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ask(handle: Handle, *, method: str = "POST", timeout_s: float = 5.0) -> tuple[Answer, int]:
    """The answer to one request to a raw server, and how many connections it saw."""
    connections: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await handle(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.ensure_future(serve(reader, writer)))

    async def run() -> Answer:
        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with new_session() as session:
                url = f"http://127.0.0.1:{port}/"
                answer = await send(session, method, url, timeout_s=timeout_s)
            await asyncio.gather(*connections)
            return answer

    return asyncio.run(run()), len(connections)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OpType.OK),
        (201, OpType.OK),
        (302, OpType.FAIL),
        (404, OpType.FAIL),
        (409, OpType.FAIL),
        (500, OpType.INFO),
        (503, OpType.INFO),
        (999, OpType.INFO),
    ],
)
def test_a_status_says_whether_it_happened(status: int, kind: OpType) -> None:
    """2xx: yes; 4xx: no; 5xx may have come after the commit."""
    assert of_status(status).type is kind


def test_an_answer_is_its_status_and_json() -> None:
    """What the service answers is in the history."""

    async def body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{"id":1}')
        await writer.drain()

    answer, _ = ask(body)
    assert (answer.type, answer.status, answer.value) == (OpType.OK, 201, {"id": 1})


def test_a_body_that_is_no_object_has_no_value() -> None:
    """An HTML error page is not a value."""
    assert [of_status(200, text).value for text in ("", "<html>", "[1]")] == [{}, {}, {}]


def test_a_refused_connection_is_a_definite_failure() -> None:
    """Nothing was sent, so nothing can have happened."""
    answer = asyncio.run(get("http://127.0.0.1:1/", timeout_s=5))
    assert (answer.type, answer.error) == (OpType.FAIL, "not connected: connrefused")


def test_an_answer_that_does_not_come_in_time_leaves_it_open() -> None:
    """The service may do it yet."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    answer, _ = ask(silent, timeout_s=0.2)
    assert (answer.type, answer.error) == (OpType.INFO, "timed out")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_disconnect_before_the_answer_leaves_it_open_and_is_not_retried(method: str) -> None:
    """One request is one operation, whatever the method."""

    async def hang_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    answer, connections = ask(hang_up, method=method)
    assert (answer.type, connections) == (OpType.INFO, 1)


def test_a_reset_leaves_it_open() -> None:
    """As when the process is killed while it works."""

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    answer, _ = ask(reset)
    assert answer.type is OpType.INFO


def test_an_answer_that_breaks_off_leaves_it_open() -> None:
    """A status alone is not an answer: the connection died in between."""

    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    answer, _ = ask(half)
    assert (answer.type, answer.error) == (OpType.INFO, "answer broke off")


def test_a_connection_that_was_never_made_is_definite_however_it_failed() -> None:
    """Time-out while dialling, unreachable host: not a byte of the request left."""
    unreachable = aiohttp.ClientConnectorError(
        aiohttp.client_reqrep.ConnectionKey("h", 1, False, True, None, None, None),
        OSError(errno.EHOSTUNREACH, "no route"),
    )
    assert of_failure(aiohttp.ConnectionTimeoutError()).type is OpType.FAIL
    assert of_failure(unreachable).error == "not connected: hostunreach"


def test_an_unknown_failure_leaves_it_open() -> None:
    """What the table does not know is never taken for definite."""
    assert of_failure(RuntimeError("?")) == Answer(type=OpType.INFO, error="RuntimeError: ?")


def test_a_request_without_body_names_no_content_type() -> None:
    """Connect refuses an empty body of octets with 415."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"type": request.headers.get("Content-Type", "none")})

    async def run() -> Answer:
        app = web.Application()
        app.router.add_post("/", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
        port = runner.addresses[0][1]
        async with new_session() as session:
            answer = await send(session, "POST", f"http://127.0.0.1:{port}/", timeout_s=5)
        await site.stop()
        await runner.cleanup()
        return answer

    assert asyncio.run(run()).value == {"type": "none"}
