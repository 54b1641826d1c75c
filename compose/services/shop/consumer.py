"""What all consumers share: each event is applied through the inbox, then its offset is committed.

A crash in between brings the event again, and the inbox recognises it.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic

from .broker import KafkaError, ensure_topic, leave_group, subscribe
from .db import Connection, Pool, Unavailable
from .events import decode
from .inbox import E, Effect, apply_once
from .process import Pulse, log, run_until, stop_on_signal
from .rows import decode_row
from .settings import TABLE_PATTERNS, Settings
from .web import serve_health

COMMIT_AGAIN_S = 2.0
"""A commit that a broken connection held back may arrive after a later one and undo it; so the
offsets are committed again from time to time, though nothing new has come."""

UNASSIGNED_S = 5.0
"""A consumer that joined before it could see its topic is given nothing, and keeps it."""


class Consumer(Generic[E]):
    """One member of a consumer group, applying `effect` to each new event. `decode` gives the
    event in a record's value; None: it is none of this consumer's business."""

    def __init__(
        self,
        settings: Settings,
        group: str,
        pool: Pool,
        effect: Callable[[Connection, E], None],
        decode: Callable[[bytes | None], E | None],
    ) -> None:
        self._settings = settings
        self._group = group
        self._pool = pool
        self._effect = effect
        self._decode = decode
        self._assigned = False
        self._pulse = Pulse()

    def healthy(self) -> bool:
        """Whether it has partitions to read and a database to write to."""
        return self._assigned and self._pool.answers()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Raises ValueError or TypeError at a record that cannot be read: better
        to stand still than to lose it silently."""
        ensure_topic(self._settings, self._pulse.beat)
        while not stop.is_set():
            self._pulse.beat()
            try:
                self._consume(stop)
            except KafkaError as error:
                log(f"broker: {error!r}")
                stop.wait(0.2)

    def _consume(self, stop: threading.Event) -> None:
        consumer = subscribe(self._settings, self._group)
        assigned_at = committed_at = time.monotonic()
        try:
            while not stop.is_set():
                self._pulse.beat()
                batches: dict[Any, list[Any]] = consumer.poll(timeout_ms=200)
                now = time.monotonic()
                if self._note_assignment(len(consumer.assignment())):
                    assigned_at = now
                elif now - assigned_at > UNASSIGNED_S:
                    log(f"no partitions for {UNASSIGNED_S:g} s, subscribing anew")
                    return
                records = [record for batch in batches.values() for record in batch]
                if not all(self._handle(record.value, stop) for record in records):
                    return
                if records or now - committed_at > COMMIT_AGAIN_S:
                    _commit(consumer)
                    committed_at = now
        finally:
            self._assigned = False
            consumer.close(autocommit=False, timeout_ms=200)
        leave_group(self._settings, self._group)

    def _note_assignment(self, partitions: int) -> bool:
        if self._assigned != bool(partitions):
            log(f"{partitions} partitions assigned")
        self._assigned = bool(partitions)
        return self._assigned

    def _handle(self, value: bytes, stop: threading.Event) -> bool:
        """Apply one record, however long the database takes to come back. False: stopped first."""
        event = self._decode(value)
        if event is None:
            return True
        while not stop.is_set():
            self._pulse.beat()
            try:
                apply_once(self._pool, event, self._effect)
            except Unavailable as error:
                log(f"database: {error}")
                stop.wait(0.2)
            else:
                return True
        return False


def _commit(consumer: Any) -> None:
    """A commit that fails is not repeated: the next one covers it, or the records come again."""
    try:
        consumer.commit(timeout_ms=5_000)
    except KafkaError as error:
        log(f"offsets not committed: {error!r}")


def run_consumer(settings: Settings, group: str, effect: Effect) -> None:
    """The whole program of a consumer of orders."""
    run_reader(
        settings, group, effect, decode_row if settings.pattern in TABLE_PATTERNS else decode
    )


def run_reader(
    settings: Settings,
    group: str,
    effect: Callable[[Connection, E], None],
    decode: Callable[[bytes | None], E | None],
) -> None:
    """The whole program of a consumer of whatever `decode` reads."""
    stop = stop_on_signal()
    log(f"{group} service")
    consumer = Consumer(settings, group, Pool(settings.database_url), effect, decode)
    serve_health(settings.http_port, consumer.healthy)
    run_until(stop, lambda: consumer.run(stop))
