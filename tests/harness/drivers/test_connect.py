"""Kafka Connect's REST interface: the real worker, and a stand-in where it must misbehave."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest
from aiohttp import web

from harness.drivers.connect import Connect, ConnectorStatus, ConnectRefused, TaskStatus
from harness.drivers.kafka import Kafka
from harness.drivers.postgres import Postgres
from harness.errors import EnvironmentFailed

NAME = "aftershock-test"
DATABASE = "connect_test"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def kafka(self) -> str: ...
    @property
    def connect(self) -> str: ...


def answered_by(
    answers: list[tuple[int, object]],
    body: Callable[[Connect], Awaitable[None]],
    *,
    timeout_s: float = 2.0,
) -> int:
    """Run `body` against a worker that gives these answers in turn, the last one for ever.
    Returns how many requests it saw."""
    seen = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal seen
        status, answer = answers[min(seen, len(answers) - 1)]
        seen += 1
        return web.json_response(answer, status=status)

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        connect = Connect("127.0.0.1", runner.addresses[0][1], timeout_s=timeout_s)
        try:
            await body(connect)
        finally:
            await connect.close()
            await runner.cleanup()

    asyncio.run(run())
    return seen


def status(state: str, *tasks: str, trace: str | None = None) -> dict[str, object]:
    """The status document of a connector."""
    return {
        "name": NAME,
        "connector": {"state": state, "worker_id": "w"},
        "tasks": [
            {"id": n, "state": t, **({"trace": trace} if trace else {})}
            for n, t in enumerate(tasks)
        ],
    }


def test_a_rebalance_is_waited_out() -> None:
    """409 is asked again."""

    async def body(connect: Connect) -> None:
        assert await connect.connectors() == ("a", "b")

    assert answered_by([(409, {}), (409, {}), (200, ["b", "a"])], body) == 3


def test_a_rebalance_without_end_is_told_at_the_deadline() -> None:
    """With what the worker said."""

    async def body(connect: Connect) -> None:
        with pytest.raises(ConnectRefused, match="rebalancing") as refused:
            await connect.connectors()
        assert refused.value.status == 409

    answered_by([(409, {"message": "rebalancing"})], body, timeout_s=0.3)


def test_an_error_is_told_in_the_workers_words_and_not_asked_again() -> None:
    """A wrong configuration stays wrong."""

    async def body(connect: Connect) -> None:
        with pytest.raises(ConnectRefused, match="Connector configuration is invalid"):
            await connect.put_config(NAME, {})

    answer = {"error_code": 400, "message": "Connector configuration is invalid"}
    assert answered_by([(400, answer)], body) == 1


def test_deleting_what_is_not_there_is_fine() -> None:
    """Idempotent, as every tear-down."""

    async def body(connect: Connect) -> None:
        await connect.delete(NAME)

    answered_by([(404, {"message": "not found"})], body)


def test_running_means_connector_and_tasks() -> None:
    """A connector without tasks does nothing yet."""
    task = TaskStatus(task=0, state="RUNNING")
    failed = TaskStatus(task=1, state="FAILED", trace="a\nCaused by: b\nCaused by: the cause\n\tat")
    assert not ConnectorStatus(connector=NAME, state="RUNNING").running
    assert ConnectorStatus(connector=NAME, state="RUNNING", tasks=(task,)).running
    both = ConnectorStatus(connector=NAME, state="RUNNING", tasks=(task, failed))
    assert not both.running
    assert str(both) == f"{NAME} RUNNING, task 0 RUNNING, task 1 FAILED (the cause)"


def test_waiting_goes_on_until_everything_runs() -> None:
    """No state yet, no tasks yet, a task not yet running: all pass."""

    async def body(connect: Connect) -> None:
        assert (await connect.wait_running(NAME, 2)).running

    answers: list[tuple[int, object]] = [
        (404, {"message": "No status found"}),
        (200, status("RUNNING")),
        (200, status("RUNNING", "UNASSIGNED")),
        (200, status("RUNNING", "RUNNING")),
    ]
    assert answered_by(answers, body) == 4


def test_what_never_runs_is_told_with_its_cause() -> None:
    """The stack trace's innermost line says more than FAILED."""

    async def body(connect: Connect) -> None:
        with pytest.raises(EnvironmentFailed, match=r"task 0 FAILED \(slot is gone"):
            await connect.wait_running(NAME, 0.2)

    answered_by([(200, status("RUNNING", "FAILED", trace="x\nCaused by: slot is gone"))], body)


def test_a_worker_that_is_not_there_does_not_answer() -> None:
    """A refused connection is an answer: not ready."""

    async def run() -> bool:
        connect = Connect("127.0.0.1", 1)
        try:
            return await connect.ping()
        finally:
            await connect.close()

    assert not asyncio.run(run())


@pytest.mark.stack
def test_a_connector_from_its_configuration_to_its_end(servers: Servers) -> None:
    """Put, running, restarted, stopped, its offsets forgotten, deleted; then put again as new."""

    async def run() -> None:
        host, port = servers.postgres.split(":")
        database = Postgres(host, int(port), user="shop", password="shop")
        kafka = Kafka(servers.kafka)
        worker = Connect(*_place(servers.connect))
        try:
            await _remove(worker)
            await database.drop_slots()
            await database.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            await database.query(f"CREATE DATABASE {DATABASE}")
            await database.query("CREATE TABLE t (id int PRIMARY KEY)", database=DATABASE)
            await kafka.create_topics(["connecttest.public.t"])
            for _ in range(2):
                await worker.put_config(NAME, _config(host, port))
                await worker.wait_running(NAME, 20)
                assert await worker.connectors() == (NAME,)
                await worker.restart(NAME)
                await worker.wait_running(NAME, 20)
                assert [s.connector for s in await worker.statuses()] == [NAME]
                await _remove(worker)
                assert await worker.connectors() == ()
                await database.drop_slots()
        finally:
            await _remove(worker)
            await kafka.delete_topics(["connecttest.public.t"])
            for client in (worker, kafka, database):
                await client.close()

    asyncio.run(run())


def _place(address: str) -> tuple[str, int]:
    host, port = address.split(":")
    return host, int(port)


async def _remove(worker: Connect) -> None:
    if NAME in await worker.connectors():
        await worker.stop(NAME)
        await worker.delete_offsets(NAME)
    await worker.delete(NAME)


def _config(host: str, port: str) -> dict[str, str]:
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": host,
        "database.port": port,
        "database.user": "shop",
        "database.password": "shop",
        "database.dbname": DATABASE,
        "topic.prefix": "connecttest",
        "plugin.name": "pgoutput",
        "slot.name": "aftershock_test",
        "snapshot.mode": "no_data",
    }
