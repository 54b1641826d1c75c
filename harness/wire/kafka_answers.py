"""Errors as a broker would answer them, made from the request that they answer.

Only for the requests that are effects. Field orders and versions are those of Kafka 4.3's own
message schemas: ProduceResponse, OffsetCommitResponse, TxnOffsetCommitResponse, EndTxnResponse.
"""

import struct
from collections.abc import Callable, Sequence

from harness.wire.kafka_apis import APIS
from harness.wire.kafka_primitives import Malformed, Reader

_NONE = -1

_Topic = tuple[bytes, tuple[int, ...]]
"""A topic's name or id as it stands in the request, and its partitions."""


def error_response(request: bytes, error: int) -> bytes | None:
    """The whole response, its size first, that says `error` of everything that the request asks
    for. `request` is one whole message with its size. None: no effect, or not understood."""
    try:
        reader = Reader(request, 4)
        key, version, correlation_id = reader.int16(), reader.int16(), reader.int32()
        api = APIS.get(key)
        if key not in _BODIES or api is None or not api.speaks(version):
            return None
        reader.skip_string()
        reader.flexible = api.is_flexible(version)
        reader.tags()
        body = _BODIES[key](reader, version, error)
    except Malformed:
        return None
    tags = b"\0" if reader.flexible else b""
    message = struct.pack(">i", correlation_id) + tags + body + tags
    return struct.pack(">i", len(message)) + message


def _produce(reader: Reader, version: int, error: int) -> bytes:
    reader.skip_string()
    reader.skip(6)

    def skip_records(reader: Reader) -> None:
        reader.skip(max(reader.length(wide=True), 0))

    topics = _topics(reader, by_id=version >= 13, skip_rest=skip_records)
    rest = struct.pack(">hqq", error, _NONE, _NONE)
    if version >= 5:
        rest += struct.pack(">q", _NONE)
    if version >= 8:
        # No errors of single records, and no message.
        rest += b"\1\0" if reader.flexible else struct.pack(">ih", 0, _NONE)
    return _answered(reader, topics, rest) + struct.pack(">i", 0)


def _offset_commit(reader: Reader, version: int, error: int) -> bytes:
    reader.skip_string()
    reader.skip(4)
    reader.skip_string()
    if version >= 7:
        reader.skip_string()
    if version <= 4:
        reader.skip(8)
    topics = _positions(reader, by_id=version >= 10, epochs=version >= 6)
    throttled = struct.pack(">i", 0) if version >= 3 else b""
    return throttled + _answered(reader, topics, struct.pack(">h", error))


def _txn_offset_commit(reader: Reader, version: int, error: int) -> bytes:
    reader.skip_string()
    reader.skip_string()
    reader.skip(10)
    if version >= 3:
        reader.skip(4)
        reader.skip_string()
        reader.skip_string()
    topics = _positions(reader, by_id=False, epochs=version >= 2)
    return struct.pack(">i", 0) + _answered(reader, topics, struct.pack(">h", error))


def _end_txn(_reader: Reader, version: int, error: int) -> bytes:
    told = struct.pack(">ih", 0, error)
    return told + struct.pack(">qh", _NONE, _NONE) if version >= 5 else told


def _positions(reader: Reader, *, by_id: bool, epochs: bool) -> list[_Topic]:
    def skip_rest(reader: Reader) -> None:
        reader.skip(12 if epochs else 8)
        reader.skip_string()

    return _topics(reader, by_id=by_id, skip_rest=skip_rest)


def _topics(reader: Reader, *, by_id: bool, skip_rest: Callable[[Reader], None]) -> list[_Topic]:
    topics: list[_Topic] = []
    for _ in range(reader.count()):
        begin = reader.at
        if by_id:
            reader.skip(16)
        else:
            reader.skip_string()
        name, partitions = reader.data[begin : reader.at], []
        for _ in range(reader.count()):
            partitions.append(reader.int32())
            skip_rest(reader)
            reader.tags()
        reader.tags()
        topics.append((name, tuple(partitions)))
    return topics


def _answered(reader: Reader, topics: Sequence[_Topic], rest: bytes) -> bytes:
    """The array of topics with what is said of each partition."""
    tags = b"\0" if reader.flexible else b""
    told = _count(reader, len(topics))
    for name, partitions in topics:
        told += name + _count(reader, len(partitions))
        for partition in partitions:
            told += struct.pack(">i", partition) + rest + tags
        told += tags
    return told


def _count(reader: Reader, count: int) -> bytes:
    if not reader.flexible:
        return struct.pack(">i", count)
    left, told = count + 1, bytearray()
    while left > 0x7F:
        told.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((*told, left))


_BODIES: dict[int, Callable[[Reader, int, int], bytes]] = {
    0: _produce,
    8: _offset_commit,
    26: _end_txn,
    28: _txn_offset_commit,
}
"""By api key."""
