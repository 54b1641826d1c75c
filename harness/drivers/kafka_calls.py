"""What is asked of kafka-python, as blocking functions, and the values they answer with.

The only place that knows kafka-python's shapes; `kafka.py` runs these in threads.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harness.drivers.kafka_python import (
    KafkaAdminClient,
    KafkaConsumer,
    KafkaError,
    KafkaTimeoutError,
    OffsetSpec,
    TopicPartition,
    TransactionalIdNotFoundError,
)

Spans = Mapping[TopicPartition, tuple[int, int]]
"""Partition → offsets to read, from the first up to but without the second."""

_DELETED = frozenset({"OK", "GroupIdNotFoundError"})
_UNKNOWN_TOPIC = 3
_MOST_POLL_MS = 20
"""A poll that comes before the topic's metadata sleeps its whole time out."""


class Isolation(Enum):
    """Which records a read sees."""

    UNCOMMITTED = "read_uncommitted"
    COMMITTED = "read_committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One broker as the cluster's metadata names it."""

    id: int
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `committed`: read_committed sees it too. Control records are none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    committed: bool
    batch: tuple[int, int, int] | None = field(default=None, compare=False)
    """The idempotent producer's id, its epoch and the number of the first record of the batch;
    known to `Kafka.records` only."""

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition, offset: what names a record."""
        return self.topic, self.partition, self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A consumer group, how many members it has and which topics they are assigned."""

    name: str
    state: str
    members: int
    topics: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOffset:
    """How far one group is in one partition. `committed` is None where it never committed; its
    lag is then all there is in the partition."""

    group: str
    topic: str
    partition: int
    committed: int | None
    log_end: int
    lag: int


def answering_brokers(admin: KafkaAdminClient) -> tuple[Broker, ...]:
    """Every broker, each having answered on a connection of its own."""
    found = admin.describe_cluster()["brokers"]
    for broker in found:
        admin.get_broker_version_data(broker["broker_id"])
    return tuple(
        Broker(id=int(b["broker_id"]), host=str(b["host"]), port=int(b["port"])) for b in found
    )


def all_topics(admin: KafkaAdminClient) -> tuple[str, ...]:
    """Every topic's name, internal ones too, sorted."""
    return tuple(sorted(str(name) for name in admin.list_topics()))


def partitions_of(admin: KafkaAdminClient, topics: Collection[str]) -> tuple[TopicPartition, ...]:
    """The partitions of these topics; a topic that is gone has none."""
    if not topics:
        return ()
    return tuple(
        TopicPartition(found["name"], partition["partition_index"])
        for found in admin.describe_topics(list(topics))
        for partition in found["partitions"]
    )


def offsets(
    admin: KafkaAdminClient,
    partitions: Iterable[TopicPartition],
    which: OffsetSpec,
    level: Isolation = Isolation.UNCOMMITTED,
) -> dict[TopicPartition, int]:
    """The first or last offset of each partition at that isolation level."""
    wanted = dict.fromkeys(partitions, which)
    if not wanted:
        return {}
    found = admin.list_partition_offsets(wanted, isolation_level=level.value)
    return {partition: int(spec.offset) for partition, spec in found.items()}


def spans(admin: KafkaAdminClient, topics: Collection[str], level: Isolation) -> Spans:
    """What there is to read right now; empty partitions are left out."""
    partitions = partitions_of(admin, topics)
    first = offsets(admin, partitions, OffsetSpec.EARLIEST, level)
    last = offsets(admin, partitions, OffsetSpec.LATEST, level)
    return {p: (first[p], last[p]) for p in partitions if first[p] < last[p]}


