"""What one PostgreSQL server has committed since a scenario began, read from its write-ahead log.

Each database has a logical slot of the harness's own, read by SQL through test_decoding, which
needs no publication and so leaves the tables as they are. Where a server cannot do that the
ledger says why, and nothing else comes of it. Knows nothing of business keys.
"""

import asyncio
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import psycopg

from harness.drivers.database import Row
from harness.drivers.postgres import OWN_SLOTS, Postgres
from harness.errors import EnvironmentFailed
from harness.wire.replication_events import lsn_number
from harness.wire.sql import table_name
from harness.wire.test_decoding import Change, Transaction, Undecodable, read_transactions

_LEFT_FREE = 2
"""Replication slots that must stay free for the system, whose own readers may yet come."""
_LONGEST_NAME = 40
_IN_USE_S = 2.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """One transaction in its place."""

    node: str
    database: str
    transaction: Transaction

    @property
    def position(self) -> int:
        """The transaction's LSN as a number: the order in which a server committed."""
        return lsn_number(self.transaction.lsn)


@dataclass(slots=True, kw_only=True)
class _Log:
    """One database's part of the log, as far as it was read."""

    slot: str
    partitions: Mapping[str, str]
    """Partition → the table that it is a part of."""
    read: int = 0
    found: list[Committed] = field(default_factory=list)


class WalLedger:
    """The ledger of one node's server. `why_not` is None while it can be read."""

    def __init__(self, node: str, postgres: Postgres) -> None:
        self.node = node
        self.why_not: str | None = f"{node}: its write-ahead log is not being read"
        self._postgres = postgres
        self._logs: dict[str, _Log] = {}
        self._first_xid = 0
        self._reading = asyncio.Lock()

    async def open(self) -> None:
        """From here on every commit is kept for `read`. Raises nothing: see `why_not`."""
        try:
            self.why_not = await self._open()
        except EnvironmentFailed as failed:
            self.why_not = f"{self.node}: its write-ahead log cannot be read: {failed}"

    async def read(self, *, timeout_s: float | None = None) -> tuple[Committed, ...]:
        """Every transaction that has changed a row and is on the server's disk by now, in the
        order of commit. Raises EnvironmentFailed, with `why_not` where that is the reason."""
        if self.why_not is not None:
            raise EnvironmentFailed(self.why_not)
        async with self._reading:
            await asyncio.gather(
                *(self._read(database, log, timeout_s) for database, log in self._logs.items())
            )
        return self.known()

    def known(self) -> tuple[Committed, ...]:
        """What `read` has found until now, without asking the server."""
        every = (committed for log in self._logs.values() for committed in log.found)
        return tuple(sorted(every, key=lambda committed: committed.position))

    async def wait_written(self, timeout_s: float) -> bool:
        """Await that the log is on the disk as far as it goes now, which with synchronous_commit
        off is later than the acknowledgement. Whether it came to that in time."""
        ends = time.monotonic() + timeout_s
        end = (await self._postgres.query(_INSERTED))[0][0]
        while not (await self._postgres.query(_IS_FLUSHED, (end,)))[0][0]:
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def rolled_back(self) -> int:
        """How many transactions and subtransactions that were to change something have come to
        nothing since the opening. All others that are not in the log have changed nothing."""
        return int((await self._postgres.query(_ABORTED, (self._first_xid,)))[0][0])

    def close(self) -> None:
        """Stop reading. The slots go with the system's own, in `Postgres.drop_slots`."""
        self.why_not = f"{self.node}: its write-ahead log is no longer read"
        self._logs = {}

    async def _open(self) -> str | None:
        postgres = self._postgres
        await postgres.query(_DROP_OLD, (OWN_SLOTS,))
        level, slots, used = (await postgres.query(_SETTINGS))[0]
        if level != "logical":
            return f"{self.node}: wal_level is {level}, and only `logical` tells what was committed"
        databases = await postgres.databases()
        if slots - used < len(databases) + _LEFT_FREE:
            return (
                f"{self.node}: {used} of {slots} replication slots are taken; "
                f"{len(databases)} for the harness and {_LEFT_FREE} free ones do not fit in "
                "(max_replication_slots)"
            )
        self._first_xid = int((await postgres.query(_NEXT_XID))[0][0])
        self._logs = {name: await self._log(name) for name in databases}
        return None

    async def _log(self, database: str) -> _Log:
        slot = slot_name(database)
        await self._postgres.query(_CREATE, (slot,), database)
        rows = await self._postgres.query(_PARTITIONS, database=database)
        partitions = {table_name(*row[:2]): table_name(*row[2:]) for row in rows}
        return _Log(slot=slot, partitions=partitions)

    async def _read(self, database: str, log: _Log, timeout_s: float | None) -> None:
        rows = await self._peek(database, log.slot, timeout_s)
        try:
            transactions = read_transactions(rows)
        except Undecodable as error:
            raise EnvironmentFailed(f"{self.node}, slot {log.slot}: {error}") from error
        # A server that crashed shows again what was confirmed shortly before.
        new = [t for t in transactions if lsn_number(t.lsn) > log.read]
        if not new:
            return
        for transaction in new:
            told = replace(transaction, changes=tuple(_whole(c, log) for c in transaction.changes))
            log.found.append(Committed(node=self.node, database=database, transaction=told))
        log.read = lsn_number(new[-1].lsn)
        # Only what has arrived here is let go there.
        await self._postgres.query(_ADVANCE, (log.slot, new[-1].lsn), database, timeout_s=timeout_s)

    async def _peek(self, database: str, slot: str, timeout_s: float | None) -> list[Row]:
        """Asked again while a call that was broken off has still to end on the server."""
        ends = time.monotonic() + _IN_USE_S
        while True:
            try:
                return await self._postgres.query(_PEEK, (slot,), database, timeout_s=timeout_s)
            except EnvironmentFailed as failed:
                in_use = isinstance(failed.__cause__, psycopg.errors.ObjectInUse)
                if not in_use or time.monotonic() > ends:
                    raise
            await asyncio.sleep(_POLL_S)


