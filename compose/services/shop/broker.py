"""Kafka, set so that an outage of seconds heals by itself within a fraction of a second."""

import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.net import KafkaNetClient

from .events import Message
from .process import log
from .settings import Settings

PARTITIONS = 3
REQUEST_TIMEOUT_MS = 3_000
DELIVERY_TIMEOUT_MS = 60_000
SESSION_TIMEOUT_MS = 6_000  # the least a broker allows by default

TRANSACTION_TIMEOUT_MS = 2_000
"""Until then what is open keeps read_committed consumers from everything behind it."""

__all__ = [
    "KafkaError",
    "Publisher",
    "ensure_topic",
    "leave_group",
    "subscribe",
    "transactional_producer",
]


class _PatientNetwork(KafkaNetClient):  # type: ignore[misc]  # has no types
    """For producers: waits while a connection is being made.

    kafka-python 3.0 tells the sender to wait 0 ms then, and so keeps a core busy for as long as
    the broker is out of reach. What happens on the connection still wakes the sender at once.
    """

    def connection_delay(self, node_id: object) -> float:
        """Milliseconds, as the sender takes it."""
        return max(float(super().connection_delay(node_id)), 50.0)


def _client(settings: Settings, network: Any = KafkaNetClient) -> dict[str, Any]:
    """What all clients share. The set-up time-out (10 s by default) is no option of theirs."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "bootstrap_timeout_ms": 2_000,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "retry_backoff_ms": 100,
        "reconnect_backoff_ms": 50,
        "reconnect_backoff_max_ms": 200,
        "metadata_max_age_ms": 5_000,
        "kafka_client": functools.partial(
            network,
            socket_connection_setup_timeout_ms=1_000,
            socket_connection_setup_timeout_max_ms=1_000,
        ),
    }


def _admin(settings: Settings) -> Any:
    return KafkaAdminClient(**_client(settings))


def ensure_topic(settings: Settings, beat: Callable[[], None] = lambda: None) -> None:
    """Create the topic unless it exists; keeps trying until the broker answers, and tells `beat`
    of each try."""
    said = False
    while True:
        beat()
        try:
            with _admin(settings) as admin:
                spec = {"num_partitions": PARTITIONS, "replication_factor": 1}
                admin.create_topics({settings.topic: spec}, wait_for_metadata=True)
            log(f"topic {settings.topic} created")
            return
        except TopicAlreadyExistsError:
            if _is_visible(settings):
                return
            time.sleep(0.05)
        except KafkaError as error:
            if not said:
                log(f"broker does not answer yet: {error}")
            said = True
            time.sleep(0.1)


def _is_visible(settings: Settings) -> bool:
    """Whether the broker tells clients of the topic; it learns a little after the controller."""
    try:
        with _admin(settings) as admin:
            return settings.topic in admin.list_topics()
    except KafkaError:
        return False


def subscribe(settings: Settings, group: str) -> Any:
    """A consumer in `group`. Raises KafkaError.

    Its membership is static: after a crash it takes its partitions up again at once, where a
    new member would have to wait until the broker gives the dead one up.
    """
    consumer = KafkaConsumer(
        settings.topic,
        group_id=group,
        group_instance_id=f"{group}-1",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=settings.isolation,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=1_000,
        max_poll_records=100,
        metrics_enabled=False,
        **_client(settings),
    )
    # Know the partitions before joining. A member that joins without is assigned none, joins
    # again as soon as it knows, and where a poll ends during that second join, kafka-python 3.0
    # forgets what it was assigned, for good.
    consumer.partitions_for_topic(settings.topic)
    return consumer


def leave_group(settings: Settings, group: str) -> None:
    """Give the static membership up, so that the group is empty at once. Raises KafkaError."""
    with _admin(settings) as admin:
        admin.remove_group_members(group, [MemberToRemove(group_instance_id=f"{group}-1")])


def transactional_producer(settings: Settings, transactional_id: str) -> Any:
    """A producer whose predecessors of that id are fenced, and what they left open is aborted.
    Raises KafkaError."""
    producer = KafkaProducer(
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        delivery_timeout_ms=REQUEST_TIMEOUT_MS + 1_000,
        max_block_ms=5_000,
        metrics_enabled=False,
        **_client(settings, _PatientNetwork),
    )
    try:
        producer.init_transactions()
    except BaseException:
        producer.close(timeout=0)
        raise
    return producer


class Publisher:
    """An idempotent producer that connects in the background and outlives outages."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._connected = threading.Event()
        threading.Thread(target=self._connect, daemon=True).start()

    @property
    def connected(self) -> bool:
        """Whether the broker has answered once."""
        return self._connected.is_set()

    def publish(self, messages: Sequence[Message]) -> int:
        """Send them in order and await the acknowledgement of all replicas.

        Returns how many of the first ones are acknowledged; it gives up at the first that isn't.
        No two may have one key: their order would not survive a failure of the first.
        """
        done = 0
        if not self._connected.wait(DELIVERY_TIMEOUT_MS / 1000):
            return done
        try:
            for future in [self._send(message) for message in messages]:
                future.get(timeout=DELIVERY_TIMEOUT_MS / 1000 + 5)
                done += 1
        except KafkaError as error:
            log(f"publishing failed after {done} of {len(messages)}: {error}")
        return done

    def _send(self, message: Message) -> Any:
        headers = [("event_id", message.event_id.encode())]
        topic, key = self._settings.topic, message.key.encode()
        return self._producer.send(topic, value=message.value, key=key, headers=headers)

    def _connect(self) -> None:
        ensure_topic(self._settings)
        while self._producer is None:
            try:
                self._producer = KafkaProducer(
                    acks="all",
                    enable_idempotence=True,
                    delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                    metrics_enabled=False,
                    **_client(self._settings, _PatientNetwork),
                )
                self._producer.partitions_for(self._settings.topic)
            except KafkaError:
                time.sleep(0.1)
        log("broker connected")
        self._connected.set()
