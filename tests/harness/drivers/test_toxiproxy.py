"""The control interface, with a server of a few lines: what it is asked, deadlines, and refusals."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.drivers.toxiproxy import Toxiproxy
from harness.errors import EnvironmentFailed
from harness.model.toxic import Stream, Toxic

LATENCY = Toxic(type="latency", stream=Stream.DOWNSTREAM, attributes={"latency": 200, "jitter": 50})
PROXY = {"name": "p", "listen": "l", "upstream": "u", "enabled": True}


class Server:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "GET /proxies": (200, {}),
            "GET /version": (200, {"version": "2.5.0"}),
        }
        self.asked: list[tuple[str, Any]] = []
        self.silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        length = next((int(v) for k, v in _headers(head) if k == "content-length"), 0)
        body = await reader.readexactly(length)
        self.asked.append((f"{method} {path}", json.loads(body) if body else None))
        if self.silent:
            await reader.read()
        else:
            status, told = self.answers[f"{method} {path}"]
            text = json.dumps(told)
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
            )
        writer.close()


def _headers(head: str) -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in head.splitlines()[1:])
    return [(name.lower(), value.strip()) for name, _, value in pairs]


@asynccontextmanager
async def serving(*, timeout_s: float = 5.0) -> AsyncIterator[tuple[Server, Toxiproxy]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server, Toxiproxy("127.0.0.1", port, timeout_s=timeout_s)
    finally:
        listening.close()


def test_a_proxy_is_made_poisoned_and_cleansed() -> None:
    """As Toxiproxy's interface has it."""

    async def test() -> None:
        async with serving() as (server, control):
            server.answers["POST /proxies"] = (201, PROXY)
            await control.create("p", listen="l", upstream="u")
            assert ("POST /proxies", PROXY) in server.asked
            server.answers["GET /proxies"] = (200, {"p": PROXY})
            server.answers["POST /proxies/p/toxics"] = (200, {})
            await control.add("p", LATENCY)
            assert server.asked[-1] == (
                "POST /proxies/p/toxics",
                {
                    "name": "latency_downstream", "type": "latency", "stream": "downstream",
                    "toxicity": 1.0, "attributes": {"latency": 200, "jitter": 50},
                },
            )  # fmt: skip
            toxic = {"name": "latency_downstream", "type": "latency", "stream": "downstream"}
            server.answers["GET /proxies/p/toxics"] = (200, [toxic])
            server.answers["DELETE /proxies/p/toxics/latency_downstream"] = (204, "")
            await control.cleanse("p")
            assert [asked for asked, _ in server.asked if asked.startswith("DELETE")] == [
                "DELETE /proxies/p/toxics/latency_downstream"
            ]

    asyncio.run(test())


def test_what_did_not_succeed_is_an_error() -> None:
    """An answer of 500 too, which the package takes for success."""

    async def test() -> None:
        async with serving() as (server, control):
            server.answers["GET /proxies"] = (200, {"p": PROXY})
            for status, says in ((500, "answered 500"), (400, "toxiproxy: add latency to p")):
                server.answers["POST /proxies/p/toxics"] = (status, {"error": "no"})
                with pytest.raises(EnvironmentFailed, match=says):
                    await control.add("p", LATENCY)
            with pytest.raises(EnvironmentFailed, match="there is no proxy q"):
                await control.cleanse("q")

    asyncio.run(test())


def test_a_server_that_says_nothing_is_waited_for_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package would wait for ever; and it would ask by way of the environment's proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def test() -> None:
        async with serving(timeout_s=0.3) as (server, control):
            assert "2.5.0" in await control.wait_ready(5.0)
            server.silent = True
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(EnvironmentFailed, match=r"toxiproxy: cleanse p: .*timed out"):
                await control.cleanse("p")
            assert loop.time() - began < 3.0

    asyncio.run(test())


def test_one_that_is_not_there_does_not_get_ready() -> None:
    """After the time that it is given."""
    control = Toxiproxy("127.0.0.1", 1, timeout_s=0.2)
    with pytest.raises(EnvironmentFailed, match="toxiproxy: version: "):
        asyncio.run(control.wait_ready(0.05))
