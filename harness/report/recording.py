"""What a scenario recorded, read for drawing: operations, figures over time, traces on nodes.

SQL (DuckDB) does the work over all of it; only what can be drawn comes back into Python, what
matters most first. A file that is not there, or that a crash cut off, gives nothing.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from harness.report.load import StoredScenario
from harness.report.slots import SlotHistory, read_slots
from harness.report.steady import Steady, read_steady


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, its two lines paired. `end_s` None: no answer was ever recorded."""

    index: int
    process: str
    f: str
    key: str | None
    start_s: float
    end_s: float | None
    outcome: str
    """`ok`, `fail` or `info`."""
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A row or record that says when it was made: `label` is `orders.created_at`, `at_s` the
    scenario's own clock."""

    node: str
    label: str
    key: str | None
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many operations ended within one step of time."""

    start_s: float
    ok: int
    fail: int
    info: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Latency of the operations that ended ok, in milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One Parquet file of the snapshot: what it holds and how many rows."""

    name: str
    kind: str
    """`db`, `kafka` or `harness`."""
    rows: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of quiescence, and how long it took to come true."""

    name: str
    met: bool
    waited_s: float | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything drawable of one scenario. `total` and `traces_total` count what was recorded,
    of which `operations` and `traces` may be a part."""

    operations: tuple[Operation, ...] = ()
    total: int = 0
    nemesis: tuple[Operation, ...] = ()
    bins: tuple[Bin, ...] = ()
    bin_s: float = 1.0
    latency: Latency | None = None
    overlaps: tuple[int, ...] = ()
    """For each fault, how many of the clients' operations met its window."""
    traces: tuple[Trace, ...] = ()
    traces_total: int = 0
    tables: tuple[Table, ...] = ()
    conditions: tuple[Condition, ...] = ()
    steady: Steady = field(default_factory=Steady)
    slots: tuple[SlotHistory, ...] = ()
    epoch_s: float | None = None
    """UTC epoch seconds at which the scenario's clock said 0."""


_FROM_PARQUET = 'CREATE TABLE history AS SELECT *, epoch("at") AS at_s FROM read_parquet(?)'
_PAIRED = """
CREATE TABLE paired AS
SELECT index, process, f, key, time_s AS start_s, next_s AS end_s, at_s,
       coalesce(next_error, error) AS error,
       CASE WHEN next_type IN ('ok', 'fail', 'info') THEN next_type ELSE 'info' END AS outcome,
       process = 'nemesis' AS is_nemesis
FROM (
  SELECT *,
         lead(type) OVER pair AS next_type,
         lead(error) OVER pair AS next_error,
         CASE WHEN lead(type) OVER pair <> 'invoke' THEN lead(time_s) OVER pair END AS next_s
  FROM history
  WINDOW pair AS (PARTITION BY process, f, key ORDER BY index)
)
WHERE type = 'invoke'
"""
_BINS = 120


def read_recording(stored: StoredScenario, *, most_operations: int, most_traces: int) -> Recording:
    """Read one scenario's files, with at most so many operations and traces to draw."""
    snapshot = stored.record.dir / "snapshot"
    steady = read_steady(snapshot / "steady.parquet")
    slots = read_slots(snapshot / "slot_samples.parquet")
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute("SET TimeZone = 'UTC'")
        tables = _tables(db, snapshot)
        conditions = _conditions(db, snapshot / "quiescence.parquet")
        if not _read_history(db, stored.record.dir / "history.parquet"):
            return Recording(
                tables=tables,
                conditions=conditions,
                steady=steady,
                slots=slots,
                epoch_s=_started(stored),
            )
        wanted = sorted({key for violation in stored.violations for key in violation.keys})
        db.execute("CREATE TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS key", [wanted])
        epoch_s = _float(db, "SELECT median(at_s - start_s) FROM paired") or _started(stored)
        traces, traces_total = _traces(db, stored, tables, epoch_s, most_traces)
        step = _step(
            _float(db, "SELECT max(end_s) - min(start_s) FROM paired WHERE NOT is_nemesis")
        )
        return Recording(
            operations=_operations(db, nemesis=False, most=most_operations),
            total=_count(db, "SELECT count(*) FROM paired WHERE NOT is_nemesis"),
            nemesis=_operations(db, nemesis=True, most=200),
            bins=_bins(db, step),
            bin_s=step,
            latency=_latency(db),
            overlaps=tuple(
                _overlap(db, f.injected_at, f.recovered_at) for f in stored.record.faults
            ),
            traces=traces,
            traces_total=traces_total,
            tables=tables,
            conditions=conditions,
            steady=steady,
            slots=slots,
            epoch_s=epoch_s,
        )