def read(consumer: KafkaConsumer, wanted: Spans, ends: float) -> list[Record]:
    """Every record within the spans that the consumer's isolation level shows.

    Judges by position, not by records: control records, aborted and compacted ones move the
    position without being handed out. Raises KafkaTimeoutError at the monotonic time `ends`.
    """
    consumer.assign(list(wanted))
    for partition, (first, _) in wanted.items():
        consumer.seek(partition, first)
    found: list[Record] = []
    open_ = dict(wanted)
    while open_:
        left_ms = int((ends - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise KafkaTimeoutError(f"not read to the end: {_progress(consumer, open_)}")
        for raw_records in consumer.poll(timeout_ms=min(left_ms, _MOST_POLL_MS)).values():
            found.extend(_record(raw) for raw in raw_records)
        open_ = {p: s for p, s in open_.items() if (consumer.position(p) or 0) < s[1]}
        consumer.pause(*(wanted.keys() - open_.keys()))
    last = {(p.topic, p.partition): end for p, (_, end) in wanted.items()}
    return [r for r in found if r.offset < last[r.topic, r.partition]]


def groups(admin: KafkaAdminClient) -> tuple[Group, ...]:
    """The consumer groups by name, without Connect's own worker groups."""
    names = sorted(
        str(g["group_id"]) for g in admin.list_groups() if g["protocol_type"] in ("consumer", "")
    )
    described = admin.describe_groups(names) if names else {}
    return tuple(_group(name, described[name]) for name in names)


def group_offsets(admin: KafkaAdminClient) -> tuple[GroupOffset, ...]:
    """Every group × each partition of every topic that it has committed to or is assigned."""
    return _offsets_of(admin, groups(admin))


def standing(admin: KafkaAdminClient) -> tuple[tuple[Group, ...], tuple[GroupOffset, ...]]:
    """The groups and, for these, what `group_offsets` has."""
    found = groups(admin)
    return found, _offsets_of(admin, found)


def _offsets_of(admin: KafkaAdminClient, found: Sequence[Group]) -> tuple[GroupOffset, ...]:
    if not found:
        return ()
    committed = {
        name: {p: at.offset for p, at in per_group.items() if at.offset >= 0}
        for name, per_group in admin.list_group_offsets([g.name for g in found]).items()
    }
    topics = {g.name: g.topics | {p.topic for p in committed.get(g.name, {})} for g in found}
    partitions = partitions_of(admin, frozenset().union(*topics.values()))
    first = offsets(admin, partitions, OffsetSpec.EARLIEST)
    last = offsets(admin, partitions, OffsetSpec.LATEST)
    return tuple(
        _group_offset(g.name, p, committed.get(g.name, {}).get(p), first[p], last[p])
        for g in found
        for p in sorted(partitions)
        if p.topic in topics[g.name]
    )


def transaction_state(admin: KafkaAdminClient, transactional_id: str) -> str | None:
    """The state of a producer's transaction, None where the broker knows no such producer."""
    try:
        found = admin.describe_transactions([transactional_id])
    except TransactionalIdNotFoundError:
        return None
    return str(found[transactional_id].state.value)


def create_topics(
    admin: KafkaAdminClient, names: Sequence[str], partitions: int, config: Mapping[str, str]
) -> None:
    """Create them, replicated once, and await their leaders."""
    setting = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(config)}
    admin.create_topics(dict.fromkeys(names, setting), wait_for_metadata=True)


def delete_topics(admin: KafkaAdminClient, names: Sequence[str]) -> None:
    """Ask for their deletion. One that is unknown by now is what was wanted."""
    answer = admin.delete_topics(list(names), raise_errors=False)
    for topic in answer["topics"]:
        if topic["error_code"] not in (0, _UNKNOWN_TOPIC):
            raise KafkaError(f"delete {topic['name']}: error {topic['error_code']}")


def delete_groups(admin: KafkaAdminClient, names: Sequence[str]) -> None:
    """Delete them; those that are not there are fine. Raises KafkaError where one is in use."""
    for name, result in admin.delete_groups(list(names)).items():
        if result not in _DELETED:
            raise KafkaError(f"delete group {name}: {result}")


def _progress(consumer: KafkaConsumer, open_: Spans) -> str:
    return ", ".join(
        f"{p.topic}[{p.partition}] at {consumer.position(p)} of {end}"
        for p, (_, end) in sorted(open_.items())
    )


def _record(raw: Any) -> Record:
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp if raw.timestamp is not None and raw.timestamp >= 0 else None,
        key=raw.key,
        value=raw.value,
        headers=tuple((str(name), value) for name, value in raw.headers or ()),
        committed=False,
    )


def _group(name: str, described: Mapping[str, Any]) -> Group:
    members = described["members"]
    assigned = (m["member_assignment"] for m in members)
    return Group(
        name=name,
        state=str(described["group_state"]),
        members=len(members),
        topics=frozenset(
            str(part["topic"])
            for a in assigned
            if isinstance(a, Mapping)
            for part in a["assigned_partitions"]
        ),
    )


def _group_offset(
    group: str, partition: TopicPartition, committed: int | None, first: int, last: int
) -> GroupOffset:
    return GroupOffset(
        group=group,
        topic=partition.topic,
        partition=partition.partition,
        committed=committed,
        log_end=last,
        lag=max(0, last - (first if committed is None else committed)),
    )
