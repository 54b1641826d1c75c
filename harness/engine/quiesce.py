"""Waits until the system has come to rest, and says what did not.

At rest means, all in one reading: no operation in flight, no transaction open that has written,
every consumer group settled and at the end of its topics, every count of the suite's quiet queries 0, every
replication slot's reader past all that was written, every connector and task RUNNING, and the
rows and log ends unchanged for a while. Readings are polled, and pause at least as long as they
took, so that the machine is left to the system.

A slot is judged by how far its walsender has read (`sent_lsn`), not by what its reader confirmed:
Debezium confirms only what it has produced records for, so on a quiet database the confirmed
position stays behind for good. That lag is told as information.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.drivers.connect import Connect
from harness.drivers.database import Database, TableState
from harness.drivers.kafka import Group, GroupOffset, Kafka, Record
from harness.drivers.postgres import Slot
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.store_query import LoggedChanges, Published, StoreQuery
from harness.wire.replication_events import lsn_number

_POLL_S = 0.05
_ANSWER_S = 3.0
"""How long one question may take; the last ones may outlive the deadline by that."""
_REBALANCING = frozenset({"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
"""States of a group in which it is not known who reads what (KIP-518, KIP-848)."""
_NAMED = 5
"""How many culprits a condition's detail names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietCondition:
    """One thing that had to come to rest. `waited_s`: until it last began to hold, or, unmet, the
    whole wait."""

    name: str
    met: bool
    waited_s: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One condition as just read. `state` takes part in the digest that must stay the same."""

    name: str
    met: bool
    detail: str
    state: Hashable = None


async def wait_quiet(
    world: World,
    *,
    deadline_s: float,
    stable_s: float = 0.3,
    in_flight: Callable[[], int] = lambda: 0,
) -> tuple[QuietCondition, ...]:
    """Every condition, all of them met unless the deadline came first. Raises nothing for a store
    that doesn't answer: that is a condition not met."""
    began = time.monotonic()
    watch = _Watch(world, in_flight)
    tally = _Tally(began, stable_s)
    while True:
        started = time.monotonic()
        tally.add(await watch.read(), now := time.monotonic())
        left = began + deadline_s - now
        if tally.quiet or left <= 0:
            return tally.conditions(now)
        await asyncio.sleep(min(max(_POLL_S, now - started), left))


class _Tally:
    """What held in the readings so far, and since when."""

    def __init__(self, began: float, stable_s: float) -> None:
        self._began = began
        self._stable_s = stable_s
        self._last: dict[str, _Reading] = {}
        self._since: dict[str, float] = {}
        self._digest: Hashable = None
        self._changed = began

    @property
    def quiet(self) -> bool:
        return all(reading.met for reading in self._last.values())

    def add(self, readings: Sequence[_Reading], now: float) -> None:
        """Take one round of readings. A condition missing from it keeps its last reading."""
        digest = tuple((r.name, r.state) for r in readings)
        if digest != self._digest:
            self._digest, self._changed = digest, now
        for reading in (*readings, self._stability(now)):
            if not reading.met:
                self._since.pop(reading.name, None)
            else:
                self._since.setdefault(reading.name, now)
            self._last[reading.name] = reading

    def conditions(self, now: float) -> tuple[QuietCondition, ...]:
        return tuple(
            QuietCondition(
                name=r.name,
                met=r.met,
                waited_s=self._since.get(r.name, now) - self._began,
                detail=r.detail,
            )
            for r in self._last.values()
        )

    def _stability(self, now: float) -> _Reading:
        still = now - self._changed
        return _Reading(
            name="stable",
            met=still >= self._stable_s,
            detail=f"rows and log ends unchanged for {still:.2f} s of {self._stable_s:g} s",
        )


@dataclass(slots=True)
class _Server:
    """What is remembered of one database server between readings."""

    mark: str | None = None
    tables: tuple[TableState, ...] = ()
    written_lsn: int = 0
    """All that is in `tables` was written before this, where the server has a log to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    """A topic's records as last read, and the log ends they were read at."""

    ends: tuple[tuple[tuple[str, int], int], ...]
    records: tuple[Record, ...]


