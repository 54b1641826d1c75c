"""A stored scenario as tables: its Parquet files under their names, in a DuckDB that reads only
them and loads no extensions.

`db.<node>.<table>`, `kafka.<topic>` and the rest are named as their files; `ops` is the history,
`trace` what passed on the wire; `faults` comes from the scenario's own record, with more columns
than the file, and so does `scenario` (one row: suite, pattern, fault, seed, collected). A table
that a suite defines hides a file of that name. `lsn(text)` is an LSN as a number, null if it is
none. Queries that fail raise QueryFailed; a table that is not there, TableMissing.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from harness.checkers.invariant import Derived, Invariants, Need
from harness.model.fault import FaultRecord
from harness.model.record import ScenarioRecord

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "2",
    "memory_limit": "2GB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_FAULT_COLUMNS = (
    "name VARCHAR, target VARCHAR, fired BOOLEAN, proved BOOLEAN, before_shown BOOLEAN, "
    "during_shown BOOLEAN, after_shown BOOLEAN, injected_at DOUBLE, proved_at DOUBLE, "
    "healed_at DOUBLE, recovered_at DOUBLE"
)

_SCENARIO_COLUMNS = "suite TEXT, pattern TEXT, fault TEXT, seed HUGEINT, collected BOOLEAN"
_FROM_RECORD = ("faults", "scenario")
_LSN = """
CREATE MACRO lsn(told) AS
    TRY_CAST('0x' || split_part(told, '/', 1) AS HUGEINT) * 4294967296
    + TRY_CAST('0x' || split_part(told, '/', 2) AS HUGEINT)
