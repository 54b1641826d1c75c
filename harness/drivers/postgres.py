"""One PostgreSQL server: its tables as Arrow, its slots, and its reset from templates.

Keeps one connection open a database, made on first use and again after it broke. Every call ends
within the deadline, a frozen server notwithstanding. Knows nothing of what the tables mean.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar

import psycopg
import pyarrow as pa
from psycopg import sql

from harness.drivers.database import Activity, Row, TableState
from harness.drivers.rows import Column, table_of
from harness.errors import EnvironmentFailed

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Row]

TEMPLATE_PREFIX = "aftershock_template_"
OWN_SLOTS = "aftershock_"
"""How the names of the slots begin that the harness reads by; they are no part of the system."""
_ADMIN = "postgres"
_POLL_S = 0.02
_CANCEL_S = 0.2
"""How long a call past its deadline may take to undo itself before it is cut off."""

# psycopg warns of each query that is cut off at its deadline; that is raised here anyway.
logging.getLogger("psycopg").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A replication slot. `sent_lsn` is how far its walsender has read, None while inactive."""

    slot: str
    plugin: str | None
    database: str | None
    active: bool
    restart_lsn: str | None
    confirmed_flush_lsn: str | None
    sent_lsn: str | None
    wal_status: str | None
    lag_bytes: int | None
    """WAL flushed but not confirmed by the slot's reader."""


