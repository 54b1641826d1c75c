"""The router: reads each order event, says which warehouse is to see to it, and writes it on.

What it reads and what it writes is one Kafka transaction: the outputs and the position in the
input are committed together or not at all, so each record of the input has exactly one committed
record in the output, which names it in the header `source`.

After any error producer and consumer are thrown away and made anew, producer first: its
`init_transactions` fences whoever else goes by its name and aborts what was left open, and only then
is it certain from where the group has to read on.
"""

import threading
from dataclasses import replace
from typing import Any
from zlib import crc32

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from .broker import KafkaError, ensure_topic, leave_group, subscribe, transactional_producer
from .events import decode
from .process import Pulse, log, run_until, stop_on_signal
from .settings import Settings
from .web import serve_health

GROUP = TRANSACTIONAL_ID = "router"
WAREHOUSES = ("north", "south")


class Router:
    """One transaction for whatever a poll brings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._assigned = False
        # kafka-python waits without a limit for the end of a transaction and for its offsets.
        # Where no answer comes the pulse ends the process, and the next one begins as after a crash.
        self._pulse = Pulse()

    def healthy(self) -> bool:
        """Whether it has partitions to read."""
        return self._assigned

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Raises ValueError or TypeError at a record that cannot be read."""
        for topic in (self._settings.topic, self._settings.routed_topic):
            ensure_topic(replace(self._settings, topic=topic), self._pulse.beat)
        while not stop.is_set():
            self._pulse.beat()
            try:
                self._route(stop)
            except KafkaError as error:
                log(f"starting anew: {error!r}")
                stop.wait(0.2)

    def _route(self, stop: threading.Event) -> None:
        producer = transactional_producer(self._settings, TRANSACTIONAL_ID)
        try:
            consumer = subscribe(self._settings, GROUP)
            try:
                while not stop.is_set():
                    self._pulse.beat()
                    batches: dict[Any, list[Any]] = consumer.poll(timeout_ms=200)
                    self._assigned = bool(consumer.assignment())
                    if batches:
                        self._transact(producer, consumer, batches)
            finally:
                self._assigned = False
                consumer.close(autocommit=False, timeout_ms=200)
        finally:
            producer.close(timeout=0)
        leave_group(self._settings, GROUP)

    def _transact(self, producer: Any, consumer: Any, batches: dict[Any, list[Any]]) -> None:
        producer.begin_transaction()
        records = [record for batch in batches.values() for record in batch]
        for record in records:
            producer.send(
                self._settings.routed_topic,
                value=record.value,
                key=record.key,
                headers=routed(record),
            )
        offsets = read_up_to(batches)
        if self._settings.offsets_in_transaction:
            # With the group's metadata, so that who lost its partitions to another member fails.
            producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()
        if not self._settings.offsets_in_transaction:
            # Wrong: what ends the process before this repeats what is committed already.
            consumer.commit(offsets, timeout_ms=5_000)
        log(f"routed {len(records)}: {', '.join(_place(record) for record in records)}")


def routed(record: Any) -> list[tuple[str, bytes]]:
    """The record's headers, and besides them where it comes from and which warehouse it goes to.
    Raises ValueError or TypeError where it is no event."""
    product = decode(record.value).product_id
    return [
        *record.headers,
        ("source", _place(record).encode()),
        ("warehouse", WAREHOUSES[crc32(product.encode()) % len(WAREHOUSES)].encode()),
    ]


def read_up_to(batches: dict[Any, list[Any]]) -> dict[TopicPartition, OffsetAndMetadata]:
    """Where to read on, partition by partition."""
    return {
        partition: OffsetAndMetadata(batch[-1].offset + 1, "", -1)
        for partition, batch in batches.items()
    }


def _place(record: Any) -> str:
    return f"{record.partition}/{record.offset}"


def main() -> None:
    """The whole program."""
    stop = stop_on_signal()
    settings = Settings.from_environment()
    log("router")
    router = Router(settings)
    serve_health(settings.http_port, router.healthy)
    run_until(stop, lambda: router.run(stop))


if __name__ == "__main__":
    main()
