"""Nodes for tests: services of a few lines of Python, and the environment that runs them."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.environments.namespaces import Namespaces
from harness.model.system import Node, Port, Role, System
from harness.protocols import TapLink
from harness.toolchain import ensure

PORT = 7000
SERVE = f"""
import socket
server = socket.create_server(("", {PORT}))
print("up", flush=True)
while True:
    client, _ = server.accept()
    client.sendall(b"hello")
    client.close()
"""
"""A program that says hello to everybody who connects."""


def reads(name: str) -> str:
    """A program that connects to a peer by this name, prints its address and what it says, and
    then says hello itself."""
    return f"""
import socket
print(socket.gethostbyname("{name}"))
with socket.create_connection(("{name}", {PORT})) as peer:
    print(peer.makefile().read(), flush=True)
{SERVE}"""


def service(name: str, directory: str, code: str = SERVE, **more: Any) -> Node:
    """A node that runs `code` in `directory` and is ready when `PORT` is open. `more`: other
    fields of the node."""
    fields: dict[str, Any] = {
        "role": Role.SERVICE,
        "build": Path(directory),
        "command": (sys.executable, "-I", "-S", "-u", "-c", code),
        "ports": (Port(container=PORT),),
        **more,
    }
    return Node(name=name, **fields)


def nodes_of(directory: str, *nodes: Node, **more: Any) -> Namespaces:
    """The environment of these nodes, with disks and logs below `directory`. Fetches nothing."""
    path = Path(directory)
    return Namespaces(
        System(name="test", path=path / "test.yaml", nodes=nodes),
        ensure(offline=True),
        directory=path / "nodes",
        logs=path / "logs",
        **more,
    )


def printed(directory: str, node: str) -> str:
    """What the node printed so far, without the harness's own lines."""
    path = Path(directory, "logs", f"{node}.log")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return "".join(line for line in text.splitlines(True) if not line.startswith("==="))


@asynccontextmanager
async def relays(env: Namespaces) -> AsyncIterator[set[tuple[str | None, str]]]:
    """Stand-ins for taps: on every link, pass bytes on as a tap would. Gives the pairs that were
    connected so far; client None is the harness."""
    used: set[tuple[str | None, str]] = set()

    def serving(link: TapLink, port: int) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            used.add((link.client, link.server))
            sock = socket.socket() if link.client is None else env.net.socket_in(link.client)
            sock.setblocking(False)
            with contextlib.closing(writer), contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(sock, (link.address, port))
                there, back = await asyncio.open_connection(sock=sock)
                with contextlib.closing(back):
                    await asyncio.gather(_pass(reader, back), _pass(there, writer))

        return serve

    servers = [
        await asyncio.start_server(serving(link, port), link.listen, port)
        for link in env.links()
        for port in link.ports
    ]
    try:
        yield used
    finally:
        for server in servers:
            server.close()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(1 << 16):
        target.write(chunk)
    target.write_eof()
