"""Responses that are read: what became of an effect, and which topic an id stands for.

A response doesn't say what it answers: whoever calls knows the request. Field orders and
versions are those of Kafka 4.3's own message schemas.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from harness.wire.kafka_apis import API_VERSIONS, Api
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
from harness.wire.kafka_framing import Frame
from harness.wire.kafka_primitives import Reader, Truncated
from harness.wire.kafka_topics import TopicNames

_METADATA = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """What a response answers, and where it is."""

    frame: Frame
    api: Api
    version: int
    correlation_id: int
    request_start: int


def read_response(head: ResponseHead, topics: TopicNames) -> Answer:
    """The event; names of topics are learnt on the way. Raises Malformed where the body is not
    what its version says."""
    decoder = _DECODERS.get(head.api.key)
    if decoder is None:
        return _other(head)
    reader = Reader(head.frame.body, 4, flexible=head.api.is_flexible(head.version))
    if head.api.key != API_VERSIONS:
        reader.tags()
    return decoder(head, reader, topics)


def is_read(key: int) -> bool:
    """Whether the body of this api's responses is read."""
    return key in _DECODERS


def _produce(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    version = head.version
    partitions = []
    for _ in range(reader.count()):
        topic = _topic(reader, topics, by_id=version >= 13)
        for _ in range(reader.count()):
            partition, error, offset = reader.int32(), reader.int16(), reader.int64()
            reader.skip(8 + (8 if version >= 5 else 0))
            if version >= 8:
                _skip_record_errors(reader)
                reader.skip_string()
            reader.tags()
            partitions.append(
                ProducedTo(topic=topic, partition=partition, error=error, base_offset=offset)
            )
        reader.tags()
    return ProduceAcknowledged(**_common(head), partitions=tuple(partitions))


def _skip_record_errors(reader: Reader) -> None:
    for _ in range(reader.count()):
        reader.skip(4)
        reader.skip_string()
        reader.tags()


def _offset_commit(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    reader.skip(4 if head.version >= 3 else 0)
    results = _results(reader, topics, by_id=head.version >= 10)
    return OffsetCommitAnswered(**_common(head), partitions=results)


def _txn_offset_commit(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    reader.skip(4)
    results = _results(reader, topics, by_id=False)
    return OffsetCommitAnswered(**_common(head), partitions=results)


def _add_partitions(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    if head.version >= 4:
        return _other(head)
    reader.skip(4)
    results = _results(reader, topics, by_id=False)
    return PartitionsAddAnswered(**_common(head), partitions=results)


def _results(reader: Reader, topics: TopicNames, *, by_id: bool) -> tuple[PartitionResult, ...]:
    results = []
    for _ in range(reader.count()):
        topic = _topic(reader, topics, by_id=by_id)
        for _ in range(reader.count()):
            partition, error = reader.int32(), reader.int16()
            reader.tags()
            results.append(PartitionResult(topic=topic, partition=partition, error=error))
        reader.tags()
    return tuple(results)


def _init_producer_id(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    del topics
    reader.skip(4)
    return ProducerAnswered(
        **_common(head),
        error=reader.int16(),
        producer_id=reader.int64(),
        producer_epoch=reader.int16(),
    )


def _end_txn(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    del topics
    reader.skip(4)
    error = reader.int16()
    told = head.version >= 5
    return ProducerAnswered(
        **_common(head),
        error=error,
        producer_id=reader.int64() if told else -1,
        producer_epoch=reader.int16() if told else -1,
    )


def _find_coordinator(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    del topics
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


def _throttle_from(oldest: int) -> Callable[[ResponseHead, Reader, TopicNames], Answer]:
    """Decoder of an answer whose error code comes first, after the throttle time in versions
    from `oldest` on."""

    def decode(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
        del topics
        reader.skip(4 if head.version >= oldest else 0)
        return ErrorAnswered(**_common(head), error=reader.int16())

    return decode


def _metadata(head: ResponseHead, reader: Reader, topics: TopicNames) -> Answer:
    """Of an answer too large to be kept, the topics in its beginning are learnt."""
    try:
        if head.version >= 10:
            _learn(reader, topics, head.version)
    except Truncated:
        if not head.frame.cut:
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


def _topic(reader: Reader, topics: TopicNames, *, by_id: bool) -> str:
    return topics.name(reader.uuid()) if by_id else reader.string()


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
        "start": head.frame.start,
        "end": head.frame.end,
        "api": head.api.name,
        "version": head.version,
        "correlation_id": head.correlation_id,
        "request_start": head.request_start,
    }


_DECODERS: dict[int, Callable[[ResponseHead, Reader, TopicNames], Answer]] = {
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
"""By api key."""
