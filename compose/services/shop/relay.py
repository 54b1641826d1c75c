"""The relay: reads the outbox, publishes, awaits the acknowledgement, marks sent.

A row is marked only after its acknowledgement, so a crash in between sends it again: at least
once. Unsent rows are asked for by `sent_at IS NULL`, never by a cursor over `seq`, because
sequence numbers become visible out of order. The rows stay locked while they are published; what
another relay does meanwhile is said by `claims`. An order's next event is sent only after the one
before is marked: the first record of each is in order, whoever repeats what.
"""

import threading
import time

from .broker import Publisher
from .claims import ALL, CLAIMS, LEASE_MS
from .db import Pool, SessionEnded, Unavailable
from .events import Message, leading
from .process import log, run_until, stop_on_signal
from .settings import Settings
from .web import serve_health

BATCH = 100
IDLE_S = 0.02
CLEANING_S = 5.0


class Relay:
    """`send_batch` and `clean` each are one transaction. They raise Unavailable, and `send_batch`
    SessionEnded where its claims went to another relay."""

    def __init__(
        self, pool: Pool, publisher: Publisher, retention_s: float, claim: str = ALL
    ) -> None:
        self._claim = CLAIMS[claim]
        self._pool = pool
        self._publisher = publisher
        self._retention_s = retention_s

    def pending(self) -> bool:
        """Whether any row is unsent."""
        with self._pool.connection() as conn:
            row = conn.execute("SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1").fetchone()
        return row is not None

    def send_batch(self) -> int:
        """Publish the oldest unsent rows, one an order, and mark those acknowledged; returns how
        many."""
        with self._pool.transaction() as conn:
            rows = conn.execute(self._claim.encode(), (BATCH,)).fetchall()
            if not rows:
                return 0
            messages = leading(
                [
                    Message(key=key, value=payload.encode(), event_id=str(event_id))
                    for event_id, key, payload in rows
                ]
            )
            sent = self._publisher.publish(messages)
            ids = [message.event_id for message in messages[:sent]]
            conn.execute("UPDATE outbox SET sent_at = now() WHERE id = ANY(%s::uuid[])", (ids,))
        for message in messages[:sent]:
            log(f"order {message.key}: event {message.event_id} sent")
        return sent

    def clean(self) -> None:
        """Delete rows that were sent long enough ago."""
        with self._pool.connection() as conn:
            conn.execute(
                "DELETE FROM outbox WHERE sent_at < now() - make_interval(secs => %s)",
                (self._retention_s,),
            )

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; a database or broker out of reach is tried again."""
        clean_at = time.monotonic() + CLEANING_S
        while not stop.is_set():
            try:
                idle = not self.pending() or not self.send_batch()
                if time.monotonic() >= clean_at:
                    self.clean()
                    clean_at = time.monotonic() + CLEANING_S
            except Unavailable as error:
                log(f"database: {error}")
                stop.wait(0.2)
            except SessionEnded:
                log("claims lost: published, if at all, and not marked")
            else:
                if idle:
                    stop.wait(IDLE_S)


def main() -> None:
    """The whole program."""
    stop = stop_on_signal()
    settings = Settings.from_environment()
    log("relay")
    pool = Pool(settings.database_url, idle_in_transaction_ms=LEASE_MS)
    publisher = Publisher(settings)
    serve_health(settings.http_port, lambda: publisher.connected and pool.answers())
    relay = Relay(pool, publisher, settings.retention_s, settings.claim)
    run_until(stop, lambda: relay.run(stop))


if __name__ == "__main__":
    main()
