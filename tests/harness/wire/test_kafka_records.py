"""Record batches, written here byte by byte, and damaged ones."""

import gzip
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.kafka_events import Batch
from harness.wire.kafka_primitives import Malformed
from harness.wire.kafka_records import Budget, Limits, read_batches


def record(key: bytes | None, value: bytes | None, headers: bytes = b"\0") -> bytes:
    """A record's bytes; all numbers are small enough for one byte of zigzag."""
    body = b"\0\0\0"
    for part in (key, value):
        body += b"\x01" if part is None else bytes([2 * len(part)]) + part
    body += headers
    return bytes([2 * len(body)]) + body


def batch(*records: bytes, attributes: int = 0, count: int | None = None) -> bytes:
    """A batch's bytes."""
    data = b"".join(records)
    head = struct.pack(
        ">ibIhiqqqhii",
        *(-1, 2, 0, attributes, 0, 0, 0, 4000, 3, 7),
        len(records) if count is None else count,
    )
    return struct.pack(">qi", 0, len(head) + len(data)) + head + data


def read(data: bytes, limits: Limits | None = None, *, cut: bool = False) -> tuple[Batch, ...]:
    """The batches of one partition."""
    limits = limits or Limits()
    return read_batches(data, "t", 1, Budget(limits), cut=cut)


def test_a_batch_tells_its_producer_and_its_records() -> None:
    """Values by size; a key, none; a header without a value; a tombstone."""
    (found,) = read(batch(record(b"17", b"abc", b"\x02\x02h\x01"), record(None, None)))
    assert (found.producer_id, found.producer_epoch, found.base_sequence) == (4000, 3, 7)
    assert (found.count, found.unread, found.codec) == (2, None, "none")
    assert [(r.key, r.value_bytes, r.headers) for r in found.records] == [
        (b"17", 3, (("h", None),)),
        (None, None, ()),
    ]
    assert found.keys == {b"17"}


def test_batches_follow_each_other() -> None:
    """And one may be part of a transaction."""
    one, two = read(batch(record(b"1", b"")) + batch(record(b"2", b""), attributes=16))
    assert [*one.keys, *two.keys] == [b"1", b"2"]
    assert (one.transactional, two.transactional) == (False, True)


def test_records_above_the_limit_are_counted() -> None:
    """The batch says that its keys are not all."""
    (found,) = read(batch(*(record(b"1", b"") for _ in range(5))), Limits(records=2))
    assert (len(found.records), found.count, found.unread) == (2, 5, "3 records above the limit")


@pytest.mark.parametrize("codec", [0, 1])
def test_of_one_connection_no_more_than_so_many_records_are_read(codec: int) -> None:
    """Of later batches the first few."""
    records = b"".join(record(b"%d" % i, b"") for i in range(6))
    packed = gzip.compress(records, mtime=0) if codec else records
    data = batch(packed, attributes=codec, count=6)
    budget = Budget(Limits(records_in_all=10, records_beyond=1))
    found = [read_batches(data, "t", 1, budget)[0] for _ in range(3)]
    assert [len(b.records) for b in found] == [6, 6, 1]
    assert [b.unread for b in found] == [None, None, "5 records above the limit"]


def test_decompression_has_a_limit_for_each_batch_and_for_all_together() -> None:
    """Three batches of 5,000 bytes in 20."""
    packed = gzip.compress(record(b"1", b"") + b"\x80\x4e" + bytes(5000), mtime=0)
    data = batch(packed, attributes=1, count=1) * 3
    limits = Limits(inflated_bytes=3000, inflated_bytes_in_all=3005)
    budget = Budget(limits)
    one, two, three = read_batches(data, "t", 1, budget)
    assert budget.left == 0
    assert ([*one.keys], one.unread) == ([b"1"], None)
    assert two.unread and three.unread


def test_records_that_are_not_what_they_say_are_told() -> None:
    """Those before them are kept."""
    (found,) = read(batch(record(b"1", b""), b"\x7fgarbage", count=2))
    assert found.keys == {b"1"}
    assert found.unread


def test_an_unknown_codec_leaves_the_keys_unknown() -> None:
    """The batch is told all the same."""
    (found,) = read(batch(b"???", attributes=6))
    assert (found.codec, found.unread, found.keys) == ("6", "codec 6", frozenset())


def test_a_cut_batch_tells_what_is_there() -> None:
    """Of a message that was too large to be kept."""
    whole = batch(record(b"1", b"a"), record(b"2", b"b"))
    (found,) = read(whole[:-3], cut=True)
    assert found.keys == {b"1"}
    assert read(whole[:30], cut=True) == ()


@pytest.mark.parametrize("data", [b"short", batch()[:16] + b"\x01" + batch()[17:], batch()[:-1]])
def test_what_is_no_batch_is_malformed(data: bytes) -> None:
    """Too short, an old format, an end that is missing."""
    with pytest.raises(Malformed):
        read(data)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6), st.booleans())
@settings(max_examples=150)
def test_damage_gives_batches_or_malformed(places: list[tuple[int, int]], cut: bool) -> None:
    """Nothing else."""
    data = bytearray(batch(record(b"17", b"abc", b"\x02\x02h\x01"), record(None, None)))
    for where, value in places:
        data[where % len(data)] = value
    try:
        read(bytes(data), cut=cut)
    except Malformed:
        return
