"""An engine is asked over HTTP, at a socket or a port."""

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.environments.docker.answering import ask
from harness.environments.docker.context import Endpoint

WELL = b"HTTP/1.0 200 OK\r\nServer: Some/1\r\n\r\n[1]"


@contextmanager
def answering(server: socket.socket, says: bytes) -> Iterator[list[bytes]]:
    """Answers one question, which is then in the list."""
    heard = list[bytes]()

    def answer() -> None:
        with server.accept()[0] as client:
            heard.append(client.recv(1000))
            client.sendall(says)

    server.settimeout(5)
    server.listen()
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield heard
    finally:
        thread.join()


def at(path: Path) -> Endpoint:
    """A socket."""
    return Endpoint(host=f"unix://{path}", path=str(path))


def test_at_a_socket_whoever_made_it_is_told(tmp_path: Path) -> None:
    """With what was answered."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with answering(server, WELL) as heard:
            told = ask(at(path), "/x", timeout_s=5)

    assert (told.document(), told.server, told.peer) == ([1], "Some/1", os.getpid())
    assert heard[0].startswith(b"GET /x HTTP/1.1\r\nHost: docker\r\n")


def test_at_a_port_that_is_not_told() -> None:
    """Only the answer is."""
    with socket.create_server(("127.0.0.1", 0)) as server, answering(server, WELL):
        port = server.getsockname()[1]
        endpoint = Endpoint(host=f"tcp://127.0.0.1:{port}", path=None, address=("127.0.0.1", port))
        told = ask(endpoint, "/x", timeout_s=5)

    assert (told.document(), told.peer) == ([1], None)


@pytest.mark.parametrize("says", [b"", b"nothing of the kind\r\n", b"HTTP/1.0 500 No\r\n\r\n"])
def test_what_is_no_engine_is_an_error(tmp_path: Path, says: bytes) -> None:
    """It hangs up, talks of something else, or refuses."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with (
            answering(server, says),
            pytest.raises((http.client.HTTPException, ConnectionError)),
        ):
            ask(at(path), "/x", timeout_s=5)


def test_where_nobody_answers_is_an_error(tmp_path: Path) -> None:
    """The system's own."""
    with pytest.raises(FileNotFoundError):
        ask(at(tmp_path / "none"), "/x", timeout_s=5)
