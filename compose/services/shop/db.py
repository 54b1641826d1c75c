"""PostgreSQL: a few connections, lent out one transaction at a time."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

Connection = psycopg.Connection[tuple[Any, ...]]

# Both ends give up on a peer that is silent for seconds, so that neither a lost network nor a
# lost client holds connections and row locks for the operating system's hours.
_CLIENT = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
_SERVER = (
    "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=5000"
)

Unavailable = psycopg.OperationalError
"""The database is out of reach, or went away: what was under way may or may not be done."""

SessionEnded = psycopg.errors.IdleInTransactionSessionTimeout
"""The session was silent in a transaction for too long: the server has rolled it back."""


class Pool:
    """At most `size` connections, opened when first needed; broken ones are dropped.

    A session that is silent in a transaction for `idle_in_transaction_ms` is ended by the server,
    and what it had locked is free; 0: never.
    """

    def __init__(self, url: str, size: int = 8, *, idle_in_transaction_ms: int = 0) -> None:
        options = f"{_SERVER} -c idle_in_transaction_session_timeout={idle_in_transaction_ms}"
        self._conninfo = make_conninfo(url, options=options, **_CLIENT)
        self._slots: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """BEGIN, the block, COMMIT; ROLLBACK where it raises. Raises Unavailable, SessionEnded."""
        with self.connection() as conn, conn.transaction():
            yield conn

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit mode. Raises Unavailable, SessionEnded."""
        conn = self._slots.get()
        try:
            if conn is None:
                conn = self._open()
            yield conn
        except (Unavailable, SessionEnded):
            self.close_idle()
            if conn is not None:
                conn.close()
            raise
        finally:
            self._slots.put(None if conn is None or conn.closed else conn)

    def answers(self) -> bool:
        """Whether the database does."""
        try:
            with self.connection() as conn:
                conn.execute("SELECT 1")
        except Unavailable:
            return False
        return True

    def close_idle(self) -> None:
        """One broken connection means a restart or a cut: the idle ones are no better."""
        idle: list[Connection | None] = []
        while True:
            try:
                idle.append(self._slots.get_nowait())
            except queue.Empty:
                break
        for conn in idle:
            if conn is not None:
                conn.close()
            self._slots.put(None)

    def _open(self) -> Connection:
        return psycopg.connect(self._conninfo, autocommit=True)
