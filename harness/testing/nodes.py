"""Nodes for tests: services of a few lines of Python, and the environment that runs them."""

import sys
from pathlib import Path
from typing import Any

from harness.environments.namespaces import Namespaces
from harness.model.system import Node, Port, Role, System
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
