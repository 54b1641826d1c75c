"""The poller of table-polling: looks, at full seconds of the clock as jobs do, for rows whose
`updated_at` is past its cursor, and publishes them as they are now.

A control. A row that is gone is never found, and of two changes between two looks only the second.
`updated_at` is the time at which a transaction began: one that commits late, below the cursor, is
never found either, nor is the rest of a group of rows with one time where the broker took only some.
The cursor is kept after the acknowledgement, so a crash in between tells rows again.
"""

import threading
import time
from datetime import datetime
from typing import Any

from .broker import Publisher
from .db import Pool, Unavailable
from .events import Message
from .process import log, run_until, stop_on_signal
from .rows import encode_row
from .settings import Settings
from .web import serve_health

_COLUMNS = ("order_id", "product_id", "quantity", "status", "version")


class Poller:
    """`poll` raises Unavailable."""

    def __init__(self, pool: Pool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher

    def poll(self) -> int:
        """Publish every row that was updated after the cursor, the oldest first, and move the
        cursor; returns how many were acknowledged."""
        with self._pool.connection() as conn:
            rows = conn.execute(
                "SELECT updated_at, order_id, product_id, quantity, status, version FROM orders"
                " WHERE updated_at > (SELECT updated_at FROM poller_cursor)"
                " ORDER BY updated_at"
            ).fetchall()
        sent = self._publisher.publish([_message(row[1:]) for row in rows])
        if sent:
            self._move(rows[sent - 1][0])
            log(f"{sent} of {len(rows)} rows sent")
        return sent

    def run(self, stop: threading.Event, every_s: float) -> None:
        """At every multiple of `every_s` of the wall clock, until `stop`; a database out of reach
        is tried again at the next look."""
        while not stop.wait(every_s - time.time() % every_s):
            try:
                self.poll()
            except Unavailable as error:
                log(f"database: {error}")

    def _move(self, cursor: datetime) -> None:
        with self._pool.connection() as conn:
            conn.execute("UPDATE poller_cursor SET updated_at = %s", (cursor,))


def _message(values: tuple[Any, ...]) -> Message:
    row = dict(zip(_COLUMNS, values, strict=True))
    change = f"{row['order_id']}/{row['version']}"
    return Message(key=row["order_id"], value=encode_row(row), event_id=change)


def main() -> None:
    """The whole program."""
    stop = stop_on_signal()
    settings = Settings.from_environment()
    log("poller")
    pool, publisher = Pool(settings.database_url), Publisher(settings)
    serve_health(settings.http_port, lambda: publisher.connected and pool.answers())
    poller = Poller(pool, publisher)
    run_until(stop, lambda: poller.run(stop, settings.poll_s))


if __name__ == "__main__":
    main()
