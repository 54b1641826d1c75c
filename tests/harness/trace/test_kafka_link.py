"""Kafka: records, offsets and transactions, asked for and answered."""

from struct import pack

import pytest

from harness.model.effect import Outcome, Position
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.tracer import Tracer
from tests.harness.trace.captures import NAMES, replayed
from tests.harness.trace.links import Broker, asked, effects, record, text

EVENTS = "order.events"
TO = f"order/kafka-1/produce({EVENTS})"


def broker(tracer: Tracer | None = None, client: str = "order") -> Broker:
    return Broker(tracer or Tracer(frozenset()), client)


def test_real_producers() -> None:
    """One effect for each request, with the keys of all its records."""
    for client in ("kafka_python-produce", "aiokafka-gzip", "aiokafka-lz4", "aiokafka-snappy"):
        told = effects(replayed(f"kafka-{client}"))
        all_three = " ".join(f"c/s/produce({EVENTS})/{key}#1" for key in (17, 18, 19))
        assert told == [f"?{all_three}", f"!{all_three}"]
    for client in ("librdkafka-idempotent", "librdkafka-lz4", "librdkafka-snappy"):
        told = effects(replayed(f"kafka-{client}"))
        one_by_one = [f"c/s/produce({EVENTS})/{key}#1" for key in (19, 17, 18)]
        assert told == [mark + address for mark in "?!" for address in one_by_one]


def test_real_transactions() -> None:
    """Positions inside a transaction, and its ends."""
    assert effects(replayed("kafka-kafka_python-transaction")) == [
        "?c/s/offset-commit(inventory:t1)/-#1",
        "!c/s/offset-commit(inventory:t1)/-#1",
        "?c/s/end-txn(commit)/relay-1#1",
        "!c/s/end-txn(commit)/relay-1#1",
        "?c/s/end-txn(abort)/relay-1#1",
        "!c/s/end-txn(abort)/relay-1#1",
    ]
    connect = effects(replayed("kafka-java-transaction-lz4"))
    assert connect[0] == "?c/s/produce(connect-configs-lz4)/session-key#1"


def test_records_have_places_once_they_are_acknowledged() -> None:
    """The offset is the first one's; in between there is none."""
    order = broker()
    (request,) = order.produce_all(
        {(EVENTS, 0): [record("17"), record(None)], ("audit", 1): [record("17")]}
    )
    told = text(EVENTS) + pack(">iihqq", 1, 0, 0, 40, -1)
    told += text("audit") + pack(">iihqq", 1, 1, 0, 7, -1)
    (answer,) = order.answer(pack(">i", 2) + told + pack(">i", 0))
    assert request.effect is not None
    assert answer.effect is not None
    assert request.effect.detail == ("audit", EVENTS)
    assert request.effect.number == answer.effect.number
    assert [p.offset for p in request.effect.positions] == [None, None]
    assert answer.effect.positions == (
        Position(topic=EVENTS, partition=0, offset=40, keys=("17", "-")),
        Position(topic="audit", partition=1, offset=7, keys=("17",)),
    )
    assert (answer.topic, answer.partition, answer.offset) == (EVENTS, 0, 40)
    assert (request.topic, request.partition, request.offset) == (EVENTS, 0, None)
    assert (request.kind, request.name) == ("produce", "Produce v3")
    assert (answer.kind, answer.name) == ("produce-acknowledged", "Produce v3")


def test_answers_in_another_order() -> None:
    """Each partition has its own; one that the broker says nothing of is in doubt."""
    tracer = Tracer(frozenset())
    order = broker(tracer)
    order.produce_all(
        {(EVENTS, 0): [record("17")], ("audit", 1): [record("17")], ("x", 0): [record("17")]}
    )
    told = b"".join(
        text(topic) + pack(">iihqq", 1, partition, 0, offset, -1)
        for topic, partition, offset in (("audit", 1, 7), (EVENTS, 0, 40))
    )
    (answer,) = order.answer(pack(">i", 2) + told + pack(">i", 0))
    assert answer.effect is not None
    assert [p.offset for p in answer.effect.positions] == [40, 7, None]
    effect = asked(order.produce_all({("x", 0): [record("17")]}))
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 1)


def test_real_clients_name_topics_by_id() -> None:
    """franz-go's do; the name is known from what another connection has asked for."""
    tracer = Tracer(frozenset())
    for name in ("metadata", "produce", "group"):
        told = effects(replayed(f"kafka-franz-{name}", tracer))
        if name == "produce":
            assert told[0] == "?" + " ".join(f"c/s/produce({EVENTS})/{k}#1" for k in (17, 18, 19))
        if name == "group":
            assert told[0] == f"?c/s/offset-commit(inventory:{EVENTS})/17#1"


def test_what_nothing_answers() -> None:
    """acks=0: it was sent, and no more is known."""
    tracer = Tracer(frozenset())
    order = broker(tracer)
    effect = asked(order.produce(EVENTS, "17", acks=0))
    assert not effect.is_answered
    assert tracer.unanswered("order") == ()
    effect = asked(order.produce(EVENTS, "17"))
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 1)
    assert effects(order.produced(EVENTS, 0)) == [f"!{TO}/17#2"]


