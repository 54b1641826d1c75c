"""Ports of nodes on this machine's loopback, for work by hand.

A socket belongs to the network namespace in which it was made. So the listening sockets are made
before the run enters its own, and connections to them are passed on to the nodes from within.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from harness.errors import DeclarationError
from harness.model.system import ROLE_PORTS, Node, System

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One port of a node and the listening socket that stands for it on this machine."""

    node: str
    port: int
    listener: socket.socket

    @property
    def host_port(self) -> int:
        return int(self.listener.getsockname()[1])


def listen(system: System) -> tuple[Published, ...]:
    """Listen for every published port, and for the port of every server's role.

    Raises DeclarationError where the compose file names a port of this machine that is in use.
    """
    made: list[Published] = []
    try:
        for node in system.nodes:
            for port, host in _ports(node).items():
                listener = _listen(system, node, host)
                made.append(Published(node=node.name, port=port, listener=listener))
    except DeclarationError:
        for published in made:
            published.listener.close()
        raise
    return tuple(made)


def _ports(node: Node) -> dict[int, int | None]:
    ports: dict[int, int | None] = {}
    if node.role in ROLE_PORTS:
        ports[ROLE_PORTS[node.role]] = None
    ports.update({p.container: p.host for p in node.ports})
    return ports


def _listen(system: System, node: Node, host_port: int | None) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, host_port or 0))
        listener.listen()
    except OSError as error:
        listener.close()
        raise DeclarationError(
            f"{system.path}: service {node.name} publishes port {host_port}, which cannot be had "
            f"on {LOOPBACK} ({error.strerror}): stop what listens there, or publish another"
        ) from error
    listener.setblocking(False)
    return listener


async def forward(published: Sequence[Published], addresses: dict[str, str]) -> None:
    """Pass connections on until cancelled."""
    servers = [
        await asyncio.start_server(_passer(addresses[p.node], p.port), sock=p.listener)
        for p in published
    ]
    try:
        await asyncio.gather(*(server.serve_forever() for server in servers))
    finally:
        for server in servers:
            server.close()


def _passer(address: str, port: int) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(address, port)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()
            writer.close()

    return serve


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass bytes on, and the end of them: the other direction may go on."""
    with contextlib.suppress(OSError):  # a reset ends both directions: `serve` closes them
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
        target.write_eof()