class Postgres:
    """A server at an address. `timeout_s` bounds each call that names no other deadline."""

    make = "postgres"

    def __init__(
        self,
        address: str,
        port: int = 5432,
        *,
        user: str,
        password: str,
        database: str = _ADMIN,
        timeout_s: float = 10.0,
    ) -> None:
        self._where = f"{address}:{port}"
        self._address, self._port = address, port
        self._user, self._password = user, password
        self._database = database
        self._timeout_s = timeout_s
        self._open: dict[str, Connection] = {}
        self._opening: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        while self._open:
            _, connection = self._open.popitem()
            await connection.close()

    async def ping(self) -> bool:
        """Whether `SELECT 1` is answered right now."""
        try:
            return await self.query("SELECT 1", timeout_s=min(2.0, self._timeout_s)) == [(1,)]
        except EnvironmentFailed:
            return False

    async def query(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object] | None = None,
        database: str | None = None,
        *,
        timeout_s: float | None = None,
    ) -> list[Row]:
        """The rows of one statement, committed by itself. Raises EnvironmentFailed."""
        return await self._bounded(
            self._query(database or self._database, text, params), timeout_s, text
        )

    async def databases(self) -> tuple[str, ...]:
        """The databases of the system: no templates, ours included, and not `postgres`."""
        rows = await self.query(_DATABASES, (_ADMIN, TEMPLATE_PREFIX), _ADMIN)
        return tuple(str(row[0]) for row in rows)

    async def user_tables(self, database: str) -> tuple[str, ...]:
        """Its tables, sorted; those outside schema public as `schema.table`."""
        rows = await self.query(_TABLES, database=database)
        return tuple(_label(str(schema), str(name)) for schema, name in rows)

    async def read_table(self, database: str, table: str) -> pa.Table:
        """Every row of one table, ordered by nothing."""
        return (await self.read_tables(database, [table]))[table]

    async def read_tables(
        self, database: str, tables: Sequence[str] | None = None
    ) -> dict[str, pa.Table]:
        """These tables, or all, as of one moment (one repeatable-read transaction)."""
        names = await self.user_tables(database) if tables is None else tuple(tables)
        return await self._bounded(self._read_tables(database, names), None, f"reading {database}")

    async def activity(self) -> Activity:
        """What is going on: every transaction that writes moves the server's snapshot."""
        mark, writers = (await self.query(_ACTIVITY, database=_ADMIN))[0]
        return Activity(mark=mark, writers=writers)

    async def contents(self) -> tuple[TableState, ...]:
        """Every table of the system, sorted."""
        found: list[TableState] = []
        for database in await self.databases():
            statements = [
                _ROWS.format(label=_literal(table), table=_quoted(table))
                for table in await self.user_tables(database)
            ]
            if statements:
                text = " UNION ALL ".join(statements)
                found += [
                    TableState(database=database, table=table, rows=rows, digest=digest)
                    for table, rows, digest in await self.query(text, database=database)
                ]
        return tuple(sorted(found))

    async def wal_flush_lsn(self) -> str:
        """How far the WAL is on disk, e.g. `0/15F3A28`."""
        return str((await self.query("SELECT pg_current_wal_flush_lsn()", (), _ADMIN))[0][0])

    async def slots(self) -> tuple[Slot, ...]:
        """The system's replication slots, by name."""
        return tuple(s for s in await self._slots() if not s.slot.startswith(OWN_SLOTS))

    async def _slots(self) -> tuple[Slot, ...]:
        return tuple(
            Slot(
                slot=row[0],
                plugin=row[1],
                database=row[2],
                active=row[3],
                restart_lsn=row[4],
                confirmed_flush_lsn=row[5],
                sent_lsn=row[6],
                wal_status=row[7],
                lag_bytes=row[8],
            )
            for row in await self.query(_SLOTS, database=_ADMIN)
        )

    async def make_templates(self) -> tuple[str, ...]:
        """Copy every database to a template of its own, replacing an older one. Returns the
        databases. Nobody else may be connected to them."""
        databases = await self.databases()
        for database in databases:
            await self._close_own(database)
            template = TEMPLATE_PREFIX + database
            await self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", template)
            await self._copy(database, template, "ALLOW_CONNECTIONS false")
        return databases

    async def reset_from_templates(self) -> tuple[str, ...]:
        """Drop every slot and put every database back as its template has it; databases without
        one are dropped. Cuts whoever is connected. Returns the databases that were restored."""
        await self.drop_slots()
        kept = await self._templates()
        for database in dict.fromkeys((*await self.databases(), *kept)):
            await self._close_own(database)
            await self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        for database in kept:
            await self._copy(TEMPLATE_PREFIX + database, database, "")
        return kept

    async def drop_slots(self) -> None:
        """Drop every replication slot, the harness's too, ending the walsenders that hold them."""
        ends = time.monotonic() + self._timeout_s
        while slots := await self._slots():
            for slot in slots:
                await self._drop_slot(slot.slot, last=time.monotonic() > ends)

    async def _drop_slot(self, slot: str, *, last: bool) -> None:
        await self.query(_END_WALSENDER, (slot,), _ADMIN)
        try:
            await self.query("SELECT pg_drop_replication_slot(%s)", (slot,), _ADMIN)
        except EnvironmentFailed as failed:
            if isinstance(failed.__cause__, psycopg.errors.UndefinedObject):
                return
            if last or not isinstance(failed.__cause__, psycopg.errors.ObjectInUse):
                raise
            await asyncio.sleep(_POLL_S)

    async def _templates(self) -> tuple[str, ...]:
        rows = await self.query(_TEMPLATES, (TEMPLATE_PREFIX,), _ADMIN)
        return tuple(str(row[0]).removeprefix(TEMPLATE_PREFIX) for row in rows)

    async def _copy(self, source: str, target: str, options: LiteralString) -> None:
        """CREATE DATABASE … TEMPLATE, asked again while a session is only just leaving."""
        ends = time.monotonic() + self._timeout_s
        while True:
            try:
                return await self._admin(
                    "CREATE DATABASE {} TEMPLATE {} " + options, target, source
                )
            except EnvironmentFailed as failed:
                in_use = isinstance(failed.__cause__, psycopg.errors.ObjectInUse)
                if not in_use or time.monotonic() > ends:
                    raise
            await asyncio.sleep(_POLL_S)

    async def _admin(self, statement: LiteralString, *identifiers: str) -> None:
        text = sql.SQL(statement).format(*(sql.Identifier(name) for name in identifiers))
        await self._bounded(self._query(_ADMIN, text, None), None, statement)

    async def _close_own(self, database: str) -> None:
        connection = self._open.pop(database, None)
        if connection is not None:
            await connection.close()

    async def _connection(self, database: str) -> Connection:
        async with self._opening.setdefault(database, asyncio.Lock()):
            found = self._open.get(database)
            if found is not None and not found.closed:
                return found
            self._open[database] = await psycopg.AsyncConnection.connect(
                host=self._address,
                port=self._port,
                user=self._user,
                password=self._password,
                dbname=database,
                autocommit=True,
                # A pooler or a reset may change tables under a prepared statement.
                prepare_threshold=None,
                application_name="aftershock",
                client_encoding="utf8",
                options="-c timezone=UTC",
            )
            return self._open[database]

    async def _query(
        self,
        database: str,
        text: str | sql.Composed,
        params: Sequence[object] | Mapping[str, object] | None,
    ) -> list[Row]:
        connection = await self._connection(database)
        # A suite's own SQL arrives as text, where psycopg wants a literal.
        statement = text.encode() if isinstance(text, str) else text
        async with connection.cursor() as cursor:
            await cursor.execute(statement, params)
            return await cursor.fetchall() if cursor.description is not None else []

    async def _read_tables(self, database: str, names: Sequence[str]) -> dict[str, pa.Table]:
        connection = await self._connection(database)
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return {name: await _read_table(cursor, name) for name in names}

    async def _bounded(self, work: Coroutine[Any, Any, T], timeout_s: float | None, what: str) -> T:
        """The result of `work`, or EnvironmentFailed within the deadline.

        Cancelled once, psycopg asks the server to cancel and waits for that; cancelled twice it
        closes the connection. A frozen server gets the second cancellation.
        """
        limit = self._timeout_s if timeout_s is None else timeout_s
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=limit)
        finally:
            late = not task.done()
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_CANCEL_S)
        if late:
            task.cancelled() or task.exception()
            raise EnvironmentFailed(f"postgres {self._where}: no answer in {limit:g} s: {what}")
        try:
            return task.result()
        except (psycopg.Error, OSError) as failed:
            message = " ".join(str(failed).split())
            raise EnvironmentFailed(f"postgres {self._where}: {message}") from failed


