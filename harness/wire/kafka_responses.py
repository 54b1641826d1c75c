"""Responses that are read: what became of an effect, and which topic an id stands for.

A response doesn't say what it answers: whoever calls knows the request. Field orders and
versions are those of Kafka 4.3's own message schemas.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from harness.wire.kafka_apis import API_VERSIONS, APIS, Api
from harness.wire.kafka_events import (
    Answer,
    Coordinator,
    CoordinatorAnswered,
    ErrorAnswered,
    OffsetCommitAnswered,
    OtherAnswered,
    PartitionResult,
    PartitionsAddAnswered,
    ProduceAcknowledged,
    ProducedTo,
    ProducerAnswered,
)
from harness.wire.kafka_primitives import Reader, Truncated
from harness.wire.kafka_topics import TopicNames

_PRODUCE = APIS[0].name
_METADATA = 3
_NEW = tuple.__new__  # of a named tuple with all its fields: thrice as quick as its own
_PARTITION = struct.Struct(">ihq")
"""Of a Produce response: index, error, base offset."""


_TOPICS_BY_ID = 13
"""From this version of Produce on."""
_ALL_WELL = [
    *[b""] * 8,
    b"\0\0\0\0\xff\xff",
    *[b"\1\0\0\0"] * 5,
]
"""By version of Produce, what stands behind a partition's offsets: no errors of single records, no
message and no tags."""


@dataclass(slots=True, kw_only=True)
class Context:
    """What decoders know besides the message, and one thing that they tell of it."""

    topics: TopicNames
    only_appended: "tuple[Appended, int] | None" = None
    """Of the Produce response that was read last, if it has one partition: what stands before the
    partition's number, and where that begins."""


class ResponseHead(NamedTuple):
    """What a response answers, and where it is."""

    start: int
    end: int
    api: Api
    version: int
    correlation_id: int
    request_start: int
    is_cut: bool
    """Whether only the beginning of the body is here."""


