"""The harness's side, when the other one is not as it should be."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.environments.docker.sandboxes import Sandbox
from harness.errors import EnvironmentFailed


@contextmanager
def answering(path: Path, act: Callable[[socket.socket], object]) -> Iterator[Sandbox]:
    """A sandbox whose program does this with its first connection."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            with server.accept()[0] as taken:
                act(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        sandbox = Sandbox("order", path)
        yield sandbox
        sandbox.close()
        thread.join()


def test_where_nobody_answers_it_is_said(tmp_path: Path) -> None:
    """By the node's name."""
    with pytest.raises(EnvironmentFailed, match="the sandbox of order does not answer"):
        Sandbox("order", tmp_path / "none.sock")


def test_one_that_hangs_up_is_gone(tmp_path: Path) -> None:
    """Now, and for whoever asks afterwards."""
    with answering(tmp_path / "s", lambda _sock: None) as sandbox:
        for _ in range(2):
            with pytest.raises(EnvironmentFailed, match="does not answer 'ping'"):
                sandbox.ask("ping")


def test_one_that_is_silent_is_given_up(tmp_path: Path) -> None:
    """And an answer that comes late is nobody's."""
    with (
        answering(tmp_path / "s", lambda sock: sock.recv(1000) and sock.recv(1)) as sandbox,
        pytest.raises(EnvironmentFailed, match="does not answer 'ping': timed out"),
    ):
        sandbox.ask("ping", timeout_s=0.05)


def test_an_answer_in_pieces_is_one(tmp_path: Path) -> None:
    """A stream has no messages."""

    def in_pieces(sock: socket.socket) -> None:
        sock.recv(1000)
        for piece in (b'{"tol', b'd": 7', b"}\n"):
            sock.sendall(piece)

    with answering(tmp_path / "s", in_pieces) as sandbox:
        assert sandbox.ask("ping") == 7


def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    """An answer without a descriptor."""

    def empty(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b'{"told": null}\n')

    with (
        answering(tmp_path / "s", empty) as sandbox,
        pytest.raises(EnvironmentFailed, match="no socket for 'socket'"),
    ):
        sandbox.socket("socket")


def test_a_path_longer_than_a_socket_address_is_reached(tmp_path: Path) -> None:
    """107 bytes are the most that an address holds."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    path = tmp_path / "s"

    def pong(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b'{"told": 1}\n')

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.rename(folder / "s")
        server.listen()

        def serve() -> None:
            with server.accept()[0] as taken:
                pong(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        sandbox = Sandbox("order", folder / "s")
        assert sandbox.ask("ping") == 1
        sandbox.close()
        thread.join()