async def _read_table(cursor: psycopg.AsyncCursor[Row], name: str) -> pa.Table:
    schema, _, table = name.rpartition(".")
    await cursor.execute(_COLUMNS, (schema or "public", table))
    columns = [
        Column(name=row[0], type=row[1], precision=row[2], scale=row[3])
        for row in await cursor.fetchall()
    ]
    await cursor.execute(
        sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(
                sql.SQL(column.expression).format(sql.Identifier(column.name)) for column in columns
            ),
            sql.Identifier(schema or "public", table),
        )
    )
    return table_of(columns, await cursor.fetchall())


def _label(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _quoted(table: str) -> str:
    schema, _, name = table.rpartition(".")
    parts = ((schema or "public"), name)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# xmin is the transaction that wrote this version of the row.
_ROWS = "SELECT {label}, count(*), coalesce(sum(hashtext(xmin::text)), 0)::bigint FROM {table}"

_ACTIVITY = """
SELECT pg_current_snapshot()::text,
       (SELECT count(*) FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND backend_type = 'client backend')::int
"""

_DATABASES = """
SELECT datname FROM pg_database
WHERE NOT datistemplate AND datname <> %s AND NOT starts_with(datname, %s) ORDER BY datname
"""

_TEMPLATES = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname"

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname
"""

# numeric(p,s) keeps p and s in atttypmod; unconstrained it is -1.
_COLUMNS = """
SELECT a.attname, t.typname,
       CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4
            THEN ((a.atttypmod - 4) >> 16) & 65535 END,
       CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4
            THEN (a.atttypmod - 4) & 2047 END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_SLOTS = """
SELECT s.slot_name::text, s.plugin::text, s.database::text, s.active,
       s.restart_lsn::text, s.confirmed_flush_lsn::text, r.sent_lsn::text, s.wal_status,
       pg_wal_lsn_diff(pg_current_wal_flush_lsn(),
                       coalesce(s.confirmed_flush_lsn, s.restart_lsn))::bigint
FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
ORDER BY s.slot_name
"""

_END_WALSENDER = """
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
WHERE slot_name = %s AND active_pid IS NOT NULL
"""