@pytest.mark.parametrize(
    ("error", "counts"),
    [(0, (1, 0)), (3, (0, 0)), (7, (0, 1)), (20, (0, 1)), (46, (1, 0)), (87, (0, 0))],
)
def test_errors(error: int, counts: tuple[int, int]) -> None:
    """Some say that it is not there, some that it may be, one that it is there already."""
    tracer = Tracer(frozenset())
    order = broker(tracer)
    order.produce(EVENTS, "17")
    (answer,) = order.produced(EVENTS, 5, error=error)
    assert answer.outcome is (Outcome.FAILED if error else Outcome.ACKNOWLEDGED)
    assert answer.error == (str(error) if error else None)
    assert answer.kind == ("produce-failed" if error else "produce-acknowledged")
    effect = asked(order.produce(EVENTS, "17"))
    assert tracer.earlier(effect, effect.addresses[0]) == counts


def test_records_of_a_key_are_counted_over_all_producers() -> None:
    """Each record, whichever broker took it; those that are on their way are in doubt."""
    tracer = Tracer(frozenset())
    order, relay = broker(tracer), Broker(tracer, "relay", "kafka-2")
    order.produce(EVENTS, "17", "18", "17")
    order.produced(EVENTS, 0)
    relay.produce(EVENTS, "17")
    relay.produce("audit", "17")
    effect = asked(order.produce(EVENTS, "17", "17"))
    assert tracer.earlier(effect, effect.addresses[0]) == (2, 1)
    order.produced(EVENTS, 3)
    assert tracer.earlier(effect, effect.addresses[0]) == (2, 1)


def test_an_idempotent_producers_retry_keeps_its_address() -> None:
    """On another connection, after the first one was cut: the record is there once."""
    tracer = Tracer(frozenset())
    first, second = broker(tracer), broker(tracer)
    first.produce(EVENTS, "17", producer=(4000, 0, 0))
    first.reader.close()
    retry = second.produce(EVENTS, "17", producer=(4000, 0, 0))
    assert [p.batch for p in asked(retry).positions] == [(4000, 0, 0)]
    assert effects([*retry, *second.produced(EVENTS, 0)]) == [f"?{TO}/17#1", f"!{TO}/17#1"]
    effect = asked(second.produce(EVENTS, "17", producer=(4000, 0, 1)))
    assert effect.addresses[0].occurrence == 2
    assert tracer.earlier(effect, effect.addresses[0]) == (1, 0)
    assert tracer.count(effect.addresses[0]) == 2


def test_a_retry_of_what_is_there_is_done_before_it_is_answered() -> None:
    """Its answer did not reach the producer; the record is not one that was there before it."""
    tracer = Tracer(frozenset())
    order = broker(tracer)
    first = asked(order.produce(EVENTS, "17", producer=(4000, 0, 0)))
    assert not tracer.is_done(first)
    order.produced(EVENTS, 0)
    retry = asked(order.produce(EVENTS, "17", producer=(4000, 0, 0)))
    assert tracer.is_done(retry)
    assert tracer.earlier(retry, retry.addresses[0]) == (0, 0)
    both = {(EVENTS, 0): [record("17")], ("audit", 0): [record("17")]}
    assert not tracer.is_done(asked(order.produce_all(both, producer=(4000, 0, 0))))


def test_a_retry_of_what_never_came_is_not_done() -> None:
    """The first try was cut off, or refused."""
    tracer = Tracer(frozenset())
    first, second = broker(tracer), broker(tracer)
    first.produce(EVENTS, "17", producer=(4000, 0, 0))
    first.reader.close()
    assert not tracer.is_done(asked(second.produce(EVENTS, "17", producer=(4000, 0, 0))))
    second.produced(EVENTS, 0, error=6)
    assert not tracer.is_done(asked(second.produce(EVENTS, "17", producer=(4000, 0, 0))))


def test_a_producer_that_is_not_idempotent_sends_again() -> None:
    """Which may well be a second record."""
    tracer = Tracer(frozenset())
    first, second = broker(tracer), broker(tracer)
    first.produce(EVENTS, "17")
    first.reader.close()
    effect = asked(second.produce(EVENTS, "17"))
    assert effect.addresses[0].occurrence == 2
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 1)