def _read_history(db: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Pair the history's lines; False where there is no history that can be read."""
    if not path.exists():
        return False
    try:
        db.execute(_FROM_PARQUET, [str(path)])
        db.execute(_PAIRED)
    except duckdb.Error:
        return False
    return True


def _operations(
    db: duckdb.DuckDBPyConnection, *, nemesis: bool, most: int
) -> tuple[Operation, ...]:
    """The operations that tell most: those of violated keys, those that did not end ok, then an
    even sample of the rest; in the order of the history."""
    rows = db.execute(
        """
        SELECT index, process, f, key, start_s, end_s, outcome, error FROM (
          SELECT * FROM paired WHERE is_nemesis = ?
          ORDER BY key IN (SELECT key FROM wanted) DESC, outcome <> 'ok' DESC, hash(index)
          LIMIT ?
        ) ORDER BY index
        """,
        [nemesis, most],
    ).fetchall()
    return tuple(
        Operation(
            index=index,
            process=process,
            f=f,
            key=key,
            start_s=start_s,
            end_s=end_s,
            outcome=outcome,
            error=error,
        )
        for index, process, f, key, start_s, end_s, outcome, error in rows
    )


def _step(length_s: float | None) -> float:
    """A round step of time that gives at most `_BINS` bins."""
    wanted = max((length_s or 0.0) / _BINS, 0.1)
    return next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 1e9) if s >= wanted)


def _bins(db: duckdb.DuckDBPyConnection, step: float) -> tuple[Bin, ...]:
    rows = db.execute(
        """
        SELECT floor(end_s / $1) * $1 AS start_s,
               count(*) FILTER (outcome = 'ok'), count(*) FILTER (outcome = 'fail'),
               count(*) FILTER (outcome = 'info')
        FROM paired WHERE NOT is_nemesis AND end_s IS NOT NULL GROUP BY 1 ORDER BY 1
        """,
        [step],
    ).fetchall()
    return tuple(Bin(start_s=at, ok=ok, fail=fail, info=info) for at, ok, fail, info in rows)


