"""A connection to Kafka, read from captures of real clients and from damaged ones."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.kafka import MOST_IN_FLIGHT, KafkaParser
from harness.wire.kafka_events import (
    Batch,
    CoordinatorAnswered,
    CoordinatorRequested,
    ErrorAnswered,
    GroupRequested,
    OffsetCommitAnswered,
    OffsetCommitRequested,
    OtherRequested,
    PartitionsAddAnswered,
    PartitionsAddRequested,
    ProduceAcknowledged,
    ProducedTo,
    ProducerAnswered,
    ProduceRequested,
    TransactionEndRequested,
    Unparsed,
)
from harness.wire.kafka_framing import Framer
from harness.wire.kafka_records import Limits
from harness.wire.kafka_topics import TopicNames
from harness.wire.stream import Direction, LostSync
from tests.harness.wire.kafka_conversations import (
    CHUNKS,
    NAMES,
    answer,
    damaged,
    only,
    play,
    recut,
    request,
)


def batches(name: str) -> list[Batch]:
    """Every batch that a capture's client produced."""
    return [b for e in only(ProduceRequested, play(CHUNKS[name])) for b in e.batches]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_current_clients_send_is_understood(name: str) -> None:
    """No message is left unparsed, and all keys are read."""
    parser = KafkaParser()
    events = play(CHUNKS[name], parser)
    assert only(Unparsed, events) + only(LostSync, events) == []
    silent = sum(e.acks == 0 for e in only(ProduceRequested, events))
    unanswered = parser.tally.requests - parser.tally.answers - silent
    assert unanswered in (0, 1), "a client may hang up before its last answer"
    assert parser.tally.batches_unread == 0
    assert parser.tally.bytes_after_loss == 0


@pytest.mark.parametrize("name", NAMES)
def test_events_cover_each_direction_without_a_gap(name: str) -> None:
    """A tap can hold exactly one message, and the next begins where it ends."""
    for direction, side in (("<", "request_start"), (">", "client_id")):
        ends = [0]
        for event in play(CHUNKS[name]):
            if not isinstance(event, LostSync) and hasattr(event, side):
                assert event.start == ends[-1]
                ends.append(event.end)
        assert ends[-1] == sum(len(data) for d, data in CHUNKS[name] if d == direction)


@pytest.mark.parametrize("name", NAMES)
def test_a_byte_at_a_time_gives_the_same_events(name: str) -> None:
    """The smallest chunks there are."""
    assert play(CHUNKS[name]) == play(recut(CHUNKS[name], [1]))


