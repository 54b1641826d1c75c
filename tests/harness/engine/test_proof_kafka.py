"""What a real broker says of records, offsets and transactions."""

import asyncio

import pytest

from harness.drivers.kafka import Kafka
from harness.drivers.kafka_python import KafkaProducer
from harness.engine.proof import StoreProof
from harness.engine.proof_kafka import verdict
from harness.engine.world import World
from harness.model.cut import Reached, When
from harness.model.effect import EffectKind
from tests.harness.engine.brokered import (
    GROUP,
    TOPIC,
    Broker,
    Servers,
    moved,
    point,
    produced,
    quickest,
    with_broker,
)


@pytest.mark.stack
def test_a_record_is_there_or_it_is_not(servers: Servers) -> None:
    """In whatever partition; counted by key; in little time."""

    async def body(broker: Broker) -> None:
        ask = broker.proof.achieved
        before = await ask(produced(When.BEFORE, "17"))
        assert (before.done, before.says) == (
            False,
            f"no records of key 17 in {TOPIC}; 0 before it",
        )
        await broker.produce(("18", 0), ("17", 1), ("18", 2))
        after, took_s = await quickest(broker.proof, produced(When.AFTER, "17"))
        assert took_s < 0.15
        assert (after.done, after.says) == (
            True,
            f"1 record of key 17 in {TOPIC}, the last one at {TOPIC}[1]@0; 0 before it",
        )
        assert after.measured["found"] == [[TOPIC, 1, 0]]
        assert (await ask(produced(When.BEFORE, "17"))).agrees(When.BEFORE) is False
        assert (await ask(produced(When.BEFORE, "18", earlier=2))).done is False
        assert (await ask(produced(When.AFTER, "18", earlier=1))).done is True

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_what_others_add_meanwhile_is_not_taken_for_a_batch(servers: Servers) -> None:
    """Records of the same key by another producer, after the world stood still: the batch that is
    asked for is there or it is not."""

    async def body(broker: Broker) -> None:
        await broker.produce(("17", 1))
        await broker.produce(("17", 1))
        first, second = await broker.kafka.records(TOPIC)
        assert first.batch is not None
        assert second.batch is not None
        assert first.batch[0] != second.batch[0]
        ask = broker.proof.achieved
        for record in (first, second):
            word = await ask(produced(When.AFTER, "17", earlier=2, batch=record.batch))
            assert word.done is True
            assert word.measured["found"] == [[TOPIC, 1, record.offset]]
        producer, epoch, number = first.batch
        held = (producer, epoch, number + 1)
        word = await ask(produced(When.BEFORE, "17", batch=held))
        assert (word.done, word.says) == (
            False, f"{TOPIC}[1] has no batch {producer}/{epoch}/{number + 1} of key 17",
        )  # fmt: skip

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_what_was_there_before_the_scenario_is_not_counted(servers: Servers) -> None:
    """A worker's own topics outlive it."""

    async def body(broker: Broker) -> None:
        await broker.produce(("17", 0), ("17", 1))
        ends = await broker.kafka.end_offsets([TOPIC])
        ask = StoreProof(World(kafka=broker.kafka, logs_from=ends)).achieved
        assert (await ask(produced(When.BEFORE, "17"))).done is False
        await broker.produce(("17", 1))
        assert (await ask(produced(When.AFTER, "17"))).measured["found"] == [[TOPIC, 1, 1]]

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_a_record_that_does_not_come_is_awaited_and_missed(servers: Servers) -> None:
    """For a second after its acknowledgement; not at all where none is expected."""

    async def body(broker: Broker) -> None:
        lost = asyncio.create_task(broker.proof.achieved(produced(When.AFTER, "17")))
        late = asyncio.create_task(broker.proof.achieved(produced(When.AFTER, "18")))
        await broker.produce(("18", 0))
        assert (await late).done is True
        assert (await lost).agrees(When.AFTER) is False

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_a_record_without_a_key_has_that_of_its_header(servers: Servers) -> None:
    """If that was seen with one; a record in doubt is told apart from none."""

    async def body(broker: Broker) -> None:
        await broker.produce(("17", 0), (None, 1))
        assert (await broker.proof.achieved(produced(When.AFTER, "17", earlier=1))).done is True
        word = await broker.proof.achieved(produced(When.AFTER, "17", earlier=1, doubtful=1))
        assert word.done is None
        assert word.says.endswith("; 1 and 1 in doubt before it")

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_an_offset_is_committed_or_it_is_not(servers: Servers) -> None:
    """As the coordinator's log has it since the scenario began."""

    async def body(broker: Broker) -> None:
        await broker.produce(("17", 0), ("18", 1))
        await broker.commit({0: 1})
        await broker.begin()
        ask = broker.proof.achieved
        await broker.produce(("17", 0), ("18", 1))
        before = await ask(moved(When.BEFORE, "17", {0: 1}))
        assert before.done is False
        assert before.says == (
            f"group {GROUP}: {TOPIC}[0] at nothing (asked for: 1); "
            "no commits behind key 17, 0 before it"
        )
        await broker.commit({0: 1, 1: 0})
        after, took_s = await quickest(broker.proof, moved(When.AFTER, "17", {0: 1, 1: 0}))
        assert took_s < 0.15
        assert after.done is True
        assert after.says == (
            f"group {GROUP}: {TOPIC}[0] at 1 (asked for: 1), {TOPIC}[1] at 0 (asked for: 0); "
            "1 commit behind key 17, 0 before it"
        )
        assert after.measured["committed"] == [[TOPIC, 0, 1], [TOPIC, 1, 0]]
        assert (await ask(moved(When.BEFORE, "17", {0: 1}))).agrees(When.BEFORE) is False
        assert (await ask(moved(When.BEFORE, "18", {1: 1}))).done is False

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_the_same_offset_again_is_another_commit(servers: Servers) -> None:
    """Though it newly covers no record; one that another partition's commit takes along is none."""

    async def body(broker: Broker) -> None:
        ask = broker.proof.achieved
        await broker.produce(("17", 0), ("18", 1))
        await broker.commit({0: 1}, {0: 1, 1: 1})
        for key in ("17", "18"):
            assert (await ask(moved(When.AFTER, key, {0: 1, 1: 1}))).done is True
        assert (await ask(moved(When.BEFORE, "-", {0: 1, 1: 1}))).done is False
        await broker.commit({0: 1, 1: 1})
        assert (await ask(moved(When.AFTER, "-", {0: 1, 1: 1}))).done is True
        assert (await ask(moved(When.BEFORE, "17", {0: 1, 1: 1}, earlier=1))).done is False
        # An offset behind which no record is known.
        assert (await ask(moved(When.BEFORE, "-", {2: 0}, earlier=2))).done is False
        await broker.commit({2: 0})
        assert (await ask(moved(When.AFTER, "-", {2: 0}, earlier=2))).done is True

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_a_commit_can_pass_before_the_wire_knows_its_records(servers: Servers) -> None:
    """It had no key then, and the log knows whose records it covers."""

    async def body(broker: Broker) -> None:
        ask = broker.proof.achieved
        await broker.produce(("17", 0), ("18", 1), ("19", 1))
        await broker.commit({0: 1, 1: 0})
        unknown = moved(When.AFTER, "-", {0: 1, 1: 1}, earlier=1, onward=(1,))
        assert (await ask(unknown)).done is False
        await broker.commit({0: 1, 1: 1})
        found = await ask(unknown)
        assert found.done is True
        assert found.says.endswith("; this one is there, behind 18, unknown when it passed")
        # One that asks for what was there before is not taken for it.
        assert (await ask(moved(When.BEFORE, "-", {0: 1, 1: 1}, earlier=1))).done is False

    with_broker(servers.kafka, body)