"""


class QueryFailed(Exception):
    """A query that DuckDB refused or that broke; the text is its message, in one line."""


class TableMissing(QueryFailed):
    """A table that the snapshot does not have, or whose file cannot be read."""


class Snapshot:
    """An open stored scenario. Use as a context manager."""

    def __init__(self, record: ScenarioRecord, invariants: Invariants) -> None:
        self._derived = {table.name: table for table in invariants.tables}
        files = {n: path for n, path in _files(record.dir).items() if n not in self._derived}
        self._unreadable: dict[str, str] = {}
        self._stand_ins: list[str] = []
        self._tables: set[str] = set()
        self._db = duckdb.connect(":memory:", config=_SETTINGS)
        self._db.execute("SET TimeZone = 'UTC'")
        self._db.execute("SET temp_directory = ''")
        allowed = ", ".join(_literal(str(path)) for path in files.values())
        self._db.execute(f"SET allowed_paths = [{allowed}]")
        self._db.execute("SET enable_external_access = false")
        self._db.execute("SET lock_configuration = true")
        self._db.execute(_LSN)
        for name, path in files.items():
            self._open(name, path)
        self._add_scenario(record)
        self._add_faults(record.faults)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    @property
    def tables(self) -> frozenset[str]:
        """The names of what is there."""
        return frozenset(self._tables)

    def provide(self, needs: Sequence[Need]) -> None:
        """Make what a query needs available: stand-ins for what may be missing, derived tables
        on their first use. Raises TableMissing."""
        self._drop_stand_ins()
        # First: they may need a stand-in for the same table.
        for need in needs:
            if need.table in self._derived:
                self._derive(self._derived[need.table])
        for need in needs:
            if need.table in self._tables:
                continue
            if need.table in self._unreadable:
                raise TableMissing(
                    f"table {need.table} cannot be read: {self._unreadable[need.table]}"
                )
            if need.columns is None:
                raise TableMissing(f"table {need.table} is missing from the snapshot")
            self._stand_in(need.table, need.columns)

    def number(self, sql: str) -> int:
        """The one whole number that a query returns."""
        rows = self._fetch(self._select(sql))
        if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], int):
            raise QueryFailed("the scope query must return one whole number")
        return rows[0][0]

    def keep(self, name: str, sql: str) -> tuple[str, ...]:
        """Keep a query's rows as the temporary table `name`; returns its columns."""
        self._execute(f"CREATE OR REPLACE TEMP TABLE {_quoted(name)} AS\n{self._select(sql)}")
        return tuple(str(row[0]) for row in self._fetch(f"DESCRIBE {_quoted(name)}"))

    def texts(self, sql: str) -> list[str]:
        """The first column of a query, as text."""
        return [str(row[0]) for row in self._fetch(self._select(sql))]

    def rows(
        self, sql: str, limit: int, parameters: Mapping[str, str] | None = None
    ) -> tuple[Mapping[str, Any], ...]:
        """A query's rows as JSON objects, at most `limit`."""
        sql = f"SELECT to_json(found) FROM (\n{self._select(sql)}\n) AS found LIMIT {limit}"  # noqa: S608 - running the suite's SQL is the point
        return tuple(json.loads(row[0]) for row in self._fetch(sql, parameters))

    def _open(self, name: str, path: Path) -> None:
        source = f"SELECT * FROM read_parquet({_literal(str(path))})"  # noqa: S608 - quoted
        try:
            self._execute(f"CREATE VIEW {_quoted(name)} AS {source}")
        except QueryFailed as error:
            self._unreadable[name] = str(error)
        else:
            self._tables.add(name)

    def _add_scenario(self, record: ScenarioRecord) -> None:
        what = record.scenario
        self._execute(f"CREATE TABLE scenario ({_SCENARIO_COLUMNS})")
        row = [what.suite, what.pattern, what.fault, what.seed, record.collected]
        self._db.execute("INSERT INTO scenario VALUES (?, ?, ?, ?, ?)", row)
        self._tables.add("scenario")

    def _add_faults(self, faults: Sequence[FaultRecord]) -> None:
        self._execute(f'CREATE TABLE "faults" ({_FAULT_COLUMNS})')
        marks = ", ".join("?" * len(_FAULT_COLUMNS.split(", ")))
        for fault in faults:
            self._db.execute(f'INSERT INTO "faults" VALUES ({marks})', _fault_row(fault))  # noqa: S608 - only question marks
        self._tables.add("faults")

    def _derive(self, table: Derived) -> None:
        stood_in, self._stand_ins = self._stand_ins, []
        self._derived.pop(table.name)
        try:
            self.provide(table.needs)
            self._execute(f"CREATE TEMP TABLE {_quoted(table.name)} AS\n{self._select(table.rows)}")
        except QueryFailed as error:
            self._derived[table.name] = table
            if table.declared is None:
                raise
            raise type(error)(f"{error} (declared: {table.declared})") from error
        finally:
            self._drop_stand_ins()
            self._stand_ins = stood_in
        self._tables.add(table.name)

    def _stand_in(self, name: str, columns: str) -> None:
        if name not in self._stand_ins:
            self._execute(f"CREATE TEMP TABLE {_quoted(name)} ({columns})")
            self._stand_ins.append(name)

    def _drop_stand_ins(self) -> None:
        for name in self._stand_ins:
            self._execute(f"DROP TABLE {_quoted(name)}")
        self._stand_ins = []

    def _select(self, sql: str) -> str:
        """The query as it came, if it only reads."""
        try:
            statements = self._db.extract_statements(sql)
        except duckdb.Error as error:
            raise QueryFailed(_line(error)) from error
        if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
            raise QueryFailed("a query must be one SELECT")
        return sql

    def _execute(self, sql: str) -> None:
        self._fetch(sql)

    def _fetch(
        self, sql: str, parameters: Mapping[str, str] | None = None
    ) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, dict(parameters) if parameters else None).fetchall()
        except duckdb.CatalogException as error:
            raise TableMissing(_line(error)) from error
        except duckdb.Error as error:
            raise QueryFailed(_line(error)) from error


def _files(folder: Path) -> dict[str, Path]:
    files = {path.stem: path.resolve() for path in sorted((folder / "snapshot").glob("*.parquet"))}
    for name in _FROM_RECORD:
        files.pop(name, None)
    for name, path in (("ops", "history.parquet"), ("trace", "trace.parquet")):
        if (folder / path).is_file():
            files[name] = (folder / path).resolve()
    return files


def _fault_row(fault: FaultRecord) -> list[object]:
    shown = [None if p is None else p.shown for p in (fault.before, fault.during, fault.after)]
    times = [fault.injected_at, fault.proved_at, fault.healed_at, fault.recovered_at]
    return [fault.name, fault.target, fault.fired, fault.proved, *shown, *times]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _line(error: Exception) -> str:
    """The message's first line, which says what; the rest shows the query again."""
    return str(error).strip().split("\n", 1)[0]
