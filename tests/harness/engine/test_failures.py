"""Failing links: whose they are, what the taps are told, and where a link is asked."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from harness.engine.failures import LinkFailures
from harness.errors import EnvironmentFailed
from harness.model.system import Node, Role, System
from harness.protocols import TapLink

SYSTEM = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(
        Node(name="order-db", role=Role.POSTGRES),
        Node(name="order", role=Role.SERVICE),
        Node(name="review", role=Role.SERVICE, labels={"aftershock.ready": "8080/health"}),
    ),
)


class Told:
    """Taps that remember what they are told."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    async def fail(self, client: str, server: str, code: str) -> None:
        self.log.append(("fail", client, server, code))

    async def serve(self, client: str, server: str) -> int:
        self.log.append(("serve", client, server))
        return 7


def link(client: str | None, port: int = 8080) -> TapLink:
    return TapLink(
        client=client, server="review", listen="127.0.0.1", address="10.0.0.9", ports=(port,),
        protocol="http",
    )  # fmt: skip


async def dialling() -> socket.socket:
    """A socket as the environment gives one."""
    sock = socket.socket()
    sock.setblocking(False)
    return sock


def failures(taps: Told, *links: TapLink) -> LinkFailures:
    return LinkFailures(taps, links, SYSTEM, dialling=dialling)  # type: ignore[arg-type] # as much of them as is used


def test_databases_call_nobody() -> None:
    """Services and the workload's customers do."""
    told = failures(Told(), link("order-db"), link("order"), link(None))
    assert told.clients("review") == ("order", "client")
    assert told.clients("order") == ()


def test_the_taps_are_told_of_links_that_there_are() -> None:
    """Another one is the caller's mistake, said before anything is done."""
    taps = Told()
    told = failures(taps, link("order"))

    async def test() -> None:
        await told.begin("order", "review", "500")
        assert await told.end("order", "review") == 7
        with pytest.raises(EnvironmentFailed, match="no tap reads HTTP between order-db and"):
            await told.begin("order-db", "review", "500")

    asyncio.run(test())
    assert taps.log == [("fail", "order", "review", "500"), ("serve", "order", "review")]


def test_a_link_is_asked_at_its_own_tap() -> None:
    """For what tells that the server is ready; nobody there is no status."""

    async def test() -> None:
        paths: list[bytes] = []
        socks: list[socket.socket] = []

        async def made() -> socket.socket:
            socks.append(await dialling())
            return socks[-1]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            paths.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
            writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ready = System(
            name="s", path=Path("s.yaml"),
            nodes=(Node(name="review", role=Role.SERVICE,
                        labels={"aftershock.ready": f"{port}/health"}),),
        )  # fmt: skip
        told = LinkFailures(Told(), [link(None, port)], ready, dialling=made)  # type: ignore[arg-type] # as above
        assert await told.ask("client", "review") == 503
        assert paths == [b"/health"]
        assert [sock.fileno() for sock in socks] == [-1], "the one given, and closed"
        server.close()
        await server.wait_closed()
        assert await told.ask("client", "review") is None

    asyncio.run(test())