def test_a_group_reads_on() -> None:
    """The keys are those of all records that were newly read; a commit of what was committed
    before has none, and is one all the same."""
    tracer = Tracer(frozenset())
    order, group = broker(tracer), broker(tracer, "inventory")
    for partition, keys in enumerate((("16", "17", "18"), ("19",))):
        order.produce(EVENTS, *keys, partition=partition)
        order.produced(EVENTS, 10, partition=partition)
    for offsets in ((12, 11), (13, 11), (13, 11)):
        positions = {(EVENTS, 0): offsets[0], (EVENTS, 1): offsets[1]}
        group.commit_offsets("g", positions)
        group.offsets_committed(dict.fromkeys(positions, 0))
    to = f"inventory/kafka-1/offset-commit(g:{EVENTS})"
    assert [line for line in effects(group.frames) if line.startswith("?")] == [
        f"?{to}/16#1 {to}/17#1 {to}/19#1",
        f"?{to}/18#1",
        f"?{to}/-#1",
    ]
    (effect,) = [f.effect for f in group.frames[-1:] if f.effect]
    assert effect.group == "g"
    assert effect.positions[0] == Position(topic=EVENTS, partition=0, offset=13)
    asked = [f.effect for f in group.frames if f.outcome is Outcome.REQUESTED and f.effect]
    assert [[p.moved for p in e.positions] for e in asked] == [
        [True, True],
        [True, False],
        [False, False],
    ]
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 0)


def test_a_position_that_was_refused_has_not_moved() -> None:
    """It is asked for again with its key."""
    tracer = Tracer(frozenset())
    order, group = broker(tracer), broker(tracer, "inventory")
    order.produce(EVENTS, "17")
    order.produced(EVENTS, 0)
    group.commit_offsets("g", {(EVENTS, 0): 1})
    (answer,) = group.offsets_committed({(EVENTS, 0): 27})
    assert (answer.kind, answer.error, answer.outcome) == (
        "offset-commit-failed",
        "27",
        Outcome.FAILED,
    )
    effect = asked(group.commit_offsets("g", {(EVENTS, 0): 1}))
    assert (effect.keys, effect.addresses[0].occurrence) == (("17",), 2)
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 0)
    told = [f for f in group.frames if f.kind == "offset-commit"]
    assert (told[0].topic, told[0].partition, told[0].offset) == (EVENTS, 0, 1)


def test_transactions_end() -> None:
    order = broker()
    order.end_txn("relay-1", committed=True)
    (refused,) = order.txn_ended(51)
    assert (refused.kind, refused.error, refused.outcome) == (
        "end-txn-failed",
        "51",
        Outcome.FAILED,
    )
    order.end_txn("relay-1", committed=True)
    order.txn_ended()
    assert effects(order.frames) == [
        "?order/kafka-1/end-txn(commit)/relay-1#1",
        "xorder/kafka-1/end-txn(commit)/relay-1#1",
        "?order/kafka-1/end-txn(commit)/relay-1#2",
        "!order/kafka-1/end-txn(commit)/relay-1#2",
    ]


def test_an_answer_that_cannot_be_read_answers() -> None:
    """With what, nobody knows."""
    tracer = Tracer(frozenset())
    order = broker(tracer)
    order.produce(EVENTS, "17")
    (frame,) = order.answer(b"\0\0\0\1")
    assert (frame.direction, frame.kind, frame.name) == (FROM_SERVER, "unparsed", "Produce v3")
    assert frame.error
    assert tracer.unanswered("order") == ()
    effect = asked(order.produce(EVENTS, "17"))
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 1)
    (frame,) = order.ask(0, 3, b"\xff")
    assert (frame.direction, frame.kind, frame.effect) == (FROM_CLIENT, "unparsed", None)


def test_a_request_without_records_or_positions_is_no_effect() -> None:
    order = broker()
    assert effects(order.produce_all({})) == []
    assert effects(order.commit_offsets("g", {})) == []
    assert len(order.frames) == 2


def test_everything_else_goes_by_its_name() -> None:
    """Requests and answers of every api."""
    frames = [f for name in NAMES if name.startswith("kafka-") for f in replayed(name)]
    named = {(frame.direction, frame.kind) for frame in frames}
    assert named >= {
        (FROM_CLIENT, "fetch"),
        (FROM_SERVER, "fetch-answered"),
        (FROM_CLIENT, "api-versions"),
        (FROM_SERVER, "api-versions-answered"),
        (FROM_CLIENT, "find-coordinator"),
        (FROM_CLIENT, "init-producer-id"),
        (FROM_CLIENT, "heartbeat"),
        (FROM_SERVER, "metadata-answered"),
    }
    fetch = next(frame for frame in frames if frame.kind == "fetch")
    assert fetch.name.startswith("Fetch v")


def test_whole_requests_may_go_on() -> None:
    """And all of it once it is no Kafka any more."""
    order = broker()
    request = pack(">ihhih", 10, 3, 0, 1, -1)
    order.sends(request[:-1])
    assert order.reader.boundary(FROM_CLIENT) == 0
    order.sends(request[-1:] + b"\xff" * 3)
    assert order.reader.boundary(FROM_CLIENT) == len(request)
    (frame,) = order.sends(b"\xff" * 20)
    assert frame.kind == "lost-sync"
    assert order.reader.boundary(FROM_CLIENT) == len(request) + 23


def test_keys_of_the_frames_of_an_effect() -> None:
    """Its request's and its answer's."""
    order = broker()
    told: list[Frame] = [*order.produce(EVENTS, "18", "17"), *order.produced(EVENTS, 0)]
    assert [frame.keys for frame in told] == [("17", "18"), ("17", "18")]
