"""Versions of requests that no capture has, from literal bytes."""

import pytest

from harness.wire.kafka import KafkaParser
from harness.wire.kafka_events import (
    CoordinatorRequested,
    GroupRequested,
    KafkaEvent,
    OffsetCommitRequested,
    OtherRequested,
    Position,
    ProduceRequested,
    Unparsed,
)
from harness.wire.kafka_topics import TopicNames

TOPIC_ID = bytes(range(16))


def read(key: int, version: int, body: str, topics: TopicNames | None = None) -> KafkaEvent:
    """The one event of a request without client id. Spaces in the hexadecimal body are for
    reading; flexible versions' header tags are a part of it."""
    message = key.to_bytes(2, "big") + version.to_bytes(2, "big") + b"\0\0\0\x01\xff\xff"
    message += bytes.fromhex(body)
    (event,) = KafkaParser(topics).feed_client(len(message).to_bytes(4, "big") + message)
    return event


@pytest.mark.parametrize(
    ("version", "between", "tail"),
    [(2, "ffffffffffffffff", ""), (5, "", ""), (6, "", "ffffffff"), (7, "ffff", "ffffffff")],
)
def test_older_offset_commits_are_read(version: int, between: str, tail: str) -> None:
    """Group g, generation 3, member m; topic t, partition 1, offset 9, metadata null."""
    body = f"000167 00000003 00016d {between} 00000001 000174 00000001"
    event = read(8, version, f"{body} 00000001 0000000000000009 {tail} ffff")
    assert isinstance(event, OffsetCommitRequested)
    assert (event.group, event.generation, event.member) == ("g", 3, "m")
    assert event.positions == (Position(topic="t", partition=1, offset=9),)


def test_an_offset_commit_by_id_has_the_topics_name() -> None:
    """Version 10; the id where the name is not known."""
    body = f"00 0267 00000003 026d 00 02 {TOPIC_ID.hex()} 02"
    body += "00000001 0000000000000009 ffffffff 00 00 00 00"
    topics = TopicNames()
    for name in ("AAECAwQFBgcICQoLDA0ODw", "t"):
        topics.learn("AAECAwQFBgcICQoLDA0ODw", name)
        event = read(8, 10, body, topics)
        assert isinstance(event, OffsetCommitRequested)
        assert event.positions == (Position(topic=name, partition=1, offset=9),)


@pytest.mark.parametrize(("version", "tail"), [(0, ""), (2, "ffffffff")])
def test_older_transactional_offset_commits_are_read(version: int, tail: str) -> None:
    """No member yet."""
    body = "000178 000167 0000000000000007 0001 00000001 000174 00000001"
    event = read(28, version, f"{body} 00000001 0000000000000009 {tail} ffff")
    assert isinstance(event, OffsetCommitRequested)
    assert (event.transactional_id, event.group, event.member) == ("x", "g", "")


@pytest.mark.parametrize(
    ("key", "version", "body", "member", "generation"),
    [
        (11, 0, "000167 00000001 00016d", "m", None),
        (12, 0, "000167 00000005 00016d", "m", 5),
        (13, 2, "000167 00016d", "m", None),
        (13, 3, "000167 00000000", None, None),
        (9, 1, "000167 00000000", None, None),
        (68, 0, "00 0267 026d 00000005", "m", 5),
        (76, 1, "00 0267 026d 00000005", "m", 5),
    ],
)
def test_groups_are_told(
    key: int, version: int, body: str, member: str | None, generation: int | None
) -> None:
    """What else there is in the request doesn't matter."""
    event = read(key, version, body)
    assert isinstance(event, GroupRequested)
    assert (event.group, event.member, event.generation) == ("g", member, generation)


def test_a_coordinator_is_asked_for_one_key_or_many() -> None:
    """Version 0 knows groups only."""
    one, many = read(10, 0, "000167"), read(10, 4, "00 01 03 0267 0268 00")
    assert isinstance(one, CoordinatorRequested) and isinstance(many, CoordinatorRequested)
    assert (one.kind, one.keys, many.kind, many.keys) == (0, ("g",), 1, ("g", "h"))


def test_brokers_own_requests_are_told_by_name() -> None:
    """AddPartitionsToTxn from version 4 on is for several transactions."""
    event = read(24, 4, "00 01 00")
    assert isinstance(event, OtherRequested) and event.api == "AddPartitionsToTxn"


def test_a_partition_without_records_is_a_request_without_batches() -> None:
    """Produce 3, records null."""
    event = read(0, 3, "ffff ffff 00000000 00000001 000174 00000001 00000000 ffffffff")
    assert isinstance(event, ProduceRequested) and event.complete
    assert (event.acks, event.batches) == (-1, ())


def test_a_body_that_ends_early_is_unparsed() -> None:
    """It says what is missing."""
    event = read(26, 0, "000178 00")
    assert isinstance(event, Unparsed)
    assert (event.api, event.reason) == ("EndTxn", "7 bytes are missing")
