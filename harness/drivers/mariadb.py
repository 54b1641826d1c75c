"""One MariaDB server: its tables as Arrow, what is in them, and who is writing.

Keeps one connection open a database, made on first use and again after it broke, on which one
question is asked at a time. Every call ends within the deadline, a frozen server notwithstanding.
Knows nothing of what the tables mean, and nothing of the binary log: what was committed in between
is not to be had from here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiomysql
import pyarrow as pa
import pymysql

from harness.drivers.database import Activity, Row, TableState
from harness.drivers.mariadb_rows import Column, table_of
from harness.errors import EnvironmentFailed

T = TypeVar("T")


class MariaDB:
    """A server at an address. `timeout_s` bounds each call that names no other deadline."""

    make = "mariadb"

    def __init__(
        self,
        address: str,
        port: int = 3306,
        *,
        user: str,
        password: str,
        timeout_s: float = 10.0,
    ) -> None:
        self._where = f"{address}:{port}"
        self._address, self._port = address, port
        self._user, self._password = user, password
        self._timeout_s = timeout_s
        self._open: dict[str, Any] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        while self._open:
            _, connection = self._open.popitem()
            connection.close()

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

        async def ask(cursor: Any) -> list[Row]:
            await cursor.execute(text, params)
            return list(await cursor.fetchall()) if cursor.description else []

        return await self._asked(ask, database or "", text, timeout_s=timeout_s)

    async def databases(self) -> tuple[str, ...]:
        """The databases of the system, without the server's own."""
        return tuple(str(row[0]) for row in await self.query(_DATABASES))

    async def user_tables(self, database: str) -> tuple[str, ...]:
        """Its tables, sorted; no views."""
        rows = await self.query(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = %s AND table_type = 'BASE TABLE' ORDER BY table_name",
            (database,),
        )
        return tuple(str(row[0]) for row in rows)

    async def read_table(self, database: str, table: str) -> pa.Table:
        """Every row of one table, ordered by nothing."""
        return (await self.read_tables(database, [table]))[table]

    async def read_tables(
        self, database: str, tables: Sequence[str] | None = None
    ) -> dict[str, pa.Table]:
        """These tables, or all, as of one moment (one transaction with a consistent snapshot)."""
        names = await self.user_tables(database) if tables is None else tuple(tables)

        async def read(cursor: Any) -> dict[str, pa.Table]:
            await cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            found = {name: await _read_table(cursor, database, name) for name in names}
            await cursor.execute("COMMIT")
            return found

        return await self._asked(read, database, f"reading {database}")

    async def activity(self) -> Activity:
        """What is going on: every transaction that writes takes a number, and has undo entries
        until it ends. The monitor's text tells it as it is; information_schema.INNODB_TRX is a
        copy that is not renewed while it is asked for more often than every 0.1 s."""
        status = str((await self.query("SHOW ENGINE INNODB STATUS"))[0][2])
        counter = _COUNTER.search(status)
        if counter is None:
            raise EnvironmentFailed(f"mariadb {self._where}: InnoDB's monitor tells no counter")
        return Activity(mark=counter[1], writers=len(_WRITER.findall(status)))

    async def contents(self) -> tuple[TableState, ...]:
        """Every table of the system, sorted."""
        found: list[TableState] = []
        for database in await self.databases():
            for table in await self.user_tables(database):
                name = f"{_identifier(database)}.{_identifier(table)}"
                # Both read a snapshot of their own; another one later tells of what came between.
                digest = (await self.query(f"CHECKSUM TABLE {name} EXTENDED"))[0][1]
                rows = (await self.query(f"SELECT count(*) FROM {name}"))[0][0]  # noqa: S608 - quoted
                found.append(
                    TableState(
                        database=database, table=table, rows=int(rows), digest=int(digest or 0)
                    )
                )
        return tuple(sorted(found))

    async def _asked(
        self,
        ask: Callable[[Any], Awaitable[T]],
        database: str,
        what: str,
        *,
        timeout_s: float | None = None,
    ) -> T:
        """What `ask` makes of a cursor, or EnvironmentFailed within the deadline. A connection on
        which something went wrong is not used again."""
        limit = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit), self._asking.setdefault(database, asyncio.Lock()):
                try:
                    connection = await self._connection(database)
                    async with connection.cursor() as cursor:
                        return await ask(cursor)
                except BaseException:
                    self._drop(database)
                    raise
        except TimeoutError as late:
            raise EnvironmentFailed(
                f"mariadb {self._where}: no answer in {limit:g} s: {what}"
            ) from late
        except (pymysql.Error, OSError, asyncio.IncompleteReadError) as failed:
            message = " ".join(str(failed.args[-1] if failed.args else failed).split())
            raise EnvironmentFailed(f"mariadb {self._where}: {message}") from failed

    async def _connection(self, database: str) -> Any:
        found = self._open.get(database)
        if found is None or found.closed:
            found = self._open[database] = await aiomysql.connect(
                host=self._address,
                port=self._port,
                user=self._user,
                password=self._password,
                db=database or None,
                autocommit=True,
                charset="utf8mb4",
                init_command="SET time_zone = '+00:00'",
                program_name="aftershock",
            )
        return found

    def _drop(self, database: str) -> None:
        connection = self._open.pop(database, None)
        if connection is not None:
            connection.close()


async def _read_table(cursor: Any, database: str, table: str) -> pa.Table:
    await cursor.execute(_COLUMNS, (database, table))
    columns = [
        Column(
            name=row[0],
            type=row[1],
            unsigned="unsigned" in row[2],
            precision=row[3],
            scale=row[4],
        )
        for row in await cursor.fetchall()
    ]
    selected = ", ".join(column.expression.format(_identifier(column.name)) for column in columns)
    await cursor.execute(
        f"SELECT {selected} FROM {_identifier(database)}.{_identifier(table)}"  # noqa: S608 - quoted
    )
    return table_of(columns, await cursor.fetchall())


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


_DATABASES = """
SELECT schema_name FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
ORDER BY schema_name
"""

# Of a transaction with writes: "2 lock struct(s), heap size 1128, 1 row lock(s), undo log entries 1".
_COUNTER = re.compile(r"^Trx id counter (\d+)$", re.MULTILINE)
_WRITER = re.compile(
    r"^(?:[A-Z ]+ )?\d+ lock struct\(s\), .*\bundo log entries [1-9]\d*$", re.MULTILINE
)

_COLUMNS = """
SELECT column_name, data_type, column_type, numeric_precision, numeric_scale
FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