def read_response(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    """The event; the reader stands behind the correlation id. Names of topics are learnt on the
    way. Raises Malformed where the body is not what its version says."""
    decoder = DECODERS.get(head.api.key)
    if decoder is None:
        return _other(head)
    reader.flexible = head.api.is_flexible(head.version)
    if head.api.key != API_VERSIONS:
        reader.tags()
    return decoder(head, reader, context)


class Appended(NamedTuple):
    """What answers to requests to one partition have in common."""

    version: int
    topic: str
    """By name, or, from version 13 on, by id."""


def read_appended(
    appended: Appended,
    topics: TopicNames,
    data: bytes,
    at: int,
    stop: int,
    place: tuple[int, int],
    asked: tuple[int, int],
) -> ProduceAcknowledged | None:
    """The answer at `place` that ends at data[stop], whose only partition's number begins at
    data[at]; None where there is more to read than that all went well. `asked` is the request's
    correlation id, and where it is."""
    version, topic = appended
    after = at + _PARTITION.size + (16 if version >= 5 else 8)
    well = _ALL_WELL[version]
    if after + len(well) > stop or not data.startswith(well, after):
        return None
    partition, error, offset = _PARTITION.unpack_from(data, at)
    if version >= _TOPICS_BY_ID:
        topic = topics.name(topic)
    start, end = place
    correlation_id, request_start = asked
    return ProduceAcknowledged(
        start=start,
        end=end,
        api=_PRODUCE,
        version=version,
        correlation_id=correlation_id,
        request_start=request_start,
        partitions=(_NEW(ProducedTo, (topic, partition, error, offset)),),
    )


def _produce(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    start, end, api, version, correlation_id, request_start, is_cut = head
    partitions: list[ProducedTo] = []
    context.only_appended = None
    by_id = version >= _TOPICS_BY_ID
    for _ in range(count := reader.count()):
        name = topic = reader.uuid() if by_id else reader.string()
        if by_id:
            name = context.topics.name(topic)
        for _ in range(of_topic := reader.count()):
            at = reader.at
            reader.skip(_PARTITION.size + (16 if version >= 5 else 8))
            partition, error, offset = _PARTITION.unpack_from(reader.data, at)
            if version >= 8:
                _skip_record_errors(reader)
                reader.skip_string()
            reader.tags()
            partitions.append(ProducedTo(name, partition, error, offset))
            if count == of_topic == 1 and not is_cut:
                context.only_appended = Appended(version, topic), at
        reader.tags()
    return ProduceAcknowledged(
        start=start,
        end=end,
        api=api.name,
        version=version,
        correlation_id=correlation_id,
        request_start=request_start,
        partitions=tuple(partitions),
    )


def _skip_record_errors(reader: Reader) -> None:
    for _ in range(reader.count()):
        reader.skip(4)
        reader.skip_string()
        reader.tags()


def _offset_commit(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    reader.skip(4 if head.version >= 3 else 0)
    results = _results(reader, context, by_id=head.version >= 10)
    return OffsetCommitAnswered(**_common(head), partitions=results)


def _txn_offset_commit(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    reader.skip(4)
    results = _results(reader, context, by_id=False)
    return OffsetCommitAnswered(**_common(head), partitions=results)


def _add_partitions(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    if head.version >= 4:
        return _other(head)
    reader.skip(4)
    results = _results(reader, context, by_id=False)
    return PartitionsAddAnswered(**_common(head), partitions=results)


def _results(reader: Reader, context: Context, *, by_id: bool) -> tuple[PartitionResult, ...]:
    results = []
    for _ in range(reader.count()):
        topic = _topic(reader, context, by_id=by_id)
        for _ in range(reader.count()):
            partition, error = reader.int32(), reader.int16()
            reader.tags()
            results.append(PartitionResult(topic=topic, partition=partition, error=error))
        reader.tags()
    return tuple(results)


def _init_producer_id(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    del context
    reader.skip(4)
    return ProducerAnswered(
        **_common(head),
        error=reader.int16(),
        producer_id=reader.int64(),
        producer_epoch=reader.int16(),
    )


def _end_txn(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    del context
    reader.skip(4)
    error = reader.int16()
    told = head.version >= 5
    return ProducerAnswered(
        **_common(head),
        error=error,
        producer_id=reader.int64() if told else -1,
        producer_epoch=reader.int16() if told else -1,
    )


def _find_coordinator(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    del context
    reader.skip(4 if head.version >= 1 else 0)
    if head.version <= 3:
        found = [_only_coordinator(reader, head.version)]
    else:
        found = [_coordinator(reader) for _ in range(reader.count())]
    return CoordinatorAnswered(**_common(head), coordinators=tuple(found))


def _only_coordinator(reader: Reader, version: int) -> Coordinator:
    error = reader.int16()
    if version >= 1:
        reader.skip_string()
    node, host, port = reader.int32(), reader.string(), reader.int32()
    return Coordinator(key=None, error=error, node=node, host=host, port=port)


def _coordinator(reader: Reader) -> Coordinator:
    key, node, host, port = reader.string(), reader.int32(), reader.string(), reader.int32()
    error = reader.int16()
    reader.skip_string()
    reader.tags()
    return Coordinator(key=key, error=error, node=node, host=host, port=port)


def _throttle_from(oldest: int) -> Callable[[ResponseHead, Reader, Context], Answer]:
    """Decoder of an answer whose error code comes first, after the throttle time in versions
    from `oldest` on."""

    def decode(head: ResponseHead, reader: Reader, context: Context) -> Answer:
        del context
        reader.skip(4 if head.version >= oldest else 0)
        return ErrorAnswered(**_common(head), error=reader.int16())

    return decode


def _metadata(head: ResponseHead, reader: Reader, context: Context) -> Answer:
    """Of an answer too large to be kept, the topics in its beginning are learnt."""
    try:
        if head.version >= 10:
            _learn(reader, context.topics, head.version)
    except Truncated:
        if not head.is_cut:
            raise
    return _other(head)


def _learn(reader: Reader, topics: TopicNames, version: int) -> None:
    """Versions from 10 on, which are flexible and have topics' ids."""
    reader.skip(4)
    for _ in range(reader.count()):
        reader.skip(4)
        reader.skip_string()
        reader.skip(4)
        reader.skip_string()
        reader.tags()
    reader.skip_string()
    reader.skip(4)
    for _ in range(reader.count()):
        reader.skip(2)
        name, topic_id = reader.nullable_string(), reader.uuid()
        if name is not None:
            topics.learn(topic_id, name)
        reader.skip(1)
        for _ in range(reader.count()):
            _skip_partition(reader)
        reader.skip(4)
        reader.tags()
    reader.skip(4 if version == 10 else 0)


def _skip_partition(reader: Reader) -> None:
    reader.skip(2 + 4 + 4 + 4)
    for _ in range(3):
        reader.skip_int32s()
    reader.tags()


def _other(head: ResponseHead) -> Answer:
    return OtherAnswered(**_common(head))


def _topic(reader: Reader, context: Context, *, by_id: bool) -> str:
    return context.topics.name(reader.uuid()) if by_id else reader.string()


class _Common(TypedDict):
    """The fields that every answer's event has."""

    start: int
    end: int
    api: str
    version: int
    correlation_id: int
    request_start: int


def _common(head: ResponseHead) -> _Common:
    return {
        "start": head.start,
        "end": head.end,
        "api": head.api.name,
        "version": head.version,
        "correlation_id": head.correlation_id,
        "request_start": head.request_start,
    }


DECODERS: dict[int, Callable[[ResponseHead, Reader, Context], Answer]] = {
    0: _produce,
    _METADATA: _metadata,
    8: _offset_commit,
    10: _find_coordinator,
    11: _throttle_from(2),
    12: _throttle_from(1),
    13: _throttle_from(1),
    14: _throttle_from(1),
    22: _init_producer_id,
    24: _add_partitions,
    25: _throttle_from(0),
    26: _end_txn,
    28: _txn_offset_commit,
    68: _throttle_from(0),
    76: _throttle_from(0),
}
"""By api key: whose responses are read."""
