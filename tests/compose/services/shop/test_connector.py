"""What has failed of a connector is started again, and nothing else is."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from compose.services.shop.connector import Connector
from compose.services.shop.web import Reply, Server
from harness.testing import eventually


class Worker:
    """A Connect worker that says this of its connector."""

    def __init__(self, connector: str, *tasks: str) -> None:
        self.told: dict[str, Any] = {
            "name": "outbox",
            "connector": {"state": connector},
            "tasks": [{"id": n, "state": state} for n, state in enumerate(tasks)],
        }
        self.posted: list[str] = []
        self.status = 200

    def route(self, method: str, path: str, _body: bytes) -> Reply:
        if method == "POST":
            self.posted.append(path)
            return Reply(status=202, body={})
        assert path == "/connectors/outbox/status"
        return Reply(status=self.status, body=self.told)


@contextmanager
def asked(worker: Worker) -> Iterator[Connector]:
    """The connector, at a real server."""
    server = Server(0, worker.route)
    try:
        yield Connector("outbox", "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("states", "posted"),
    [
        (("RUNNING", "RUNNING"), []),
        (("RUNNING", "UNASSIGNED", "RESTARTING", "PAUSED"), []),
        (("RUNNING", "RUNNING", "FAILED"), ["/connectors/outbox/tasks/1/restart"]),
        (
            ("FAILED", "FAILED"),
            ["/connectors/outbox/restart", "/connectors/outbox/tasks/0/restart"],
        ),
    ],
)
def test_what_has_failed_is_started_again(states: tuple[str, ...], posted: list[str]) -> None:
    worker = Worker(*states)
    with asked(worker) as connector:
        connector.mend()
    assert worker.posted == posted


def test_a_connector_that_is_not_there_yet_is_let_be() -> None:
    worker = Worker("FAILED")
    worker.status = 404
    with asked(worker) as connector:
        connector.mend()
    assert worker.posted == []


def test_a_worker_out_of_reach_is_asked_again() -> None:
    """Nobody listens at first."""
    worker, stop = Worker("RUNNING", "FAILED"), threading.Event()
    with asked(worker) as there:
        host, port = there._address
    watch = Connector("outbox", host, port)
    thread = threading.Thread(target=watch.watch, args=(stop, 0.01), daemon=True)
    thread.start()
    server = Server(port, worker.route)
    try:
        asyncio.run(eventually(lambda: bool(worker.posted)))
    finally:
        stop.set()
        thread.join(5)
        server.shutdown()
        server.server_close()
    assert not thread.is_alive()
    assert set(worker.posted) == {"/connectors/outbox/tasks/0/restart"}
