"""The process itself: what it does not know it says, and it ends with its harness."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness.tap.messages import Inbox, Message, encode


@contextmanager
def process() -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    with ours, theirs:
        command = [sys.executable, "-m", "harness.tap", str(theirs.fileno())]
        with subprocess.Popen(command, pass_fds=(theirs.fileno(),)) as running:
            theirs.close()
            yield ours, running


def test_an_unknown_request_is_answered_with_an_error() -> None:
    with process() as (ours, _):
        ours.sendall(encode({"id": 7, "do": "fly"}))
        (answer,) = Inbox(ours).receive()
        assert answer == {"id": 7, "error": "the tap knows no 'fly'"}
        ours.close()


def test_requests_are_answered_in_their_order() -> None:
    with process() as (ours, _):
        ours.sendall(
            encode({"id": 1, "do": "open"})
            + encode({"id": 2, "do": "strangers", "connections": [["b", "198.18.0.10", 1]]})
        )
        inbox = Inbox(ours)
        answers: list[Message] = []
        while len(answers) < 2:
            answers += inbox.receive()
        assert answers == [{"id": 1}, {"id": 2, "strangers": [["b", "198.18.0.10", 1]]}]
        ours.close()


def test_it_ends_when_the_harness_hangs_up() -> None:
    with process() as (ours, running):
        ours.close()
        assert running.wait(timeout=20) == 0