def slot_name(database: str) -> str:
    """The slot of a database: a slot's name has small letters, digits and underscores only."""
    clean = re.sub(r"[^a-z0-9_]", "_", database.lower())[:_LONGEST_NAME]
    if clean == database:
        return OWN_SLOTS + clean
    return f"{OWN_SLOTS}{clean}_{zlib.crc32(database.encode()):08x}"


def _whole(change: Change, log: _Log) -> Change:
    """A change of a partition is one of the table that statements name."""
    table = log.partitions.get(change.table)
    return change if table is None else replace(change, table=table)


_DROP_OLD = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE starts_with(slot_name, %s) AND NOT active
"""

_SETTINGS = """
SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int,
       (SELECT count(*) FROM pg_replication_slots)::int
"""

_CREATE = "SELECT pg_create_logical_replication_slot(%s, 'test_decoding')"

_PARTITIONS = """
SELECT n.nspname, c.relname, w.nspname, r.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
JOIN pg_namespace w ON w.oid = r.relnamespace
WHERE c.relispartition AND c.relkind = 'r'
"""

_PEEK = """
SELECT lsn::text, xid::text::bigint, data FROM pg_logical_slot_peek_changes(%s, NULL, NULL,
    'include-timestamp', 'true', 'skip-empty-xacts', 'true')
"""

_ADVANCE = "SELECT pg_replication_slot_advance(%s, %s::pg_lsn)"

_INSERTED = "SELECT pg_current_wal_insert_lsn()::text"
_IS_FLUSHED = "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn"

_NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

_ABORTED = """
SELECT count(*)
FROM generate_series(%s, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1) xid
WHERE pg_xact_status(xid::text::xid8) = 'aborted'
"""