@given(st.sampled_from(NAMES), st.lists(st.integers(1, 400), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_chunking_changes_the_events(name: str, sizes: list[int]) -> None:
    """Also the tally stays the same."""
    whole, cut = KafkaParser(), KafkaParser()
    assert play(CHUNKS[name], whole) == play(recut(CHUNKS[name], sizes), cut)
    assert whole.tally == cut.tally


@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=8),
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_damage_is_told_and_never_raised(
    name: str, places: list[tuple[int, int]], sizes: list[int]
) -> None:
    """Nor does damage let the chunking show, or lose sync twice."""
    chunks = damaged(CHUNKS[name], places)
    events = play(chunks)
    assert events == play(recut(chunks, sizes))
    lost = [event.direction for event in only(LostSync, events)]
    assert len(lost) == len(set(lost))


@given(st.binary(max_size=600), st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_garbage_is_never_raised(client: bytes, server: bytes) -> None:
    """Bytes of nothing."""
    play([(">", client), ("<", server), (">", client)])


def test_a_produce_request_tells_its_records_and_its_answer_where_they_are() -> None:
    """kafka-python: three keys in one request, two partitions."""
    events = play(CHUNKS["kafka-kafka_python-produce"])
    (sent,) = only(ProduceRequested, events)
    assert (sent.acks, sent.transactional_id, sent.client_id) == (-1, None, "order")
    assert sent.complete
    assert frozenset[bytes]().union(*(b.keys for b in sent.batches)) == {b"17", b"18", b"19"}
    assert all(
        (b.producer_id, b.producer_epoch, b.base_sequence) == (0, 0, 0) for b in sent.batches
    )
    first = sent.batches[0].records[0]
    assert (first.key, first.value_bytes, first.headers) == (b"17", 55, (("event_id", b"e0"),))
    (answered,) = only(ProduceAcknowledged, events)
    assert answered.request_start == sent.start
    assert answered.partitions == (
        ProducedTo(topic="order.events", partition=1, error=0, base_offset=0),
        ProducedTo(topic="order.events", partition=0, error=0, base_offset=0),
    )


def test_acks_0_is_sent_and_never_answered() -> None:
    """The requests after it find their own answers."""
    chunks = CHUNKS["kafka-kafka_python-acks-0"]
    assert [e.acks for e in only(ProduceRequested, play(chunks))] == [0]
    assert only(ProduceAcknowledged, play(chunks)) == []
    more = [*chunks, (">", request(3, 0, 9)), ("<", answer(9))]
    assert only(LostSync, play(more)) == []


@pytest.mark.parametrize(
    ("client", "codec"),
    [
        *(("aiokafka", codec) for codec in ("gzip", "snappy", "lz4", "zstd")),
        *(("librdkafka", codec) for codec in ("snappy", "lz4", "zstd")),
    ],
)
def test_keys_of_compressed_records_are_read(client: str, codec: str) -> None:
    """Each codec as the client's own library writes it."""
    found = batches(f"kafka-{client}-{codec}")
    assert {b.codec for b in found} == {codec}
    assert frozenset[bytes]().union(*(b.keys for b in found)) == {b"17", b"18", b"19"}


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd"])
def test_a_transaction_of_the_java_client_is_told(codec: str) -> None:
    """Transaction version 2: no AddPartitionsToTxn, topics by id, a new epoch at each end."""
    events = play(CHUNKS[f"kafka-java-transaction-{codec}"])
    sent = only(ProduceRequested, events)
    assert {e.version for e in sent} == {13}
    assert all(b.transactional and b.codec == codec for e in sent for b in e.batches)
    assert {b.topic for e in sent for b in e.batches} == {f"connect-configs-{codec}"}
    ends = only(TransactionEndRequested, events)
    assert {e.committed for e in ends} == {True}
    epochs = [e.producer_epoch for e in only(ProducerAnswered, events)]
    assert epochs == sorted(set(epochs)) and len(epochs) == len(ends) + 1


@pytest.mark.parametrize(
    ("client", "topic", "told"),
    [
        ("franz", "order.events", [[("none", [b"17"]), ("snappy", [b"18", b"19"])]] * 2),
        ("java", "orders.placed", [[("none", [key])] for key in (b"7", b"8", b"9")]),
    ],
)
def test_topics_are_produced_to_by_ids_that_another_connection_told(
    client: str, topic: str, told: list[list[tuple[str, list[bytes]]]]
) -> None:
    """One connection asks for the topics, the next one knows their ids alone. franz-go compresses
    each partition's batch where that makes it smaller."""
    topics = TopicNames()
    play(CHUNKS[f"kafka-{client}-metadata"], KafkaParser(topics))
    sent = only(ProduceRequested, play(CHUNKS[f"kafka-{client}-produce"], KafkaParser(topics)))
    assert {(e.version, e.acks) for e in sent} == {(13, -1)}
    assert {batch.topic for e in sent for batch in e.batches} == {topic}
    assert [[(batch.codec, sorted(batch.keys)) for batch in e.batches] for e in sent] == told


def test_a_transaction_of_franz_go_is_told() -> None:
    """Committed, then aborted, on a connection that produces nothing itself."""
    events = play(CHUNKS["kafka-franz-transaction"])
    ends = only(TransactionEndRequested, events)
    assert [(e.transactional_id, e.committed) for e in ends] == [
        ("relay-1", True),
        ("relay-1", False),
    ]


def test_a_transaction_of_kafka_python_is_told() -> None:
    """Offsets and records in one transaction, then one that is aborted."""
    events = play(CHUNKS["kafka-kafka_python-transaction"])
    assert [e.committed for e in only(TransactionEndRequested, events)] == [True, False]
    (offsets,) = only(OffsetCommitRequested, events)
    assert (offsets.transactional_id, offsets.group) == ("relay-1", "inventory")
    assert [(p.topic, p.partition, p.offset) for p in offsets.positions] == [("t1", 0, 5)]
    (added, *_) = only(PartitionsAddRequested, events)
    assert [topic for topic, _ in added.partitions] == ["order.events"]
    (result, *_) = only(PartitionsAddAnswered, events)
    assert {p.error for p in result.partitions} == {0}


@pytest.mark.parametrize(
    "name",
    [
        "kafka-kafka_python-group",
        "kafka-aiokafka-group",
        "kafka-franz-group",
        "kafka-librdkafka-new-group",
    ],
)
def test_offset_commits_are_told_with_their_group(name: str) -> None:
    """Old and new membership protocols; the positions go up."""
    events = play(CHUNKS[name])
    commits = only(OffsetCommitRequested, events)
    assert len(commits) >= 3
    assert len({(e.group, e.member) for e in commits}) == 1
    assert all(e.member and e.positions and e.generation >= 0 for e in commits)
    answers = only(OffsetCommitAnswered, events)
    assert {p.error for e in answers for p in e.partitions} == {0}
    assert [e.request_start for e in answers] == [e.start for e in commits]


def test_membership_is_told_by_name_and_group() -> None:
    """Connect's workers are a group, too."""
    events = play(CHUNKS["kafka-java-group"])
    asked = only(GroupRequested, events)
    assert {e.group for e in asked} == {"connect-lz4"}
    assert {e.api for e in asked} >= {"JoinGroup", "SyncGroup", "LeaveGroup"}
    assert {e.error for e in only(ErrorAnswered, events) if e.api == "SyncGroup"} == {0}
    told = play(CHUNKS["kafka-java-coordinator"])
    (found, *_) = only(CoordinatorRequested, told)
    assert (found.kind, found.keys) == (0, ("connect-lz4",))
    assert only(CoordinatorAnswered, told)[-1].coordinators[0].node == 1


def test_a_topic_known_by_id_only_has_the_name_that_another_connection_learnt() -> None:
    """Without it, the id itself is the topic's name."""
    parts = CHUNKS["kafka-java-transaction-lz4"]
    topics = TopicNames()
    play(parts, KafkaParser(topics))
    assert "connect-configs-lz4" in {topics.name(i) for i in topics._names}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "a message of"),
        (b"\x00\x00\x00\x08\x04\xd2\x16\x2f\0\0\0\0", "no request"),
        (b"\xff" * 20, "a message of -1 bytes"),
        (request(999, 0, 1), "not Kafka"),
        (request(-3, 0, 1), "no request"),
    ],
)
def test_what_is_not_kafka_is_lost_from_its_first_byte(data: bytes, reason: str) -> None:
    """Once; and what follows is counted."""
    parser = KafkaParser()
    events = parser.feed_client(data)
    (lost,) = events
    assert isinstance(lost, LostSync)
    assert (lost.direction, lost.from_byte) == (Direction.CLIENT, 0)
    assert reason in lost.reason
    assert parser.feed_client(b"more") == []
    assert parser.tally.bytes_after_loss == len(data) + 4


