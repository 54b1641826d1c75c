"""Asking an engine over HTTP, with no library of Docker's: those take half a second to import."""

import http.client
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from harness.environments.docker.context import Endpoint

_PEER = struct.Struct("3i")
"""What SO_PEERCRED tells: pid, uid, gid (unix(7))."""
_LONGEST = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an engine has answered."""

    body: bytes
    server: str
    """What it calls itself."""
    peer: int | None
    """The process that made its socket, as it is numbered here: 0 where it is not to be seen from
    here; None where that is not told, at a port."""

    def document(self) -> Any:
        """The body. Raises ValueError where that is no JSON."""
        return json.loads(self.body)


class _Connection(http.client.HTTPConnection):
    """HTTP to the engine's socket or port, by no proxy."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        super().__init__("docker", timeout=timeout_s)
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self.peer: int | None = None

    def connect(self) -> None:
        if self._endpoint.address is not None:
            self.sock = socket.create_connection(self._endpoint.address, self._timeout_s)
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._endpoint.path or "")
        told = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        self.peer = _PEER.unpack(told)[0]


def ask(endpoint: Endpoint, path: str, *, timeout_s: float) -> Answer:
    """GET. Raises OSError where nobody answers and http.client.HTTPException where what answers is
    no engine or refuses. The deadline is for each step of it."""
    connection = _Connection(endpoint, timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(_LONGEST)
        if answer.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"{path}: {answer.status} {answer.reason}")
        return Answer(body=body, server=answer.headers.get("Server", ""), peer=connection.peer)
    finally:
        connection.close()
