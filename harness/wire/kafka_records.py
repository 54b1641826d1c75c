"""Record batches (format 2, the only one that Kafka 4 takes): who produced them, and their keys.

Promises: values are passed over, never copied out; at most `Limits` of a batch is decompressed
and read, and the batch says so. Knows nothing of requests.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from harness.wire.kafka_compression import CODECS, inflate
from harness.wire.kafka_events import Batch, Headers, Record
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
_FIRST_STEP = 4096
"""Bytes that are decompressed of a batch at first."""
_KEY: Callable[[Record], bytes] = itemgetter(0)
_NO_KEY: frozenset[Any] = frozenset({None})
_NEW = tuple.__new__  # of a named tuple with all its fields: thrice as quick as its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is read. The time that a batch takes is bounded by these, too."""

    records: int = 512
    """Records that are read of one batch."""
    records_in_all: int = 1_000_000
    """Records that are read of one connection, small batches apart: who sends more sends too many
    to have each of them told, and reading them would cost more than forwarding them."""
    records_beyond: int = 4
    """Records that are read of one batch from there on."""
    inflated_bytes: int = 1 << 18
    """What is decompressed of one batch."""
    inflated_bytes_in_all: int = 1 << 22
    """What is decompressed of one request's batches together."""
    kept_bytes: int = (1 << 20) + (1 << 16)
    """What is kept of one Produce request or Metadata response; clients' own limit for the
    request is 1 MiB by default (max.request.size)."""


class Budget:
    """What may still be read of one connection, and decompressed of one request."""

    __slots__ = ("left", "limits", "records")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.records = limits.records_in_all
        self.left = limits.inflated_bytes_in_all

    def renew(self) -> None:
        """For another request."""
        self.left = self.limits.inflated_bytes_in_all

    def wanted(self, count: int) -> int:
        """How many of a batch's records may be read."""
        most = self.limits.records if self.records > 0 else self.limits.records_beyond
        return min(count, most)


def read_batches(
    data: bytes,
    topic: str,
    partition: int,
    budget: Budget,
    *,
    at: int = 0,
    end: int | None = None,
    cut: bool = False,
) -> tuple[Batch, ...]:
    """The batches that follow each other in data[at:end]; with `cut`, the last one may end early.
    Raises Malformed where no batch is."""
    batches: tuple[Batch, ...] = ()
    end = len(data) if end is None else end
    while at < end:
        begun = at + _HEAD.size
        if begun > end:
            if cut:
                break
            raise Truncated("the head of a batch is missing")
        head = _HEAD.unpack_from(data, at)
        length, magic = head[1], head[3]
        if magic != _MAGIC:
            raise Malformed(f"record format {magic}")
        at += _LENGTH_COUNTS_FROM + length
        if at < begun or (at > end and not cut):
            raise Malformed(f"a batch of {length} bytes")
        span = begun, min(at, end)
        batches += (_read_batch(head, data, span, topic, partition, budget),)
    return batches


def _read_batch(
    head: tuple[int, ...],
    data: bytes,
    span: tuple[int, int],
    topic: str,
    partition: int,
    budget: Budget,
) -> Batch:
    _, _, _, _, _, attributes, _, _, _, producer_id, producer_epoch, base_sequence, count = head
    kind = attributes & _CODEC
    codec = CODECS[kind] if kind < len(CODECS) else str(kind)
    records: list[Record] = []
    try:
        if kind == 0:
            read_records(data, *span, budget.wanted(count), records)
        else:
            _read_packed(data[span[0] : span[1]], codec, count, records, budget)
        over = count - len(records)
        unread = f"{over} records above the limit" if over > 0 else None
    except Malformed as error:
        unread = str(error)
    budget.records -= len(records)
    keys = frozenset(map(_KEY, records))
    if None in keys:
        keys -= _NO_KEY
    return _NEW(
        Batch,
        (
            topic,
            partition,
            producer_id,
            producer_epoch,
            base_sequence,
            attributes & _TRANSACTIONAL != 0,
            codec,
            count,
            tuple(records),
            keys,
            unread,
        ),
    )


def _read_packed(
    data: bytes, codec: str, count: int, records: list[Record], budget: Budget
) -> None:
    """Reads compressed records: no more is decompressed than they take, by and large."""
    wanted = budget.wanted(count)
    most = min(budget.limits.inflated_bytes, budget.left)
    step = most if wanted >= count else min(most, _FIRST_STEP)
    while True:
        inflated = inflate(codec, data, step)
        records.clear()
        try:
            read_records(inflated, 0, len(inflated), wanted, records)
            break
        except Truncated:
            if len(inflated) < step or step >= most:
                raise
            step = min(most, 2 * step + step * wanted // (len(records) + 1))
        finally:
            budget.left = max(budget.left - len(inflated), 0)


def read_records(  # noqa: C901, PLR0912, PLR0915 - one piece: a call for each number takes as long
    data: bytes, at: int, end: int, most: int, found: list[Record]
) -> None:
    """Adds the first `most` records of data[at:end] to `found`. Raises Malformed; those before
    the one that is malformed have been added.

    Written for speed, on local names: this runs for each record that passes. Numbers are zigzag
    varints: twice the number, or, where it is negative, odd. What a lying length reads beyond its
    record is caught by where the record ends.
    """
    for _ in range(most):
        first = at
        try:
            size = data[at]
            at += 1
            if size > 0x7F:
                more = data[at]
                if more > 0x7F:
                    size, at = number(data, first)
                else:
                    size += (more << 7) - 0x80
                    at += 1
            stop = at + (size >> 1)
            if size & 1 or stop > end:
                raise IndexError
            at += 1  # the attributes
            while data[at] > 0x7F:
                at += 1  # the timestamp
            at += 1
            while data[at] > 0x7F:
                at += 1  # the offset
            at += 1
            size = data[at]
            if size > 0x7F:
                size, at = number(data, at)
            else:
                at += 1
            key = None
            if not size & 1:
                size >>= 1
                key = data[at : at + size]
                at += size
            size = data[at]
            at += 1
            if size > 0x7F:
                more = data[at]
                if more > 0x7F:
                    size, at = number(data, at - 1)
                else:
                    size += (more << 7) - 0x80
                    at += 1
            value = None
            if not size & 1:
                value = size >> 1
                at += value
            headers: Headers = ()
            if data[at]:
                headers, at = _headers(data, at, stop)
            else:
                at += 1
            if at != stop:
                raise IndexError
            found.append(_NEW(Record, (key, value, headers)))
        except IndexError:
            raise _what_is_wrong(data[first:end]) from None


def number(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned varint at `at`, and where it ends. Raises IndexError; what stands beyond the
    message is not known here."""
    value = shift = 0
    while shift < 35:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise IndexError


def _headers(data: bytes, at: int, stop: int) -> tuple[Headers, int]:
    """A record's headers, and where they end. Raises IndexError."""
    count, at = number(data, at)
    found = []
    for _ in range(0 if count & 1 else count >> 1):
        size, at = number(data, at)
        middle = at + (size >> 1)
        name = data[at:middle].decode("utf-8", "backslashreplace")
        value = None
        rest, at = number(data, middle)
        if not rest & 1:
            value = data[at : at + (rest >> 1)]
            at += rest >> 1
        if size & 1 or at > stop:
            raise IndexError
        found.append((name, value))
    return tuple(found), at


def _what_is_wrong(data: bytes) -> Malformed:
    """Of the record that `data` should begin with."""
    reader = Reader(data)
    try:
        reader.skip(reader.varint())
    except Malformed as error:
        return error
    return Malformed("a record that is not as long as it says")
