"""What faults may ask of the running system, answered by real stores."""

import asyncio
import json
from pathlib import Path
from typing import Any, Protocol

import pytest
from kafka import KafkaProducer

from harness.drivers.connect import Connect
from harness.drivers.kafka import Kafka
from harness.drivers.postgres import Postgres
from harness.engine.stage import StoreWitness, WorkerControl, connector_of
from harness.engine.world import World
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.store_query import StoreQuery

DATABASE = "stage_test"
TOPIC = "stage.events"
COMMITTED = StoreQuery(name="c", node="db", database=DATABASE, sql="SELECT id, n FROM orders")


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def kafka(self) -> str: ...
    @property
    def connect(self) -> str: ...


@pytest.mark.stack
def test_the_witness_tells_committed_from_published(servers: Servers) -> None:
    """Rows that are visible now, and keys of records; a record without a key is nobody's."""

    async def run() -> list[Any]:
        database = Postgres(servers.postgres.partition(":")[0], user="shop", password="shop")
        kafka = Kafka(servers.kafka)
        witness = StoreWitness(World(postgres={"db": database}, kafka=kafka), COMMITTED)
        try:
            await database.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            await database.query(f"CREATE DATABASE {DATABASE}")
            await database.query("CREATE TABLE orders (id text, n int)", database=DATABASE)
            await kafka.create_topics([TOPIC])
            before = await witness.committed()
            await database.query(
                "INSERT INTO orders VALUES ('s1', 2), ('s2', 1), ('s17', 1)", database=DATABASE
            )
            await asyncio.to_thread(produce, servers.kafka, b"s1", b"s2", None)
            published = await witness.published()
            return [
                sorted(before), sorted(await witness.committed()), {("s1", 1), ("s2", 1)} <= published,
                ("s1", 2) in published, ("s17", 1) in published,
            ]  # fmt: skip
        finally:
            await kafka.delete_topics([TOPIC])
            await database.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            await kafka.close()
            await database.close()

    assert asyncio.run(run()) == [
        [], [("s1", 1), ("s1", 2), ("s17", 1), ("s2", 1)], True, False, False
    ]  # fmt: skip


def produce(bootstrap: str, *keys: bytes | None) -> None:
    """A record for each key."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for key in keys:
        producer.send(TOPIC, key=key, value=b"{}")
    producer.flush()
    producer.close()


def test_without_a_broker_nothing_can_be_asked_of_topics() -> None:
    """A suite whose system has none must not use a fault that asks."""
    with pytest.raises(EnvironmentFailed, match="no broker"):
        asyncio.run(StoreWitness(World(), COMMITTED).published())


@pytest.mark.stack
def test_a_worker_without_connectors_does_not_run_any(servers: Servers) -> None:
    """Running means that there is something that runs; nothing is restarted, no slot is served."""

    async def run() -> list[Any]:
        worker = Connect(servers.connect.partition(":")[0])
        database = Postgres(servers.postgres.partition(":")[0], user="shop", password="shop")
        control = WorkerControl(worker, {"db": database})
        try:
            await database.drop_slots()
            return [
                await control.running(), list(await control.restart_connectors()),
                dict(await control.sessions()),
            ]  # fmt: skip
        finally:
            await worker.close()
            await database.close()

    assert asyncio.run(run()) == [False, [], {}]


@pytest.mark.stack
def test_a_slot_without_a_session_is_told_as_such(servers: Servers) -> None:
    """Its pid is None."""

    async def run() -> dict[str, int | None]:
        database = Postgres(servers.postgres.partition(":")[0], user="shop", password="shop")
        try:
            await database.query(
                "SELECT pg_create_logical_replication_slot('stage_test', 'pgoutput')"
            )
            worker = WorkerControl(Connect("127.0.0.1", 1), {"db": database})
            return dict(await worker.sessions())
        finally:
            await database.drop_slots()
            await database.close()

    assert asyncio.run(run()) == {"stage_test": None}


def test_a_worker_that_does_not_answer_does_not_run() -> None:
    """Nobody listens there; that is an answer, not a failure of the rig."""

    async def run() -> bool:
        worker = Connect("127.0.0.1", 1)
        try:
            return await WorkerControl(worker, {}).running()
        finally:
            await worker.close()

    assert asyncio.run(run()) is False


def test_a_connector_is_read_from_its_file(tmp_path: Path) -> None:
    """Every value as text, as Connect wants it."""
    path = tmp_path / "c.json"
    told = {"name": "outbox", "config": {"tasks.max": 1, "transforms": "o", "on": True}}
    path.write_text(json.dumps(told), encoding="utf-8")
    assert connector_of(path) == ("outbox", {"tasks.max": "1", "transforms": "o", "on": "True"})


@pytest.mark.parametrize("told", ["[]", "{", '{"name": "x"}', '{"name": "x", "config": 1}'])
def test_a_file_that_is_no_connector_is_named(tmp_path: Path, told: str) -> None:
    """With what is wanted."""
    path = tmp_path / "c.json"
    path.write_text(told, encoding="utf-8")
    with pytest.raises(DeclarationError, match=rf"{path}: not a connector: a JSON object with"):
        connector_of(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's word."""
    with pytest.raises(DeclarationError, match=r"c\.json: cannot be read: No such file"):
        connector_of(tmp_path / "c.json")
