"""The harness's side of the sandboxes: one socket for each, asked and answered in turn."""

import json
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import EnvironmentFailed

_TIMEOUT_S = 10.0
_LONGEST = 1 << 20


class Sandbox:
    """A connection to the program in one sandbox. Blocking; several threads may ask.

    Raises EnvironmentFailed where the sandbox is gone or refuses.
    """

    def __init__(self, node: str, path: Path) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.settimeout(_TIMEOUT_S)
        try:
            _connect(self._sock, path)
        except OSError as error:
            self._sock.close()
            raise EnvironmentFailed(f"the sandbox of {node} does not answer: {error}") from error

    def close(self) -> None:
        self._sock.close()

    def ask(self, do: str, /, *, timeout_s: float = _TIMEOUT_S, **given: Any) -> Any:
        """What it answers. The deadline is for the answer."""
        told, _ = self._exchange(do, given, timeout_s)
        return told

    def socket(self, do: str, /, **given: Any) -> socket.socket:
        """A socket that was made in there."""
        _, fds = self._exchange(do, given, _TIMEOUT_S)
        if len(fds) != 1:
            raise EnvironmentFailed(f"the sandbox of {self._node}: no socket for {do!r}")
        return socket.socket(fileno=fds[0])

    def _exchange(
        self, do: str, given: Mapping[str, Any], timeout_s: float
    ) -> tuple[Any, list[int]]:
        line = json.dumps({"do": do, "given": given}).encode() + b"\n"
        with self._lock:
            try:
                self._sock.settimeout(timeout_s)
                self._sock.sendall(line)
                answer, fds = self._receive()
            except (OSError, ValueError) as error:
                self._sock.close()  # what comes late must not be taken for another's answer
                raise EnvironmentFailed(
                    f"the sandbox of {self._node} does not answer {do!r}: {error}"
                ) from error
        if "error" in answer:
            for fd in fds:
                os.close(fd)
            raise EnvironmentFailed(f"the sandbox of {self._node}: {do}: {answer['error']}")
        return answer["told"], fds

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        text, fds = b"", list[int]()
        while not text.endswith(b"\n"):
            data, found, _, _ = socket.recv_fds(self._sock, _LONGEST, 1)
            if not data:
                raise OSError("it hung up")
            text += data
            fds += found
        answer: dict[str, Any] = json.loads(text)
        return answer, fds


def _connect(sock: socket.socket, path: Path) -> None:
    """By a short way: a path of a Unix socket has 107 bytes at most (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
