"""Reading records and offsets, on a real broker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from harness.drivers.kafka import Kafka
from harness.drivers.kafka_calls import GroupOffset
from harness.drivers.kafka_python import KafkaConsumer, KafkaProducer, TopicPartition
from harness.errors import EnvironmentFailed

TOPIC = "aftershock.test"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def kafka(self) -> str: ...


def with_topic(bootstrap: str, body: Callable[[Kafka], Awaitable[None]]) -> None:
    """Run `body` with a fresh topic of two partitions."""

    async def run() -> None:
        kafka = Kafka(bootstrap)
        try:
            await kafka.delete_topics([TOPIC])
            await kafka.create_topics([TOPIC], partitions=2)
            await body(kafka)
        finally:
            await kafka.delete_topics([TOPIC])
            await kafka.close()

    asyncio.run(run())


def produce(bootstrap: str, *values: str) -> None:
    """One record each, to partition 0, with a header."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in values:
        producer.send(TOPIC, value.encode(), key=b"k", headers=[("event_id", b"e")], partition=0)
    producer.flush()
    producer.close()


def transactional(bootstrap: str) -> KafkaProducer:
    """A producer that has begun a transaction."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id="aftershock-test")
    producer.init_transactions()
    producer.begin_transaction()
    return producer


@pytest.mark.stack
def test_records_come_back_as_they_were_written(servers: Servers) -> None:
    """Key, value, headers, place and time."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, "a", "b")
        records = await kafka.read_topic(TOPIC)
        assert [(r.partition, r.offset, r.key, r.value) for r in records] == [
            (0, 0, b"k", b"a"),
            (0, 1, b"k", b"b"),
        ]
        assert all(r.headers == (("event_id", b"e"),) and r.committed for r in records)
        assert all(r.timestamp_ms is not None for r in records)

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_aborted_and_open_transactions_are_read_and_marked(servers: Servers) -> None:
    """Control records are no records, and a log that ends in one does not hold the read up."""

    async def body(kafka: Kafka) -> None:
        def write() -> KafkaProducer:
            producer = transactional(servers.kafka)
            producer.send(TOPIC, b"committed", partition=0)
            producer.commit_transaction()
            producer.begin_transaction()
            producer.send(TOPIC, b"aborted", partition=0)
            producer.flush()
            producer.abort_transaction()
            producer.begin_transaction()
            producer.send(TOPIC, b"open", partition=0)
            producer.flush()
            return producer

        producer = await asyncio.to_thread(write)
        found = {r.value: r.committed for r in await kafka.read_topic(TOPIC)}
        await asyncio.to_thread(producer.abort_transaction)
        await asyncio.to_thread(producer.close)
        assert found == {b"committed": True, b"aborted": False, b"open": False}
        after = await kafka.read_topic(TOPIC)
        assert [(r.offset, r.committed) for r in after] == [(0, True), (2, False), (4, False)]

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_deleted_records_do_not_hold_the_read_up(servers: Servers) -> None:
    """A log that begins after 0, as compaction and retention leave it."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, "a", "b", "c")
        await kafka._ask(
            lambda admin: admin.delete_records({TopicPartition(TOPIC, 0): 2}), "delete records"
        )
        assert [r.value for r in await kafka.read_topic(TOPIC)] == [b"c"]

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_lag_counts_what_a_group_never_committed(servers: Servers) -> None:
    """One committed of three; the other partition, of the same topic, all there is: nothing."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, "a", "b", "c")

        def consume_one() -> None:
            consumer = KafkaConsumer(
                TOPIC,
                bootstrap_servers=servers.kafka,
                group_id="aftershock-test",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                max_poll_records=1,
            )
            while not consumer.poll(timeout_ms=100):
                pass
            consumer.commit()
            consumer.close()

        await asyncio.to_thread(consume_one)
        offsets = [o for o in await kafka.group_offsets() if o.group == "aftershock-test"]
        await kafka.delete_groups(["aftershock-test"])
        first, second = offsets
        assert first == GroupOffset(
            group="aftershock-test", topic=TOPIC, partition=0, committed=1, log_end=3, lag=2
        )
        assert (second.partition, second.log_end, second.lag) == (1, 0, 0)
        assert "aftershock-test" not in [g.name for g in await kafka.groups()]

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_a_group_with_members_is_not_deleted(servers: Servers) -> None:
    """It says which; one that is not there is fine."""

    async def body(kafka: Kafka) -> None:
        consumer = KafkaConsumer(TOPIC, bootstrap_servers=servers.kafka, group_id="aftershock-busy")
        try:
            await asyncio.to_thread(consumer.poll, timeout_ms=500)
            await kafka.delete_groups(["aftershock-nobody"])
            with pytest.raises(EnvironmentFailed, match="aftershock-busy"):
                await kafka.delete_groups(["aftershock-busy"])
        finally:
            await asyncio.to_thread(consumer.close)
        await kafka.delete_groups(["aftershock-busy"])

    with_topic(servers.kafka, body)
