"""A real broker with a topic of a test's own, and effects on it that were stopped at."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from harness.drivers.kafka import Kafka
from harness.drivers.kafka_python import KafkaConsumer, KafkaProducer, TopicPartition
from harness.engine.proof import StoreProof
from harness.engine.world import World
from harness.model.address import Address
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import Effect, EffectKind, Outcome, Position
from harness.wire import kafka_offsets

TOPIC = "aftershock.proof"
GROUP = "aftershock-proof"
EVENT = "7a52cb73-11a8-443f-9e73-9d17add1c56c"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def kafka(self) -> str: ...


class Broker:
    """One topic of three partitions, and who asks the broker."""

    def __init__(self, bootstrap: str, kafka: Kafka) -> None:
        self.bootstrap = bootstrap
        self.kafka = kafka
        self.proof = StoreProof(World())

    async def begin(self) -> None:
        """A scenario begins: no group, an empty topic, and the coordinator's log from here on."""
        await clear(self.kafka)
        await self.kafka.create_topics([TOPIC], partitions=3)
        ends = await self.kafka.end_offsets([kafka_offsets.TOPIC])
        self.proof = StoreProof(World(kafka=self.kafka, logs_from=ends))

    async def produce(self, *records: tuple[str | None, int], **settings: Any) -> None:
        """(key, partition) of each record; its header is EVENT."""
        await asyncio.to_thread(self._produce, records, settings)

    def _produce(self, records: tuple[tuple[str | None, int], ...], settings: Any) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, **settings)
        for key, partition in records:
            raw = None if key is None else key.encode()
            producer.send(
                TOPIC, b"{}", key=raw, headers=[("event_id", EVENT.encode())], partition=partition
            )
        producer.flush()
        producer.close()

    async def commit(self, *requests: dict[int, int]) -> None:
        """Partition → offset, each dictionary a request of its own."""
        await asyncio.to_thread(self._commit, requests)

    def _commit(self, requests: tuple[dict[int, int], ...]) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=GROUP, enable_auto_commit=False
        )
        consumer.assign([TopicPartition(TOPIC, n) for n in range(3)])
        for offsets in requests:
            for partition, offset in offsets.items():
                consumer.seek(TopicPartition(TOPIC, partition), offset)
            told = consumer.position(TopicPartition(TOPIC, min(offsets)))
            assert told == offsets[min(offsets)]
            structs = {TopicPartition(TOPIC, p): _metadata(o) for p, o in offsets.items()}
            consumer.commit(structs)
        consumer.close(autocommit=False)


def _metadata(offset: int) -> Any:
    from kafka.structs import OffsetAndMetadata

    return OffsetAndMetadata(offset, "", -1)


def with_broker(bootstrap: str, body: Callable[[Broker], Awaitable[None]]) -> None:
    """Run `body` at a scenario's beginning."""

    async def run() -> None:
        kafka = Kafka(bootstrap)
        broker = Broker(bootstrap, kafka)
        try:
            await broker.begin()
            await body(broker)
        finally:
            await clear(kafka)
            await kafka.close()

    asyncio.run(run())


async def clear(kafka: Kafka) -> None:
    """No group and no topic of a test is left."""
    await kafka.delete_groups([g.name for g in await kafka.groups() if g.name == GROUP])
    await kafka.delete_topics([TOPIC])


async def quickest(proof: StoreProof, reached: Reached) -> tuple[Achieved, float]:
    """The store's word, and how many seconds it took in the best of five."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        word = await proof.achieved(reached)
        took.append(time.monotonic() - began)
    return word, min(took)


def point(
    when: When,
    kind: EffectKind,
    key: str,
    *,
    detail: str = TOPIC,
    positions: tuple[Position, ...] = (),
    earlier: int = 0,
    doubtful: int = 0,
    transactional_id: str | None = None,
) -> Reached:
    """An effect on kafka-1 that was stopped at."""
    address = Address(
        client="relay", server="kafka-1", kind=kind.value, detail=(detail,), key=key, occurrence=1
    )
    effect = Effect(
        number=1,
        client="relay",
        server="kafka-1",
        connection=1,
        kind=kind,
        detail=(detail,),
        keys=() if key == "-" else (key,),
        addresses=(address,),
        positions=positions,
        group=GROUP if kind is EffectKind.OFFSET_COMMIT else None,
        transactional_id=transactional_id,
    )
    return Reached(
        effect=effect,
        address=address,
        when=when,
        outcome=Outcome.ACKNOWLEDGED if when is When.AFTER else Outcome.REQUESTED,
        earlier=earlier,
        doubtful=doubtful,
    )


def produced(
    when: When,
    key: str,
    *,
    earlier: int = 0,
    doubtful: int = 0,
    batch: tuple[int, int, int] | None = None,
) -> Reached:
    """A record of that key."""
    position = Position(topic=TOPIC, partition=1, keys=(key,), batch=batch)
    return point(
        when,
        EffectKind.PRODUCE,
        key,
        positions=(position,),
        earlier=earlier,
        doubtful=doubtful,
    )


def moved(
    when: When,
    key: str,
    positions: dict[int, int],
    *,
    earlier: int = 0,
    onward: tuple[int, ...] = (),
) -> Reached:
    """An offset commit of these positions; in the partitions `onward` the wire saw the group move."""
    told = tuple(
        Position(topic=TOPIC, partition=p, offset=o, moved=p in onward)
        for p, o in positions.items()
    )
    detail = f"{GROUP}:{TOPIC}"
    return point(
        when, EffectKind.OFFSET_COMMIT, key, detail=detail, positions=told, earlier=earlier
    )