@dataclass(slots=True)
class _Watch:
    """Reads every condition of a world once."""

    world: World
    in_flight: Callable[[], int]
    servers: dict[str, _Server] = field(default_factory=dict)
    read_topics: dict[str, _Topic] = field(default_factory=dict)

    async def read(self) -> list[_Reading]:
        asked: list[tuple[str, Coroutine[Any, Any, _Reading]]] = [
            (f"{database.make} {node}", self._server(node, database))
            for node, database in self.world.databases.items()
        ]
        asked += [(q.name, _counted(self.world, q)) for q in self.world.quiet_queries]
        for published in self.world.published:
            asked.append((published.events.name, self._published(published)))
        if self.world.kafka is not None:
            asked.append(("log ends", _log_ends(self.world.kafka, self.world.internal_topics)))
            asked.append(("consumer lag", _lag(self.world.kafka)))
        for node, connect in self.world.connect.items():
            asked.append((f"connectors {node}", _connectors(node, connect)))
        found = await asyncio.gather(*(_answered(name, question) for name, question in asked))
        return [self._operations(), *found]

    def _operations(self) -> _Reading:
        count = self.in_flight()
        return _Reading(name="operations", met=count == 0, detail=f"{count} in flight", state=count)

    async def _server(self, node: str, database: Database) -> _Reading:
        """Rows, open writers and slots of one server, in a cheap query while nothing writes."""
        server = self.servers.setdefault(node, _Server())
        postgres = self.world.postgres.get(node)
        now = await database.activity()
        if now.mark != server.mark:
            tables = await database.contents()
            if tables != server.tables and postgres is not None:
                server.written_lsn = lsn_number(await postgres.wal_flush_lsn())
            server.tables, server.mark = tables, now.mark
        slots = () if postgres is None else await postgres.slots()
        behind = [slot for slot in slots if not _caught_up(slot, server.written_lsn)]
        parts = [f"{sum(table.rows for table in server.tables)} rows"]
        parts += [f"{now.writers} open writers"] if now.writers else []
        parts += [_slot_detail(slot, server.written_lsn) for slot in slots]
        return _Reading(
            name=f"{database.make} {node}",
            met=not now.writers and not behind,
            detail="; ".join(parts),
            state=server.tables,
        )

    async def _published(self, published: Published) -> _Reading:
        name = published.events.name
        kafka, node = self.world.kafka, published.events.node
        if kafka is None or node not in self.world.databases:
            return _Reading(name=name, met=False, detail=f"no broker, or no node {node}")
        wanted = await self._ids(published.events)
        found = {_event_id(r, published.header) for r in await self._records(kafka, published)}
        missing = sorted(wanted - found)
        detail = f"{len(missing)} of {len(wanted)} not in {published.topic}: {_named(missing)}"
        return _Reading(
            name=name,
            met=not missing,
            detail=detail if missing else f"all {len(wanted)} in {published.topic}",
            state=tuple(missing),
        )

    async def _ids(self, events: StoreQuery | LoggedChanges) -> frozenset[str]:
        """Of what must have been published."""
        if isinstance(events, StoreQuery):
            database = self.world.databases[events.node]
            rows = await database.query(events.sql, database=events.database)
            return frozenset(str(row[0]) for row in rows)
        return frozenset(
            str(committed.transaction.xid)
            for committed in await self.world.ledgers[events.node].read()
            if any(write.table == events.table for write in committed.transaction.writes)
        )

    async def _records(self, kafka: Kafka, published: Published) -> tuple[Record, ...]:
        """The topic's records, read again only where its ends have moved."""
        topic = published.topic
        ends = tuple(sorted((await kafka.end_offsets([topic])).items()))
        known = self.read_topics.get(topic)
        if known is None or known.ends != ends:
            known = _Topic(ends=ends, records=tuple(await kafka.read_topic(topic)))
            self.read_topics[topic] = known
        return known.records


