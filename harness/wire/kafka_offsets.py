"""What a broker writes into `__consumer_offsets`: which group committed which offset.

The topic holds other things beside (who is in a group, say); those are passed over. Layouts:
OffsetCommitKey.json and OffsetCommitValue.json of Kafka 4, and the versions before them.
"""

from dataclasses import dataclass

from harness.wire.kafka_primitives import Malformed, Reader

TOPIC = "__consumer_offsets"

_KEY_VERSIONS = (0, 1)
"""Of keys of commits; later ones are those of other things."""
_VALUE_VERSIONS = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetCommitted:
    """A group's position in a partition."""

    group: str
    topic: str
    partition: int
    offset: int | None
    """The next one to be read. None: the group's position was deleted."""
    at_ms: int | None
    """When, by the coordinator's clock, in milliseconds since the epoch."""


def read_commit(key: bytes | None, value: bytes | None) -> OffsetCommitted | None:
    """The commit that a record tells, None where it tells something else. Raises Malformed."""
    if key is None:
        return None
    reader = Reader(key)
    if reader.int16() not in _KEY_VERSIONS:
        return None
    group, topic, partition = reader.string(), reader.string(), reader.int32()
    offset, at_ms = (None, None) if value is None else _position(value)
    return OffsetCommitted(
        group=group, topic=topic, partition=partition, offset=offset, at_ms=at_ms
    )


def _position(value: bytes) -> tuple[int, int]:
    """Offset and time; between them are the leader's epoch, from version 3 on, and a text."""
    reader = Reader(value)
    version = reader.int16()
    if version not in _VALUE_VERSIONS:
        raise Malformed(f"an offset commit of version {version}")
    reader.flexible = version >= 4
    offset = reader.int64()
    if version >= 3:
        reader.int32()
    reader.skip_string()
    return offset, reader.int64()
