"""Requests that are read beyond their head: the effects, and what tells who they come from.

Each decoder is a function from a message's body to its event; the table at the end says which
api has one. Field orders and versions are those of Kafka 4.3's own message schemas.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

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
from harness.wire.kafka_primitives import Reader, Truncated
from harness.wire.kafka_records import Budget, number, read_batches
from harness.wire.kafka_topics import TopicNames

_TOPICS_BY_ID = 13
"""From this version of Produce on."""


class RequestHead(NamedTuple):
    """A request's header, and where the request is."""

    start: int
    end: int
    api: Api
    version: int
    correlation_id: int
    client_id: str | None
    is_cut: bool
    """Whether only the beginning of the body is here."""


@dataclass(slots=True, kw_only=True)
class Context:
    """What decoders know besides the message, and one thing that they tell of it."""

    topics: TopicNames
    budget: Budget
    only_producer: "tuple[Producer, int] | None" = None
    """Of the Produce request that was read last, if it has one partition: what it says up to the
    partition's number, and where that ends."""


class Producer(NamedTuple):
    """What requests to one partition have in common."""

    api: Api
    version: int
    is_flexible: bool
    client_id: str | None
    transactional_id: str | None
    acks: int
    topic: str
    """By name, or, from version 13 on, by id."""
    partition: int


_HEAD = struct.Struct(">hhi")
_LENGTH = struct.Struct(">i")


def read_head(
    data: bytes, at: int, stop: int, start: int, end: int, api: Api
) -> tuple[RequestHead, Reader]:
    """The header of the request in data[at:stop], and a reader that stands at the body. Raises
    Malformed.

    The client id is an ordinary string in every header version (KIP-482)."""
    _, version, correlation_id = _HEAD.unpack_from(data, at)
    reader = Reader(data, at + _HEAD.size, stop)
    client_id = reader.nullable_string()
    reader.flexible = api.is_flexible(version)
    reader.tags()
    is_cut = stop - at < end - start - 4
    return RequestHead(start, end, api, version, correlation_id, client_id, is_cut), reader


def read_request(head: RequestHead, reader: Reader, context: Context) -> Request:
    """The event; the reader stands at the body. Raises Malformed where that is not what its
    version says."""
    decoder = DECODERS.get(head.api.key)
    return decoder(head, reader, context) if decoder else _other(head)


def read_produce(
    producer: Producer,
    context: Context,
    data: bytes,
    at: int,
    stop: int,
    place: tuple[int, int],
    correlation_id: int,
) -> ProduceRequested | None:
    """The request at `place` that ends at data[stop], whose partition's number ends at data[at];
    None where that has to be read as others are. Raises Malformed or IndexError there, too."""
    api, version, is_flexible, client_id, transactional_id, acks, topic, partition = producer
    if is_flexible:
        length, at = number(data, at)
        after = at + length - 1
        end = after + 2
    else:
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        end = after = at + length
    if length < is_flexible or end > stop or (is_flexible and data[after:end] != b"\0\0"):
        return None
    if version >= _TOPICS_BY_ID:
        topic = context.topics.name(topic)
    context.budget.renew()
    batches = read_batches(data, topic, partition, context.budget, at=at, end=after)
    first, last = place
    return ProduceRequested(
        start=first,
        end=last,
        api=api.name,
        version=version,
        correlation_id=correlation_id,
        client_id=client_id,
        transactional_id=transactional_id,
        acks=acks,
        batches=batches,
        complete=True,
    )


def _produce(head: RequestHead, reader: Reader, context: Context) -> Request:
    start, end, api, version, correlation_id, client_id, is_cut = head
    transactional_id = reader.nullable_string()
    acks = reader.int16()
    reader.skip(4)
    context.budget.renew()
    batches: tuple[Batch, ...] = ()
    complete = True
    context.only_producer = None
    try:
        for _ in range(topics := reader.count()):
            by_id = version >= _TOPICS_BY_ID
            name = topic = reader.uuid() if by_id else reader.string()
            if by_id:
                name = context.topics.name(topic)
            for _ in range(partitions := reader.count()):
                partition = reader.int32()
                if topics == partitions == 1 and not is_cut:
                    producer = Producer(
                        api,
                        version,
                        reader.flexible,
                        client_id,
                        transactional_id,
                        acks,
                        topic,
                        partition,
                    )
                    context.only_producer = producer, reader.at
                batches += _partition(reader, name, partition, context.budget, is_cut=is_cut)
                reader.tags()
            reader.tags()
    except Truncated:
        if not is_cut:
            raise
        complete = False
    return ProduceRequested(
        start=start,
        end=end,
        api=api.name,
        version=version,
        correlation_id=correlation_id,
        client_id=client_id,
        transactional_id=transactional_id,
        acks=acks,
        batches=batches,
        complete=complete,
    )


def _partition(
    reader: Reader, topic: str, partition: int, budget: Budget, *, is_cut: bool
) -> tuple[Batch, ...]:
    """One partition's records; of a message that was cut, what is there of them."""
    length = max(reader.length(wide=True), 0)
    data, at = reader.data, reader.at
    reader.skip(min(length, reader.end - at) if is_cut else length)
    end = reader.at
    return read_batches(data, topic, partition, budget, at=at, end=end, cut=is_cut)


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
        "start": head.start,
        "end": head.end,
        "api": head.api.name,
        "version": head.version,
        "correlation_id": head.correlation_id,
        "client_id": head.client_id,
    }


DECODERS: dict[int, Callable[[RequestHead, Reader, Context], Request]] = {
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
"""By api key: whose requests are read beyond their head."""