@pytest.mark.stack
def test_a_transaction_s_end_is_its_state(servers: Servers) -> None:
    """Open, committed, aborted; and one that nobody knows."""

    async def body(broker: Broker) -> None:
        name = "aftershock-proof"

        def end(when: When, how: str, of: str = name) -> Reached:
            return point(when, EffectKind.END_TXN, of, detail=how, transactional_id=of)

        def begin() -> KafkaProducer:
            producer = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
            producer.init_transactions()
            send(producer)
            return producer

        def send(producer: KafkaProducer) -> None:
            producer.begin_transaction()
            producer.send(TOPIC, b"{}", key=b"17", partition=0)
            producer.flush()

        ask = broker.proof.achieved
        producer = await asyncio.to_thread(begin)
        try:
            assert (await ask(end(When.BEFORE, "commit"))).done is False
            # Its records are there before its end.
            assert (await ask(produced(When.AFTER, "17"))).done is True
            await asyncio.to_thread(producer.commit_transaction)
            word = await ask(end(When.AFTER, "commit"))
            assert (word.done, word.measured["state"][-6:]) == (True, "Commit")
            await asyncio.to_thread(send, producer)
            assert (await ask(end(When.BEFORE, "abort"))).done is False
            await asyncio.to_thread(producer.abort_transaction)
            assert (await ask(end(When.AFTER, "abort"))).done is True
            assert (await ask(end(When.BEFORE, "commit"))).done is False
        finally:
            await asyncio.to_thread(producer.close)
        assert (await ask(end(When.AFTER, "commit", "aftershock-nobody"))).done is None

    with_broker(servers.kafka, body)


def test_without_a_broker_nobody_can_say() -> None:
    """Nor if it does not answer."""

    async def run() -> None:
        word = await StoreProof(World()).achieved(produced(When.AFTER, "17"))
        assert (word.done, word.says) == (None, "kafka-1 could not say: there is no broker to ask")
        kafka = Kafka("127.0.0.1:1")
        for reached in (produced(When.AFTER, "17"), moved(When.AFTER, "17", {0: 1})):
            gone = await StoreProof(World(kafka=kafka)).achieved(reached)
            assert gone.done is None
            assert gone.says.startswith("kafka-1 could not say: kafka 127.0.0.1:1: ")
        await kafka.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "found, earlier, doubtful, done",
    [
        (0, 0, 0, False),
        (1, 0, 0, True),
        (1, 1, 0, False),
        (2, 1, 0, True),
        (2, 1, 1, None),
        (3, 1, 1, True),
    ],
)
def test_one_more_than_before_is_the_effect(
    found: int, earlier: int, doubtful: int, done: bool | None
) -> None:
    """Unless one in doubt may be that one."""
    reached = produced(When.AFTER, "17", earlier=earlier, doubtful=doubtful)
    assert verdict(found, reached) is done
