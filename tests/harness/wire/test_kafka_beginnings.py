"""Messages that begin as others did: told by the quick way as by the slow one."""

from struct import pack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.kafka import KafkaParser
from harness.wire.kafka_beginnings import Beginnings
from harness.wire.kafka_events import KafkaEvent, ProduceAcknowledged, ProduceRequested, Unparsed
from harness.wire.kafka_records import Limits
from harness.wire.kafka_topics import TopicNames

VERSIONS = [3, 5, 7, 8, 9, 12, 13]


def test_what_was_learnt_is_found_where_it_stands() -> None:
    """And not where less than that stands."""
    known: Beginnings[str] = Beginnings()
    known.learn(b"xxabcd", 2, 5, "abc")
    known.learn(b"abd", 0, 3, "abd")
    known.learn(b"abcd", 0, 4, "abcd")
    assert known.find(b"abc", 0, 3) == ("abc", 3)
    assert known.find(b"..abdd", 2, 6) == ("abd", 5)
    assert known.find(b"abcd", 0, 2) is None
    assert known.find(b"bcd", 0, 3) is None


def test_memory_has_a_limit() -> None:
    """Many, of many lengths, and long ones."""
    known: Beginnings[int] = Beginnings()
    for i in range(2000):
        known.learn(b"%5d" % i, 0, 5, i)
    for i in range(1, 99):
        known.learn(b"x" * i, 0, i, i)
    known.learn(b"x" * 5000, 0, 5000, 1)
    assert len(known._known) <= 256
    assert len(known._lengths) <= 4


def produce(version: int, number: int, key: bytes, *, partition: int = 1, acks: int = -1) -> bytes:
    """A request of one record."""
    record = b"\0\0\0" + bytes([2 * len(key)]) + key + b"\x06abc\0"
    records = bytes([2 * len(record)]) + record
    head = pack(">ibIhiqqqhii", -1, 2, 0, 0, 0, 0, 0, 4000, 3, 7, 1)
    batch = pack(">qi", 0, len(head) + len(records)) + head + records
    begin = pack(">hhih", 0, version, number, 5) + b"order"
    if version < 9:
        body = pack(">hhiih", -1, acks, 30_000, 1, 1) + b"t"
        body += pack(">iii", 1, partition, len(batch)) + batch
    else:
        topic = bytes(range(16)) if version >= 13 else b"\x02t"
        body = b"\0\0" + pack(">hi", acks, 30_000) + b"\x02" + topic + b"\x02"
        body += pack(">i", partition) + bytes([len(batch) + 1]) + batch + b"\0\0\0"
    return pack(">i", len(begin) + len(body)) + begin + body


def answer(version: int, number: int, *, partition: int = 1, error: int = 0) -> bytes:
    """The answer to it."""
    result = pack(">ihqq", partition, error, 100 + number, -1)
    result += pack(">q", 0) if version >= 5 else b""
    if version < 9:
        result += b"\0\0\0\0\xff\xff" if version == 8 else b""
        body = pack(">ih", 1, 1) + b"t" + pack(">i", 1) + result + bytes(4)
    else:
        topic = bytes(range(16)) if version >= 13 else b"\x02t"
        body = b"\0\x02" + topic + b"\x02" + result + b"\x01\0\0\0" + bytes(5)
    return pack(">ii", 4 + len(body), number) + body


class Nothing(Beginnings[Any]):
    """Knows no beginning, so that the quick way is never taken."""

    def find(self, data: bytes, at: int, stop: int) -> None:
        del data, at, stop


def play(
    chunks: list[tuple[str, bytes]], *, size: int = 1000, quick: bool = True
) -> list[KafkaEvent]:
    """In chunks of a size."""
    parser = KafkaParser(limits=Limits(kept_bytes=400))
    if not quick:
        parser._producers, parser._appended = Nothing(), Nothing()
    events: list[KafkaEvent] = []
    for side, data in chunks:
        feed = parser.feed_client if side == ">" else parser.feed_server
        for at in range(0, len(data), size):
            events += feed(data[at : at + size])
    return events


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_to_the_same_partition_have_their_own_keys(version: int) -> None:
    """And answers their own offsets."""
    chunks = [
        chunk
        for number in range(4)
        for chunk in (
            (">", produce(version, number, b"k%d" % number, partition=number % 2)),
            ("<", answer(version, number, partition=number % 2)),
        )
    ]
    events = play(chunks)
    assert events == play(chunks, quick=False)
    sent = [e for e in events if isinstance(e, ProduceRequested)]
    assert [b.keys for e in sent for b in e.batches] == [{b"k%d" % i} for i in range(4)]
    assert [b.partition for e in sent for b in e.batches] == [0, 1, 0, 1]
    told = [e for e in events if isinstance(e, ProduceAcknowledged)]
    assert [p.base_offset for e in told for p in e.partitions] == [100, 101, 102, 103]


def test_a_topic_has_the_name_that_is_known_by_then() -> None:
    """Not the one that it had when the beginning was learnt."""
    topics = TopicNames()
    parser = KafkaParser(topics)
    for name in ("AAECAwQFBgcICQoLDA0ODw", "orders"):
        if name == "orders":
            topics.learn("AAECAwQFBgcICQoLDA0ODw", name)
        (sent,) = parser.feed_client(produce(13, 1, b"17"))
        (told,) = parser.feed_server(answer(13, 1))
        assert isinstance(sent, ProduceRequested)
        assert isinstance(told, ProduceAcknowledged)
        assert (sent.batches[0].topic, told.partitions[0].topic) == (name, name)


def test_an_answer_that_refuses_is_read_as_ever() -> None:
    """After one that was well."""
    chunks = [(">", produce(9, 1, b"17")), ("<", answer(9, 1))]
    chunks += [(">", produce(9, 2, b"17")), ("<", answer(9, 2, error=19))]
    told = [e for e in play(chunks) if isinstance(e, ProduceAcknowledged)]
    assert [p.error for e in told for p in e.partitions] == [0, 19]


def test_what_is_malformed_behind_a_known_beginning_is_told() -> None:
    """A length that lies."""
    parser = KafkaParser()
    parser.feed_client(produce(9, 1, b"17"))
    bad = bytearray(produce(9, 2, b"17"))
    bad[bad.index(b"\0\0\0\x01", 20) + 4] = 0x7F
    (event,) = parser.feed_client(bytes(bad))
    assert isinstance(event, Unparsed)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), version=st.sampled_from(VERSIONS), acks=st.sampled_from([0, 1, -1]))
def test_the_quick_way_tells_what_the_slow_one_tells(
    data: st.DataObject, version: int, acks: int
) -> None:
    """Whatever is damaged in what comes again."""
    chunks: list[tuple[str, bytes]] = []
    for number in range(4):
        key = b"k" * data.draw(st.sampled_from([1, 3, 50]))
        asked = bytearray(produce(version, number, key, partition=number % 2, acks=acks))
        told = bytearray(answer(version, number, partition=number % 2))
        for message in (asked, told) if number else ():
            for _ in range(data.draw(st.integers(0, 2))):
                place = data.draw(st.integers(4, len(message) - 1))
                message[place] = data.draw(st.integers(0, 255))
        chunks += [(">", bytes(asked)), *([("<", bytes(told))] if acks else [])]
    slow = play(chunks, quick=False)
    assert slow == play(chunks)
    assert slow == play(chunks, size=1)
    assert slow == play(chunks, size=50)
