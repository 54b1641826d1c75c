"""Reads everything a verdict needs out of the system, as Arrow tables by name.

Names are those of the run directory's snapshot, without the file suffix: `db.<node>.<table>`,
`kafka.<topic>`, `groups`, `slots`, `transactions`, `connect`, `quiescence`. Stores are read in
parallel. What can be read is written even where another part cannot.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import pyarrow as pa

from harness.drivers.connect import Connect, ConnectorStatus
from harness.drivers.database import Database
from harness.drivers.kafka import Kafka, Record
from harness.drivers.postgres import Postgres
from harness.engine.committed import BusinessKeys, rows_of
from harness.engine.quiesce import QuietCondition
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.snapshot import (
    CONNECT_SCHEMA,
    GROUPS_SCHEMA,
    QUIESCENCE_SCHEMA,
    SLOTS_SCHEMA,
    TOPIC_SCHEMA,
    TRANSACTIONS_SCHEMA,
)

WriteTable = Callable[[str, pa.Table], None]

Rows = list[dict[str, Any]]


async def collect(
    world: World,
    write_table: WriteTable,
    quiescence: Sequence[QuietCondition] = (),
    *,
    deadline_s: float = 30.0,
) -> None:
    """Read everything and hand each table to `write_table`. Raises EnvironmentFailed, with every
    reason, after all the rest is written, where a part could not be read."""
    write_table(
        "quiescence", pa.Table.from_pylist(_conditions(quiescence), schema=QUIESCENCE_SCHEMA)
    )
    parts = {
        f"tables of {node}": _databases(world.stored_as.get(node, node), server, write_table)
        for node, server in world.databases.items()
    }
    parts["slots"] = _slots(world.postgres, write_table)
    parts["transactions"] = _transactions(world, write_table)
    parts["connectors"] = _connect(world.connect, write_table)
    parts["topics"] = _topics(world.kafka, world.internal_topics, write_table)
    parts["groups"] = _groups(world.kafka, write_table)
    ends = await asyncio.gather(
        *(_in_time(name, part, deadline_s) for name, part in parts.items()), return_exceptions=True
    )
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, EnvironmentFailed):
            raise end
    if failed := [str(end) for end in ends if end is not None]:
        raise EnvironmentFailed("the snapshot is not complete: " + "; ".join(failed))


def file_name(label: str) -> str:
    """A topic's or table's name as it may stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", label)


async def _in_time(name: str, part: Coroutine[Any, Any, None], deadline_s: float) -> None:
    try:
        async with asyncio.timeout(deadline_s):
            await part
    except TimeoutError as late:
        raise EnvironmentFailed(f"{name} not read in {deadline_s:g} s") from late


async def _databases(node: str, server: Database, write_table: WriteTable) -> None:
    written: set[str] = set()
    for database in await server.databases():
        for table, rows in (await server.read_tables(database)).items():
            # Two databases of one server may each have such a table; the first keeps the name.
            name = table if table not in written else f"{database}.{table}"
            written.add(name)
            write_table(file_name(f"db.{node}.{name}"), rows)


async def _topics(kafka: Kafka | None, internal: frozenset[str], write_table: WriteTable) -> None:
    if kafka is None:
        return
    for topic, records in (await kafka.read_topics(await kafka.topics(internal))).items():
        rows = [_record(record) for record in records]
        write_table(file_name(f"kafka.{topic}"), pa.Table.from_pylist(rows, schema=TOPIC_SCHEMA))


async def _groups(kafka: Kafka | None, write_table: WriteTable) -> None:
    rows = [
        {
            "group": o.group,
            "topic": o.topic,
            "partition": o.partition,
            "committed": o.committed,
            "log_end": o.log_end,
            "lag": o.lag,
        }
        for o in (await kafka.group_offsets() if kafka is not None else ())
    ]
    write_table("groups", pa.Table.from_pylist(rows, schema=GROUPS_SCHEMA))


async def _slots(servers: Mapping[str, Postgres], write_table: WriteTable) -> None:
    rows = [
        {
            "node": node,
            "slot": slot.slot,
            "plugin": slot.plugin,
            "database": slot.database,
            "active": slot.active,
            "restart_lsn": slot.restart_lsn,
            "confirmed_flush_lsn": slot.confirmed_flush_lsn,
            "wal_status": slot.wal_status,
            "lag_bytes": slot.lag_bytes,
        }
        for node, postgres in servers.items()
        for slot in await postgres.slots()
    ]
    write_table("slots", pa.Table.from_pylist(rows, schema=SLOTS_SCHEMA))


async def _transactions(world: World, write_table: WriteTable) -> None:
    """No table where no server's log can be read: nothing must be taken for nothing was done."""
    ledgers = [ledger for ledger in world.ledgers.values() if ledger.why_not is None]
    if not ledgers:
        return
    found = await asyncio.gather(*(ledger.read() for ledger in ledgers))
    keys = BusinessKeys(world.key_columns)
    for committed in found:
        keys.learn(committed)
    rows = [row for committed in found for row in rows_of(committed, keys)]
    write_table("transactions", pa.Table.from_pylist(rows, schema=TRANSACTIONS_SCHEMA))


async def _connect(workers: Mapping[str, Connect], write_table: WriteTable) -> None:
    rows: Rows = []
    for node, connect in workers.items():
        for status in await connect.statuses():
            rows += _connector(node, status)
    write_table("connect", pa.Table.from_pylist(rows, schema=CONNECT_SCHEMA))


def _connector(node: str, status: ConnectorStatus) -> Rows:
    common = {"node": node, "connector": status.connector}
    own = {**common, "state": status.state, "task": None, "trace": status.trace}
    tasks = [{**common, "state": t.state, "task": t.task, "trace": t.trace} for t in status.tasks]
    return [own, *tasks]


def _conditions(quiescence: Sequence[QuietCondition]) -> Rows:
    return [
        {"condition": c.name, "met": c.met, "waited_s": c.waited_s, "detail": c.detail}
        for c in quiescence
    ]


def _record(record: Record) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": json.dumps({name: _text(value) for name, value in record.headers}),
        "committed": record.committed,
    }


def _text(raw: bytes | None) -> str | None:
    """UTF-8 as text; anything else in hexadecimal, as PostgreSQL shows bytea."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "\\x" + raw.hex()
