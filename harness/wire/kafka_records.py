"""Record batches (format 2, the only one that Kafka 4 takes): who produced them, and their keys.

Promises: values are passed over, never copied out; at most `Limits` of a batch is decompressed
and read, and the batch says so. Knows nothing of requests.
"""

import struct
from dataclasses import dataclass

from harness.wire.kafka_compression import CODECS, inflate
from harness.wire.kafka_events import Batch, Record
from harness.wire.kafka_primitives import Malformed, Reader, Truncated

_HEAD = struct.Struct(">qiibIhiqqqhii")
"""baseOffset, batchLength, partitionLeaderEpoch, magic, crc, attributes, lastOffsetDelta,
baseTimestamp, maxTimestamp, producerId, producerEpoch, baseSequence, count"""
_LENGTH_COUNTS_FROM = 12
"""batchLength counts what follows it."""
_MAGIC = 2
_CODEC = 7
_TRANSACTIONAL = 16
"""Bits of the attributes."""
_TIMESTAMP, _OFFSET = "timestamp delta", "offset delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is read. The time that a batch takes is bounded by these, too."""

    records: int = 512
    """Records that are read of one batch."""
    inflated_bytes: int = 1 << 18
    """What is decompressed of one batch."""
    inflated_bytes_in_all: int = 1 << 22
    """What is decompressed of one request's batches together."""
    kept_bytes: int = (1 << 20) + (1 << 16)
    """What is kept of one Produce request or Metadata response; clients' own limit for the
    request is 1 MiB by default (max.request.size)."""


class Budget:
    """What may still be decompressed of one request."""

    __slots__ = ("left",)

    def __init__(self, limits: Limits) -> None:
        self.left = limits.inflated_bytes_in_all

    def inflate(self, codec: str, data: bytes, limits: Limits) -> bytes:
        """The beginning of what `data` holds. Raises Malformed."""
        inflated = inflate(codec, data, min(limits.inflated_bytes, self.left))
        self.left -= len(inflated)
        return inflated


def read_batches(
    data: bytes,
    topic: str,
    partition: int,
    limits: Limits,
    budget: Budget,
    *,
    cut: bool = False,
) -> tuple[Batch, ...]:
    """The batches that follow each other in `data`; with `cut`, the last one may end early.
    Raises Malformed where no batch is."""
    batches = []
    at = 0
    while at < len(data):
        if cut and len(data) - at < _HEAD.size:
            break
        end = min(_end_of_batch(data, at, cut=cut), len(data))
        batches.append(_read_batch(data, at, end, topic, partition, limits, budget))
        at = end
    return tuple(batches)


def _end_of_batch(data: bytes, at: int, *, cut: bool) -> int:
    if len(data) - at < _HEAD.size:
        raise Truncated("the head of a batch is missing")
    _, length, _, magic, *_ = _HEAD.unpack_from(data, at)
    if magic != _MAGIC:
        raise Malformed(f"record format {magic}")
    end = at + _LENGTH_COUNTS_FROM + int(length)
    if end < at + _HEAD.size or (end > len(data) and not cut):
        raise Malformed(f"a batch of {length} bytes")
    return end


def _read_batch(
    data: bytes, at: int, end: int, topic: str, partition: int, limits: Limits, budget: Budget
) -> Batch:
    """The batch at data[at:end]."""
    head = _HEAD.unpack_from(data, at)
    attributes, producer_id, producer_epoch, base_sequence, count = head[5], *head[9:13]
    number = attributes & _CODEC
    codec = CODECS[number] if number < len(CODECS) else str(number)
    at += _HEAD.size
    if codec != "none" or end < len(data):  # what is next to it is none of its records
        data, at = data[at:end], 0
    records, unread = _read_records(data, at, codec, count, limits, budget)
    return Batch(
        topic=topic,
        partition=partition,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        transactional=bool(attributes & _TRANSACTIONAL),
        codec=codec,
        count=count,
        records=records,
        keys=frozenset(record.key for record in records if record.key is not None),
        unread=unread,
    )


def _read_records(
    data: bytes, at: int, codec: str, count: int, limits: Limits, budget: Budget
) -> tuple[tuple[Record, ...], str | None]:
    """The records from data[at] on that can be read, and why there are not more. What is
    compressed begins with the data."""
    records: list[Record] = []
    try:
        if codec != "none":
            data = budget.inflate(codec, data, limits)
        for _ in range(min(count, limits.records)):
            record, at = _read_record(data, at)
            records.append(record)
    except Malformed as error:
        return tuple(records), str(error)
    over = count - len(records)
    return tuple(records), f"{over} records above the limit" if over > 0 else None


def _read_record(data: bytes, at: int) -> tuple[Record, int]:
    """The record at this place, and the place after it. Written for speed, on local names: this
    runs for each record that passes. What a lying length would read beyond the record is caught
    by where the record ends."""
    try:
        length, at = _varint(data, at)
        end = at + length
        if end > len(data):
            raise Truncated(f"{end - len(data)} bytes are missing")
        at += 1
        for _ in (_TIMESTAMP, _OFFSET):
            while data[at] & 0x80:
                at += 1
            at += 1
        size = data[at]
        if size < 0x80:
            size = (size >> 1) ^ -(size & 1)
            at += 1
        else:
            size, at = _varint(data, at)
        key = data[at : at + size] if size >= 0 else None
        value, at = _varint(data, at + size if size > 0 else at)
        if value > 0:
            at += value
        count = data[at]
    except IndexError:
        raise Truncated("a record ends early") from None
    if count:
        headers, at = _headers(data, at)
    else:
        headers, at = (), at + 1
    if at != end:
        raise Malformed("a record that is not as long as it says")
    return Record(key=key, value_bytes=value if value >= 0 else None, headers=headers), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The zigzag varint at `at`, and where it ends; most take one byte or two."""
    value = data[at]
    if value < 0x80:
        return (value >> 1) ^ -(value & 1), at + 1
    second = data[at + 1]
    if second < 0x80:
        return (value & 0x7F | second << 7) >> 1 ^ -(value & 1), at + 2
    reader = Reader(data)
    reader.at = at
    return reader.varint(), reader.at


def _headers(data: bytes, at: int) -> tuple[tuple[tuple[str, bytes | None], ...], int]:
    reader = Reader(data)
    reader.at = at
    count = reader.varint()
    return tuple([_header(reader) for _ in range(count)]), reader.at


def _header(reader: Reader) -> tuple[str, bytes | None]:
    name = reader.take(reader.varint()).decode("utf-8", "backslashreplace")
    size = reader.varint()
    return name, reader.take(size) if size >= 0 else None