def _latency(db: duckdb.DuckDBPyConnection) -> Latency | None:
    row = db.execute(
        """
        SELECT quantile_cont(ms, 0.5), quantile_cont(ms, 0.95), quantile_cont(ms, 0.99), max(ms)
        FROM (SELECT (end_s - start_s) * 1000 AS ms FROM paired
              WHERE NOT is_nemesis AND outcome = 'ok')
        """
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return Latency(p50=row[0], p95=row[1], p99=row[2], max=row[3])


def _overlap(db: duckdb.DuckDBPyConnection, start_s: float | None, end_s: float | None) -> int:
    if start_s is None:
        return 0
    return _count(
        db,
        "SELECT count(*) FROM paired WHERE NOT is_nemesis"
        " AND start_s <= coalesce(?, 1e18) AND coalesce(end_s, 1e18) >= ?",
        [end_s, start_s],
    )


def _tables(db: duckdb.DuckDBPyConnection, snapshot: Path) -> tuple[Table, ...]:
    found = []
    for path in sorted(snapshot.glob("*.parquet")):
        kind, _, name = path.stem.partition(".")
        kind = kind if kind in ("db", "kafka") else "harness"
        try:
            rows = _count(db, "SELECT count(*) FROM read_parquet(?)", [str(path)])
        except duckdb.Error:
            continue
        found.append(Table(name=name or path.stem, kind=kind, rows=rows, path=path))
    return tuple(found)


def _conditions(db: duckdb.DuckDBPyConnection, path: Path) -> tuple[Condition, ...]:
    if not path.exists():
        return ()
    try:
        rows = db.execute(
            "SELECT condition, met, waited_s, detail FROM read_parquet(?)", [str(path)]
        ).fetchall()
    except duckdb.Error:
        return ()
    return tuple(
        Condition(name=str(name), met=met is True, waited_s=waited_s, detail=detail or "")
        for name, met, waited_s, detail in rows
    )


def _traces(
    db: duckdb.DuckDBPyConnection,
    stored: StoredScenario,
    tables: Sequence[Table],
    epoch_s: float | None,
    most: int,
) -> tuple[tuple[Trace, ...], int]:
    """Rows and records on the scenario's clock: any column of a timestamp type makes them."""
    if epoch_s is None:
        return (), 0
    db.execute("CREATE TABLE traces (node VARCHAR, label VARCHAR, key VARCHAR, at_s DOUBLE)")
    names = {node.name for node in stored.record.nodes}
    brokers = [node.name for node in stored.record.nodes if node.role == "kafka"]
    for table in tables:
        if table.kind == "db" and (node := _node_of(table.name, names)) is not None:
            _trace_table(db, node, table.name.removeprefix(f"{node}."), table.path)
        elif table.kind == "kafka" and brokers:
            _insert_traces(
                db, brokers[0], f"record in {table.name}", table.path, "timestamp", "key"
            )
    total = _count(db, "SELECT count(*) FROM traces WHERE at_s IS NOT NULL")
    rows = db.execute(
        """
        SELECT node, label, key, at_s - $1 FROM traces WHERE at_s IS NOT NULL
        ORDER BY key IN (SELECT key FROM wanted) DESC, hash(key, at_s) LIMIT $2
        """,
        [epoch_s, most],
    ).fetchall()
    found = [Trace(node=node, label=label, key=key, at_s=at_s) for node, label, key, at_s in rows]
    return tuple(sorted(found, key=lambda t: (t.node, t.at_s))), total


def _trace_table(db: duckdb.DuckDBPyConnection, node: str, table: str, path: Path) -> None:
    columns = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    texts = [name for name, kind, *_ in columns if kind == "VARCHAR"]
    key = _key_column(db, path, texts)
    if key is None:
        return
    for name, kind, *_ in columns:
        if kind.startswith("TIMESTAMP"):
            _insert_traces(db, node, f"{table}.{name}", path, name, key)


def _key_column(db: duckdb.DuckDBPyConnection, path: Path, texts: Iterable[str]) -> str | None:
    """The text column that holds the clients' business keys: the one that shares most with the
    history's keys. None where no column shares any."""
    best, most = None, 0
    for name in texts:
        shared = _count(
            db,
            "SELECT count(*) FROM read_parquet(?) WHERE COLUMNS(lambda c: c = ?) IN"
            " (SELECT key FROM paired WHERE key IS NOT NULL)",
            [str(path), name],
        )
        if shared > most:
            best, most = name, shared
    return best


def _insert_traces(
    db: duckdb.DuckDBPyConnection, node: str, label: str, path: Path, column: str, key: str
) -> None:
    with contextlib.suppress(duckdb.Error):
        db.execute(
            "INSERT INTO traces SELECT ?, ?, COLUMNS(lambda c: c = ?)::VARCHAR,"
            " epoch(COLUMNS(lambda c: c = ?)) FROM read_parquet(?)",
            [node, label, key, column, str(path)],
        )


def _node_of(table: str, names: Iterable[str]) -> str | None:
    fitting = [name for name in names if table.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)


def _started(stored: StoredScenario) -> float | None:
    try:
        return datetime.fromisoformat(stored.record.started_at).timestamp()
    except ValueError:
        return None


def _count(db: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> int:
    row = db.execute(sql, list(values)).fetchone()
    return 0 if row is None else int(row[0])


def _float(db: duckdb.DuckDBPyConnection, sql: str) -> float | None:
    row = db.execute(sql).fetchone()
    return None if row is None or row[0] is None else float(row[0])