def test_a_loss_says_from_which_byte() -> None:
    """What came before it has been told."""
    parser = KafkaParser()
    good = request(3, 0, 1)
    first, lost = parser.feed_client(good + b"\x7f" * 9)
    assert isinstance(first, OtherRequested)
    assert isinstance(lost, LostSync) and lost.from_byte == len(good)


def test_an_unknown_api_or_version_passes_unparsed_and_is_answered() -> None:
    """The stream goes on."""
    parser = KafkaParser()
    sent = request(3, 0, 1) + request(1000, 7, 2) + request(8, 99, 3) + request(12, 0, 4)
    kinds = [type(e) for e in parser.feed_client(sent)]
    assert kinds == [OtherRequested, Unparsed, Unparsed, Unparsed]
    kinds = [type(e) for e in parser.feed_server(b"".join(answer(i) for i in range(1, 5)))]
    assert LostSync not in kinds
    assert parser.tally.unparsed >= 5


def test_an_answer_that_nobody_asked_for_is_a_loss() -> None:
    """Nothing tells any more what answers what."""
    parser = KafkaParser()
    parser.feed_client(request(3, 0, 1))
    (lost,) = parser.feed_server(answer(7))
    assert isinstance(lost, LostSync)
    assert (lost.direction, lost.reason) == (
        Direction.SERVER,
        "an answer to 7, which is not the next request",
    )


def test_an_unread_produce_may_be_answered_or_not() -> None:
    """Its acks stand in what could not be read."""
    parser = KafkaParser()
    parser.feed_client(request(0, 2, 1) + request(0, 2, 2) + request(3, 0, 3))
    told = [e for e in parser.feed_server(answer(2) + answer(3)) if not isinstance(e, LostSync)]
    assert [e.correlation_id for e in told] == [2, 3]


def test_the_boundary_is_where_the_incomplete_message_begins() -> None:
    """What is behind it may pass, what is after it can be held."""
    parser = KafkaParser()
    data = request(3, 0, 1)
    parser.feed_client(data + data[:7])
    assert parser.boundary(Direction.CLIENT) == len(data)
    assert parser.boundary(Direction.SERVER) == 0


def kept_by(framer: object) -> int:
    assert isinstance(framer, Framer)
    return framer._have


def test_of_a_large_message_only_so_much_is_kept() -> None:
    """A Fetch answer and a Produce of 64 MiB are passed over by count."""
    parser = KafkaParser(limits=Limits(kept_bytes=4096))
    size = 64 << 20
    parser.feed_client(request(1, 12, 1, b"\xff\xff\0"))
    parser.feed_server(struct.pack(">ii", size, 1))
    for _ in range(size // (1 << 20)):
        parser.feed_server(b"\0" * (1 << 20))
    assert kept_by(parser._server) < 16
    body = b"\xff\xff\xff\xff\0\x01\0\0\0\0" + struct.pack(">ihc", 1, 1, b"t")
    body += struct.pack(">iii", 1, 0, size) + bytes(16)
    parser.feed_client(struct.pack(">ihhi", size + 100, 0, 3, 2) + body)
    for _ in range(size // (1 << 20)):
        parser.feed_client(b"\0" * (1 << 20))
    assert kept_by(parser._client) <= 4096


def test_requests_without_answers_are_not_kept_forever() -> None:
    """A server that answers nothing costs no more than the most in flight."""
    parser = KafkaParser()
    data = b"".join(request(3, 0, i) for i in range(1000))
    for _ in range(12):
        parser.feed_client(data)
    assert len(parser._in_flight) == MOST_IN_FLIGHT
