"""Records read without a consumer, on a real broker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from harness.drivers.kafka import Kafka
from harness.drivers.kafka_python import KafkaProducer, TopicPartition
from harness.errors import EnvironmentFailed

TOPIC = "aftershock.fetch"


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


def produce(bootstrap: str, count: int, **settings: str | bool) -> None:
    """Records with the values 0, 1, … in turn to both partitions."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    for n in range(count):
        producer.send(TOPIC, b"%d" % n, key=b"k%d" % n, headers=[("id", b"e")], partition=n % 2)
    producer.flush()
    producer.close()


@pytest.mark.stack
@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_records_are_those_that_a_consumer_reads(servers: Servers, codec: str) -> None:
    """Whatever they are compressed by; sorted by place."""

    async def body(kafka: Kafka) -> None:
        settings = {} if codec == "none" else {"compression_type": codec}
        await asyncio.to_thread(produce, servers.kafka, 7, **settings)
        found = await kafka.records(TOPIC)
        assert [(r.partition, r.offset, r.value) for r in found] == [
            *[(0, n, b"%d" % (2 * n)) for n in range(4)],
            *[(1, n, b"%d" % (2 * n + 1)) for n in range(3)],
        ]
        read = await kafka.read_topic(TOPIC)
        assert [(r.place, r.key, r.headers, r.timestamp_ms) for r in found] == [
            (r.place, r.key, r.headers, r.timestamp_ms) for r in read
        ]

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_an_idempotent_producers_batches_have_names(servers: Servers) -> None:
    """One each, by producer and by number in their partition; those of others have none."""

    async def body(kafka: Kafka) -> None:
        for idempotent in (True, False):
            await asyncio.to_thread(produce, servers.kafka, 2, enable_idempotence=idempotent)
        found = {r.place[1:]: r.batch for r in await kafka.records(TOPIC)}
        first, second = found[0, 0], found[1, 0]
        assert first is not None
        assert first == second == (first[0], 0, 0)
        assert found[0, 1] is found[1, 1] is None

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_reading_goes_on_from_an_offset(servers: Servers) -> None:
    """Also where the first ones are deleted, and from the end; an unknown topic has none."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, 8)
        assert [r.place[1:] for r in await kafka.records(TOPIC, {0: 2, 1: 4})] == [(0, 2), (0, 3)]
        await kafka._ask(
            lambda admin: admin.delete_records({TopicPartition(TOPIC, 1): 3}), "delete records"
        )
        assert [r.place[1:] for r in await kafka.records(TOPIC, {0: 4})] == [(1, 3)]
        assert await kafka.records("aftershock.never") == []

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_open_transactions_are_read_and_their_state_is_told(servers: Servers) -> None:
    """What ends them is no record."""

    async def body(kafka: Kafka) -> None:
        name = "aftershock-fetch"

        def begin() -> KafkaProducer:
            producer = KafkaProducer(bootstrap_servers=servers.kafka, transactional_id=name)
            producer.init_transactions()
            producer.begin_transaction()
            producer.send(TOPIC, b"open", partition=0)
            producer.flush()
            return producer

        producer = await asyncio.to_thread(begin)
        try:
            assert [r.value for r in await kafka.records(TOPIC)] == [b"open"]
            assert await kafka.transaction_state(name) == "Ongoing"
            await asyncio.to_thread(producer.commit_transaction)
            assert [(r.value, r.committed) for r in await kafka.records(TOPIC)] == [
                (b"open", False)
            ]
            assert str(await kafka.transaction_state(name)).endswith("Commit")
            assert await kafka.transaction_state("aftershock-never") is None
        finally:
            await asyncio.to_thread(producer.close)

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_a_read_takes_milliseconds(servers: Servers) -> None:
    """It is done while a process is held dead."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, 500)
        took = []
        for _ in range(5):
            began = time.monotonic()
            assert len(await kafka.records(TOPIC)) == 500
            took.append(time.monotonic() - began)
        assert min(took) < 0.1

    with_topic(servers.kafka, body)


@pytest.mark.stack
def test_there_is_a_deadline(servers: Servers) -> None:
    """A topic that is written faster than it is read would never end."""

    async def body(kafka: Kafka) -> None:
        await asyncio.to_thread(produce, servers.kafka, 2)
        with pytest.raises(EnvironmentFailed, match=f"records of {TOPIC}"):
            await kafka.records(TOPIC, timeout_s=0.0)

    with_topic(servers.kafka, body)