def _event_id(record: Record, header: str | None) -> str | None:
    raw = record.key if header is None else dict(record.headers).get(header)
    return None if raw is None else raw.decode("utf-8", "replace")


async def _answered(name: str, question: Coroutine[Any, Any, _Reading]) -> _Reading:
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await question
    except TimeoutError:
        return _Reading(name=name, met=False, detail=f"no answer in {_ANSWER_S:g} s")
    except EnvironmentFailed as failed:
        return _Reading(name=name, met=False, detail=str(failed))


async def _counted(world: World, query: StoreQuery) -> _Reading:
    if query.node not in world.databases:
        return _Reading(name=query.name, met=False, detail=f"no such node: {query.node}")
    rows = await world.databases[query.node].query(query.sql, database=query.database)
    count = int(rows[0][0]) if rows else 0
    return _Reading(name=query.name, met=count == 0, detail=f"{count} left", state=count)


async def _log_ends(kafka: Kafka, internal: frozenset[str]) -> _Reading:
    ends = await kafka.end_offsets(await kafka.topics(internal))
    return _Reading(
        name="log ends",
        met=True,
        detail=f"{sum(ends.values())} offsets in {len(ends)} partitions",
        state=tuple(sorted(ends.items())),
    )


async def _lag(kafka: Kafka) -> _Reading:
    return lag_reading(*await kafka.standing())


def lag_reading(groups: Sequence[Group], offsets: Sequence[GroupOffset]) -> _Reading:
    """How far groups are behind."""
    late = unsettled(groups, offsets)
    behind = sorted((o for o in offsets if o.lag), key=lambda o: -o.lag)
    return _Reading(
        name="consumer lag",
        met=not behind and not late,
        detail=_named([*(_lag_detail(o) for o in behind), *late]) or "0",
        state=tuple((o.group, o.topic, o.partition, o.committed, o.log_end) for o in offsets),
    )


def unsettled(groups: Sequence[Group], offsets: Sequence[GroupOffset]) -> list[str]:
    """Groups whose members are still joining, or have joined and have no partitions: these are
    behind by nobody knows how much."""
    seen = {offset.group for offset in offsets}
    late = [f"{g.name} is rebalancing" for g in groups if g.state in _REBALANCING]
    late += [
        f"{g.name} has members and no partitions"
        for g in groups
        if g.members and g.name not in seen and g.state not in _REBALANCING
    ]
    return late


async def _connectors(node: str, connect: Connect) -> _Reading:
    statuses = await connect.statuses()
    down = [str(status) for status in statuses if not status.running]
    return _Reading(
        name=f"connectors {node}",
        met=not down,
        detail=_named(down) or f"{len(statuses)} running",
        state=tuple(statuses),
    )


def _caught_up(slot: Slot, written: int) -> bool:
    if not slot.active:
        return False
    return slot.database is None or (
        slot.sent_lsn is not None and lsn_number(slot.sent_lsn) >= written
    )


def _slot_detail(slot: Slot, written: int) -> str:
    if not slot.active:
        return f"slot {slot.slot} inactive, {slot.lag_bytes} bytes behind"
    unread = max(0, written - lsn_number(slot.sent_lsn)) if slot.sent_lsn else "unknown"
    return f"slot {slot.slot} active, {unread} bytes unread, {slot.lag_bytes} unconfirmed"


def _lag_detail(offset: GroupOffset) -> str:
    at = "nothing committed" if offset.committed is None else f"at {offset.committed}"
    where = f"{offset.topic}[{offset.partition}]"
    return f"{offset.group} {where} {offset.lag} behind ({at} of {offset.log_end})"


def _named(culprits: Sequence[str]) -> str:
    more = f", and {len(culprits) - _NAMED} more" if len(culprits) > _NAMED else ""
    return ", ".join(culprits[:_NAMED]) + more
