"""Versions and errors of responses that no capture has, from literal bytes."""

import pytest

from harness.wire.kafka_apis import APIS
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
from harness.wire.kafka_responses import Context, ResponseHead, read_response
from harness.wire.kafka_topics import TopicNames

TOPIC_ID = bytes(range(16)).hex()


def read(
    key: int, version: int, body: str, topics: TopicNames | None = None, *, missing: int = 0
) -> Answer:
    """What a response to correlation id 1 says; `missing` bytes of it were not kept."""
    data = b"\0\0\0\x01" + bytes.fromhex(body)
    head = ResponseHead(
        start=0,
        end=4 + len(data) + missing,
        api=APIS[key],
        version=version,
        correlation_id=1,
        request_start=50,
        is_cut=missing > 0,
    )
    return read_response(head, Reader(data, 4), Context(topics=topics or TopicNames()))


@pytest.mark.parametrize(("version", "tail"), [(3, ""), (5, "00" * 8)])
def test_a_partition_may_be_refused(version: int, tail: str) -> None:
    """Error 19, NOT_ENOUGH_REPLICAS, beside one that took its batch."""
    partition = f"0000000000000009 {'ff' * 8} {tail}"
    body = f"00000001 000174 00000002 00000000 0013 {partition} 00000001 0000 {partition}"
    event = read(0, version, f"{body} 00000000")
    assert isinstance(event, ProduceAcknowledged)
    assert event.request_start == 50
    assert event.partitions == (
        ProducedTo(topic="t", partition=0, error=19, base_offset=9),
        ProducedTo(topic="t", partition=1, error=0, base_offset=9),
    )


def test_errors_of_single_records_are_passed_over() -> None:
    """Version 13: by topic id, with a message, tags of leaders and endpoints."""
    partition = f"00000000 0057 {'ff' * 24} 02 00000002 04626164 00 04626164 00"
    event = read(0, 13, f"00 02 {TOPIC_ID} 02 {partition} 00 00000000 00")
    assert isinstance(event, ProduceAcknowledged)
    assert [(p.topic, p.error) for p in event.partitions] == [("AAECAwQFBgcICQoLDA0ODw", 87)]


@pytest.mark.parametrize(("version", "throttle"), [(2, ""), (3, "00000000")])
def test_an_offset_may_be_refused(version: int, throttle: str) -> None:
    """Error 22, ILLEGAL_GENERATION."""
    event = read(8, version, f"{throttle} 00000001 000174 00000001 00000001 0016")
    assert isinstance(event, OffsetCommitAnswered)
    assert event.partitions == (PartitionResult(topic="t", partition=1, error=22),)


def test_transactions_have_the_same_form() -> None:
    """TxnOffsetCommit 0 and AddPartitionsToTxn 0."""
    body = "00000000 00000001 000174 00000001 00000001 0033"
    for key in (24, 28):
        event = read(key, 0, body)
        assert isinstance(event, PartitionsAddAnswered | OffsetCommitAnswered)
        assert event.partitions == (PartitionResult(topic="t", partition=1, error=51),)
    assert isinstance(read(24, 4, "00 00000000 0000 01 00"), OtherAnswered)


def test_the_end_of_a_transaction_may_bring_a_new_epoch() -> None:
    """From version 5 on."""
    old, new = (
        read(26, 3, "00 00000000 0000 00"),
        read(26, 5, f"00 00000000 0000 {'00' * 7}07 0002 00"),
    )
    assert isinstance(old, ProducerAnswered) and isinstance(new, ProducerAnswered)
    assert (old.producer_id, old.producer_epoch) == (-1, -1)
    assert (new.producer_id, new.producer_epoch) == (7, 2)


@pytest.mark.parametrize(
    ("key", "version", "body"),
    [
        (11, 1, "001b"),
        (11, 2, "00000000 001b"),
        (12, 0, "001b"),
        (13, 1, "00000000 001b"),
        (14, 0, "001b"),
        (25, 0, "00000000 001b"),
        (68, 0, "00 00000000 001b"),
    ],
)
def test_of_membership_the_error_is_read(key: int, version: int, body: str) -> None:
    """27: REBALANCE_IN_PROGRESS."""
    event = read(key, version, body)
    assert isinstance(event, ErrorAnswered)
    assert event.error == 27


@pytest.mark.parametrize(
    ("version", "body", "key"),
    [
        (0, "0000 00000001 000168 00000050", None),
        (1, "00000000 0000 ffff 00000001 000168 00000050", None),
        (4, "00 00000000 02 0267 00000001 0268 00000050 0000 00 00 00", "g"),
    ],
)
def test_a_coordinator_is_told(version: int, body: str, key: str | None) -> None:
    """Node 1 at h:80."""
    event = read(10, version, body)
    assert isinstance(event, CoordinatorAnswered)
    assert event.coordinators == (Coordinator(key=key, error=0, node=1, host="h", port=80),)


METADATA = f"00 00000000 02 00000001 0268 00000050 00 00 00 00000001 02 0000 0274 {TOPIC_ID} 00"


def test_names_of_topics_are_learnt_from_metadata() -> None:
    """Version 12: one broker, one topic with one partition."""
    topics = TopicNames()
    partition = "0000 00000000 00000001 00000000 02 00000001 02 00000001 01 00"
    read(3, 12, f"{METADATA} 02 {partition} 80000000 00 00", topics)
    assert topics.name("AAECAwQFBgcICQoLDA0ODw") == "t"


def test_what_was_not_kept_of_metadata_is_no_error() -> None:
    """What was kept is learnt; but an answer that really ends there is malformed."""
    topics = TopicNames()
    assert isinstance(read(3, 12, METADATA, topics, missing=99), OtherAnswered)
    assert topics.name("AAECAwQFBgcICQoLDA0ODw") == "t"
    with pytest.raises(Truncated):
        read(3, 12, METADATA)
