"""Requests that are read beyond their head: the effects, and what tells who they come from.

Each decoder is a function from a message's body to its event; the table at the end says which
api has one. Field orders and versions are those of Kafka 4.3's own message schemas.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from harness.wire.kafka_apis import Api
from harness.wire.kafka_events import (
    Batch,
    CoordinatorRequested,
    GroupRequested,
    OffsetCommitRequested,
    OtherRequested,
    PartitionsAddRequested,
    Position,
    ProduceRequested,
    ProducerIdRequested,
    Request,
    TransactionEndRequested,
)
from harness.wire.kafka_framing import Frame
from harness.wire.kafka_primitives import Reader, Truncated
from harness.wire.kafka_records import Budget, Limits, read_batches
from harness.wire.kafka_topics import TopicNames


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request's header, and where the request is."""

    frame: Frame
    api: Api
    version: int
    correlation_id: int
    client_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What decoders know besides the message."""

    topics: TopicNames
    limits: Limits


def read_head(
    frame: Frame, api: Api, version: int, correlation_id: int
) -> tuple[RequestHead, Reader]:
    """The header, and a reader that stands at the body. Raises Malformed.

    The client id is an ordinary string in every header version (KIP-482)."""
    reader = Reader(frame.body, 8)
    client_id = reader.nullable_string()
    reader.flexible = api.is_flexible(version)
    reader.tags()
    head = RequestHead(
        frame=frame,
        api=api,
        version=version,
        correlation_id=correlation_id,
        client_id=client_id,
    )
    return head, reader


def read_request(head: RequestHead, reader: Reader, context: Context) -> Request:
    """The event. Raises Malformed where the body is not what its version says."""
    decoder = _DECODERS.get(head.api.key)
    return decoder(head, reader, context) if decoder else _other(head)


def is_read(key: int) -> bool:
    """Whether the body of this api's requests is read."""
    return key in _DECODERS


def _produce(head: RequestHead, reader: Reader, context: Context) -> Request:
    transactional_id = reader.nullable_string()
    acks = reader.int16()
    reader.skip(4)
    batches: list[Batch] = []
    budget = Budget(context.limits)
    complete = True
    try:
        for _ in range(reader.count()):
            topic = _topic(reader, context, by_id=head.version >= 13)
            for _ in range(reader.count()):
                partition = reader.int32()
                data = _records(reader, cut=head.frame.cut)
                batches += read_batches(
                    data, topic, partition, context.limits, budget, cut=head.frame.cut
                )
                reader.tags()
            reader.tags()
    except Truncated:
        if not head.frame.cut:
            raise
        complete = False
    return ProduceRequested(
        **_common(head),
        transactional_id=transactional_id,
        acks=acks,
        batches=tuple(batches),
        complete=complete,
    )


def _records(reader: Reader, *, cut: bool) -> bytes:
    """One partition's records; of a message that was cut, what is there of them."""
    length = max(reader.length(wide=True), 0)
    return reader.take(min(length, len(reader.data) - reader.at) if cut else length)


def _offset_commit(head: RequestHead, reader: Reader, context: Context) -> Request:
    version = head.version
    group = reader.string()
    generation = reader.int32()
    member = reader.string()
    if version >= 7:
        reader.skip_string()
    if version <= 4:
        reader.skip(8)
    return OffsetCommitRequested(
        **_common(head),
        group=group,
        member=member,
        generation=generation,
        transactional_id=None,
        positions=_positions(reader, context, by_id=version >= 10, epochs=version >= 6),
    )


def _txn_offset_commit(head: RequestHead, reader: Reader, context: Context) -> Request:
    transactional_id = reader.string()
    group = reader.string()
    reader.skip(10)
    generation, member = -1, ""
    if head.version >= 3:
        generation = reader.int32()
        member = reader.string()
        reader.skip_string()
    return OffsetCommitRequested(
        **_common(head),
        group=group,
        member=member,
        generation=generation,
        transactional_id=transactional_id,
        positions=_positions(reader, context, by_id=False, epochs=head.version >= 2),
    )


def _positions(
    reader: Reader, context: Context, *, by_id: bool, epochs: bool
) -> tuple[Position, ...]:
    positions = []
    for _ in range(reader.count()):
        topic = _topic(reader, context, by_id=by_id)
        for _ in range(reader.count()):
            partition, offset = reader.int32(), reader.int64()
            reader.skip(4 if epochs else 0)
            reader.skip_string()
            reader.tags()
            positions.append(Position(topic=topic, partition=partition, offset=offset))
        reader.tags()
    return tuple(positions)


