"""Ports of nodes on this machine's loopback."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from harness.environments import publish
from harness.errors import DeclarationError
from harness.model.system import Node, Port, Role, System

pytestmark = pytest.mark.stack  # loopback is up in the session's own namespace


def _system(*nodes: Node) -> System:
    return System(name="s", path=Path("compose.yaml"), nodes=nodes)


def _service(*ports: Port) -> Node:
    return Node(name="web", role=Role.SERVICE, ports=ports)


def test_a_servers_port_is_published_without_being_named() -> None:
    """At any free port of the machine."""
    (published,) = publish.listen(_system(Node(name="db", role=Role.POSTGRES)))
    with published.listener:
        assert (published.node, published.port) == ("db", 5432)
        assert published.host_port > 0


def test_a_named_port_is_taken_or_refused() -> None:
    """File, service and port are told, and what was taken before is let go."""
    with socket.socket() as taken:
        taken.bind((publish.LOOPBACK, 0))
        taken.listen()
        busy = taken.getsockname()[1]
        free = _free_port()
        system = _system(_service(Port(container=80, host=free), Port(container=81, host=busy)))
        with pytest.raises(DeclarationError, match=rf"compose.yaml: service web .* port {busy}"):
            publish.listen(system)
    with socket.socket() as again:
        again.bind((publish.LOOPBACK, free))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((publish.LOOPBACK, 0))
        return int(listener.getsockname()[1])


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    await writer.drain()
    writer.close()


async def _through(data: bytes) -> bytes:
    """What comes back from an echoing node through its published port."""
    server = await asyncio.start_server(_echo, publish.LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    published = publish.listen(_system(_service(Port(container=port))))
    passing = asyncio.create_task(publish.forward(published, {"web": publish.LOOPBACK}))
    try:
        reader, writer = await asyncio.open_connection(publish.LOOPBACK, published[0].host_port)
        writer.write(data)
        writer.write_eof()
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        return got
    finally:
        passing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await passing
        server.close()
        await server.wait_closed()


def test_bytes_pass_both_ways_and_an_end_is_passed_on() -> None:
    """A half-closed connection still brings the answer."""
    data = bytes(range(256)) * 4000
    assert asyncio.run(_through(data)) == data


async def _dial_nobody() -> bytes:
    published = publish.listen(_system(_service(Port(container=_free_port()))))
    passing = asyncio.create_task(publish.forward(published, {"web": publish.LOOPBACK}))
    try:
        reader, writer = await asyncio.open_connection(publish.LOOPBACK, published[0].host_port)
        got = await reader.read()
        writer.close()
        return got
    finally:
        passing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await passing


def test_a_node_that_is_down_closes_the_connection() -> None:
    """Instead of leaving the caller waiting."""
    assert asyncio.run(_dial_nobody()) == b""
