"""The snapshot as it is read from real stores."""

import asyncio
from typing import Protocol

import pyarrow as pa
import pytest

from harness.drivers.kafka import Kafka
from harness.drivers.kafka_python import KafkaProducer
from harness.drivers.postgres import Postgres
from harness.drivers.wal import WalLedger
from harness.engine.collect import collect, file_name
from harness.engine.quiesce import QuietCondition
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.snapshot import (
    CONNECT_SCHEMA,
    GROUPS_SCHEMA,
    SLOTS_SCHEMA,
    TOPIC_SCHEMA,
    TRANSACTIONS_SCHEMA,
)

TOPIC = "aftershock.collect"
DATABASE = "collected"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def kafka(self) -> str: ...


def test_a_name_becomes_a_file_name() -> None:
    """What a file system may not like is an underscore."""
    assert file_name("kafka.order.events") == "kafka.order.events"
    assert file_name('db.order-db.odd "näme"/x') == "db.order-db.odd__n_me__x"


@pytest.mark.stack
def test_everything_is_read_by_its_name(servers: Servers) -> None:
    """Tables, topics and the stores' own state, each under its contract's columns."""

    async def run() -> dict[str, pa.Table]:
        host, port = servers.postgres.split(":")
        postgres = Postgres(host, int(port), user="shop", password="shop")
        kafka = Kafka(servers.kafka)
        found: dict[str, pa.Table] = {}
        try:
            await postgres.drop_slots()
            for name in await postgres.databases():
                await postgres.query(f'DROP DATABASE "{name}" WITH (FORCE)')
            await postgres.query(f"CREATE DATABASE {DATABASE}")
            await postgres.query("CREATE TABLE t (id text)", database=DATABASE)
            await postgres.make_templates()
            await postgres.query("INSERT INTO t VALUES ('1')", database=DATABASE)
            await postgres.query(
                "SELECT pg_create_logical_replication_slot('s', 'pgoutput')", database=DATABASE
            )
            await kafka.delete_topics([TOPIC, "empty"])
            await kafka.create_topics([TOPIC, "empty"])
            await asyncio.to_thread(produce, servers.kafka)
            quiet = QuietCondition(name="stable", met=True, waited_s=0.5, detail="still")
            internal = frozenset(await kafka.topics()) - {TOPIC, "empty"}
            ledgers = {n: WalLedger(n, postgres) for n in ("order-db", "closed-db")}
            await ledgers["order-db"].open()
            await postgres.query("INSERT INTO t VALUES ('2'), ('3')", database=DATABASE)
            world = World(
                postgres={"order-db": postgres},
                kafka=kafka,
                internal_topics=internal,
                ledgers=ledgers,
                key_columns=frozenset({"id"}),
            )
            await collect(world, found.__setitem__, (quiet,))
        finally:
            await postgres.drop_slots()
            await kafka.delete_topics([TOPIC, "empty"])
            await postgres.close()
            await kafka.close()
        return found

    found = asyncio.run(run())
    assert sorted(found) == [
        "connect",
        "db.order-db.t",
        "groups",
        f"kafka.{TOPIC}",
        "kafka.empty",
        "quiescence",
        "slots",
        "transactions",
    ]
    assert found["db.order-db.t"].to_pylist() == [{"id": n} for n in "123"]
    changes = found["transactions"]
    assert changes.schema == TRANSACTIONS_SCHEMA
    assert changes.drop_columns(["xid", "lsn"]).to_pylist() == [
        {
            "node": "order-db",
            "database": DATABASE,
            "position": position,
            "table": "t",
            "operation": "insert",
            "key": key,
            "columns": f'{{"id": "{key}"}}',
        }
        for position, key in ((1, "2"), (2, "3"))
    ]
    records = found[f"kafka.{TOPIC}"]
    assert records.schema == found["kafka.empty"].schema == TOPIC_SCHEMA
    assert records.drop_columns(["timestamp"]).to_pylist() == [
        {
            "partition": 0,
            "offset": 0,
            "key": "1",
            "value": "\\xff00",
            "headers": '{"event_id": "e1"}',
            "committed": True,
        }
    ]
    assert found["connect"].schema == CONNECT_SCHEMA
    assert found["groups"].schema == GROUPS_SCHEMA
    assert found["slots"].schema == SLOTS_SCHEMA
    assert [(s["node"], s["slot"], s["active"]) for s in found["slots"].to_pylist()] == [
        ("order-db", "s", False)
    ]
    assert found["quiescence"].to_pylist() == [
        {"condition": "stable", "met": True, "waited_s": 0.5, "detail": "still"}
    ]


def produce(bootstrap: str) -> None:
    """One record whose value is no text."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(TOPIC, b"\xff\x00", key=b"1", headers=[("event_id", b"e1")])
    producer.flush()
    producer.close()


def test_what_can_be_read_is_written_and_the_rest_is_told() -> None:
    """One dead store does not take the others' evidence away."""

    async def run() -> dict[str, pa.Table]:
        found: dict[str, pa.Table] = {}
        world = World(postgres={"db": Postgres("127.0.0.1", 1, user="u", password="p")})
        with pytest.raises(EnvironmentFailed, match=r"not complete: postgres 127\.0\.0\.1:1"):
            await collect(world, found.__setitem__)
        return found

    assert set(asyncio.run(run())) == {"connect", "groups", "quiescence"}
