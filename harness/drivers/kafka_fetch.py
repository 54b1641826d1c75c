"""Reads records by Fetch requests of its own, over the admin client's connections.

A consumer takes a tenth of a second to be made and to learn of a topic; this takes milliseconds.
kafka-python's way of sending a request and its reader of record batches are used, nothing else.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from harness.drivers.kafka_calls import Record, offsets, partitions_of
from harness.drivers.kafka_python import (
    FetchRequest,
    KafkaAdminClient,
    KafkaError,
    KafkaTimeoutError,
    MemoryRecords,
    OffsetSpec,
    TopicPartition,
)

_NAMES = 12
"""The last version of Fetch that names topics; later ones number them."""
_MOST_BYTES = 32 << 20
_WAIT_MS = 5


def fetch(
    admin: KafkaAdminClient, topic: str, start: Mapping[int, int], ends: float
) -> list[Record]:
    """A topic's records, of each partition from the offset in `start` on, or from the first one
    that is left, to its end as of now, by partition and offset; none where there is no such topic.
    Open and aborted transactions' are among them, so `committed` is False in all. Raises
    KafkaError, at the monotonic time `ends` KafkaTimeoutError."""
    partitions = partitions_of(admin, [topic])
    first = offsets(admin, partitions, OffsetSpec.EARLIEST)
    at = {p: max(start.get(p.partition, 0), first[p]) for p in partitions}
    if not at:
        return []
    found: list[Record] = admin._manager.run(_fetch, admin, at, ends)  # noqa: SLF001 - there is no public way
    return sorted(found, key=lambda record: record.place)


async def _fetch(
    admin: KafkaAdminClient, start: dict[TopicPartition, int], ends: float
) -> list[Record]:
    found: list[Record] = []
    leaders = await admin._async_get_leader_for_partitions(start)  # noqa: SLF001
    for leader, partitions in leaders.items():
        at = {partition: start[partition] for partition in partitions}
        last: dict[TopicPartition, int] = {}
        while at:
            if time.monotonic() > ends:
                raise KafkaTimeoutError(f"not read to the end: {sorted(at.items())}")
            answer = await admin._manager.send(_request(at), node_id=leader)  # noqa: SLF001
            for partition, told in _partitions(answer):
                last.setdefault(partition, told.high_watermark)
                found += _taken(partition, told, at, last[partition])
    return found


def _request(at: Mapping[TopicPartition, int]) -> Any:
    topics: dict[str, list[Any]] = {}
    for partition, offset in at.items():
        topics.setdefault(partition.topic, []).append(
            FetchRequest.FetchTopic.FetchPartition(
                partition=partition.partition,
                fetch_offset=offset,
                partition_max_bytes=_MOST_BYTES,
            )
        )
    return FetchRequest(
        max_wait_ms=_WAIT_MS,
        min_bytes=1,
        max_bytes=_MOST_BYTES,
        isolation_level=0,
        topics=[
            FetchRequest.FetchTopic(topic=topic, partitions=partitions)
            for topic, partitions in topics.items()
        ],
        max_version=_NAMES,
    )


def _partitions(answer: Any) -> Iterator[tuple[TopicPartition, Any]]:
    if answer.error_code:
        raise KafkaError(f"fetch: error {answer.error_code}")
    for topic in answer.responses:
        for told in topic.partitions:
            yield TopicPartition(topic.topic, told.partition_index), told


def _taken(
    partition: TopicPartition, told: Any, at: dict[TopicPartition, int], last: int
) -> Iterator[Record]:
    """The records of one answer; moves the place from where to go on, or takes it out at the end."""
    if told.error_code:
        raise KafkaError(f"{partition.topic}[{partition.partition}]: error {told.error_code}")
    for batch in MemoryRecords(bytes(told.records or b"")):
        if not batch.is_control_batch:
            identity = _identity(batch)
            for raw in batch:
                if at[partition] <= raw.offset < last:
                    yield _record(partition, raw, identity)
        at[partition] = batch.next_offset
    if at[partition] >= last:
        del at[partition]


def _identity(batch: Any) -> tuple[int, int, int] | None:
    if batch.producer_id < 0 or batch.base_sequence < 0:
        return None
    return batch.producer_id, batch.producer_epoch, batch.base_sequence


def _record(partition: TopicPartition, raw: Any, identity: tuple[int, int, int] | None) -> Record:
    return Record(
        topic=partition.topic,
        partition=partition.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp if raw.timestamp is not None and raw.timestamp >= 0 else None,
        key=raw.key,
        value=raw.value,
        headers=tuple((str(name), value) for name, value in raw.headers or ()),
        committed=False,
        batch=identity,
    )