def _end_txn(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    return TransactionEndRequested(
        **_common(head),
        transactional_id=reader.string(),
        producer_id=reader.int64(),
        producer_epoch=reader.int16(),
        committed=reader.boolean(),
    )


def _init_producer_id(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    return ProducerIdRequested(**_common(head), transactional_id=reader.nullable_string())


def _add_partitions(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    if head.version >= 4:
        return _other(head)
    return PartitionsAddRequested(
        **_common(head),
        transactional_id=reader.string(),
        producer_id=reader.int64(),
        producer_epoch=reader.int16(),
        partitions=tuple(_partitions(reader)),
    )


def _partitions(reader: Reader) -> list[tuple[str, int]]:
    found = []
    for _ in range(reader.count()):
        topic = reader.string()
        found += [(topic, reader.int32()) for _ in range(reader.count())]
        reader.tags()
    return found


def _find_coordinator(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    keys = [reader.string()] if head.version <= 3 else []
    kind = reader.int8() if head.version >= 1 else 0
    if head.version >= 4:
        keys = [reader.string() for _ in range(reader.count())]
    return CoordinatorRequested(**_common(head), kind=kind, keys=tuple(keys))


def _join_group(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    group = reader.string()
    reader.skip(8 if head.version >= 1 else 4)
    return GroupRequested(**_common(head), group=group, member=reader.string(), generation=None)


def _generation_member(head: RequestHead, reader: Reader, context: Context) -> Request:
    """SyncGroup and Heartbeat begin alike."""
    del context
    group, generation, member = reader.string(), reader.int32(), reader.string()
    return GroupRequested(**_common(head), group=group, member=member, generation=generation)


def _member_epoch(head: RequestHead, reader: Reader, context: Context) -> Request:
    """ConsumerGroupHeartbeat and ShareGroupHeartbeat; the member's epoch is its generation."""
    del context
    group, member, generation = reader.string(), reader.string(), reader.int32()
    return GroupRequested(**_common(head), group=group, member=member, generation=generation)


def _leave_group(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    group = reader.string()
    many = head.version >= 3 and reader.count() == 0
    member = None if many else reader.string()
    return GroupRequested(**_common(head), group=group, member=member, generation=None)


def _offset_fetch(head: RequestHead, reader: Reader, context: Context) -> Request:
    """The group, or the first of several: clients ask for one."""
    del context
    none = head.version >= 8 and reader.count() == 0
    group = "" if none else reader.string()
    return GroupRequested(**_common(head), group=group, member=None, generation=None)


def _add_offsets(head: RequestHead, reader: Reader, context: Context) -> Request:
    del context
    transactional_id = reader.string()
    reader.skip(10)
    return GroupRequested(
        **_common(head),
        group=reader.string(),
        member=None,
        generation=None,
        transactional_id=transactional_id,
    )


def _other(head: RequestHead) -> Request:
    return OtherRequested(**_common(head))


def _topic(reader: Reader, context: Context, *, by_id: bool) -> str:
    """A topic's name; where the message has its id, the name if it is known, else the id."""
    return context.topics.name(reader.uuid()) if by_id else reader.string()


class _Common(TypedDict):
    """The fields that every request's event has."""

    start: int
    end: int
    api: str
    version: int
    correlation_id: int
    client_id: str | None


def _common(head: RequestHead) -> _Common:
    return {
        "start": head.frame.start,
        "end": head.frame.end,
        "api": head.api.name,
        "version": head.version,
        "correlation_id": head.correlation_id,
        "client_id": head.client_id,
    }


_DECODERS: dict[int, Callable[[RequestHead, Reader, Context], Request]] = {
    0: _produce,
    8: _offset_commit,
    9: _offset_fetch,
    10: _find_coordinator,
    11: _join_group,
    12: _generation_member,
    13: _leave_group,
    14: _generation_member,
    22: _init_producer_id,
    24: _add_partitions,
    25: _add_offsets,
    26: _end_txn,
    28: _txn_offset_commit,
    68: _member_epoch,
    76: _member_epoch,
}
"""By api key."""
