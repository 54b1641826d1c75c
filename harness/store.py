"""The run directory: written while a run goes on, read back when nothing is running.

`create_run` makes results/<suite>/<utc>-<seed>/ and moves the `latest` link there. Files are replaced
whole (`files`) and the history is appended line by line, so a run that dies at any moment leaves what
was known. Reading never judges. A full disk is EnvironmentFailed with the path; a directory that is no
run, or a broken file in it, is DeclarationError.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self, TypedDict, Unpack

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DeclarationError, EnvironmentFailed, HarnessBug
from harness.files import blaming, read_json, safe_name, write_json, write_parquet
from harness.model.fault import FaultRecord
from harness.model.op import NEMESIS, Op, OpCounts, OpType
from harness.model.outbox import Outbox
from harness.model.record import Judged, NodeRecord, Phase, RunRecord, ScenarioRecord
from harness.model.record_json import run_json, run_of, scenario_json, scenario_of
from harness.model.scenario import Hop, Scenario
from harness.model.snapshot import FAULTS_SCHEMA, HISTORY_SCHEMA

TRACE = "trace.parquet"
"""In a scenario's directory, and, where a run has several, in the run's, with all of them."""


def create_run(
    out: Path,
    *,
    suite: str,
    seed: int,
    scenarios: Sequence[str],
    command: Sequence[str] = (),
    backend: str = "",
    versions: Mapping[str, str] | None = None,
    machine: Mapping[str, Any] | None = None,
    started_at: datetime | None = None,
) -> "RunWriter":
    """Make a run directory under `out`/<suite>/, write its run.json and point `latest` at it.

    `scenarios` are the slugs of what is to be run. Raises DeclarationError where `out` cannot
    be written to, EnvironmentFailed where the disk is full.
    """
    began = started_at or datetime.now(UTC)
    parent = out / safe_name(suite)
    path = _make_new(parent, f"{began:%Y%m%dT%H%M%SZ}-{seed}")
    record = RunRecord(
        dir=path,
        suite=suite,
        seed=seed,
        command=tuple(command),
        backend=backend,
        started_at=began.isoformat(),
        versions=versions or {},
        machine=machine or {},
        planned=tuple(scenarios),
    )
    write_json(path / "run.json", run_json(record))
    _point_latest(parent / "latest", path.name)
    return RunWriter(record)


class RunWriter:
    """A run directory being written."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    @property
    def dir(self) -> Path:
        return self.record.dir

    def scenario(
        self,
        scenario: Scenario,
        *,
        promises: str = "",
        nodes: Sequence[NodeRecord] = (),
        hops: Sequence[Hop] = (),
        outboxes: Sequence[Outbox] = (),
        invariants: Mapping[str, str] | None = None,
        started_at: datetime | None = None,
    ) -> "ScenarioWriter":
        """Begin a scenario: its directory, the invariants (file name → text), its scenario.json."""
        path = self.dir
        if len(self.record.planned) != 1:
            path = self.dir / "scenarios" / safe_name(scenario.slug)
        record = ScenarioRecord(
            dir=path,
            scenario=scenario,
            promises=promises,
            started_at=(started_at or datetime.now(UTC)).isoformat(),
            nodes=tuple(nodes),
            hops=tuple(hops),
            outboxes=tuple(outboxes),
        )
        with blaming(path):
            (path / "snapshot").mkdir(parents=True, exist_ok=True)
            (path / "logs").mkdir(exist_ok=True)
            (path / "invariants").mkdir(exist_ok=True)
            for name, text in (invariants or {}).items():
                (path / "invariants" / safe_name(name)).write_text(text, encoding="utf-8")
        return ScenarioWriter(record)

    def merge_traces(self) -> Path | None:
        """Write trace.parquet with those of all scenarios, one after the other. None where there
        are none, or where the run's only scenario has it there already."""
        found = sorted((self.dir / "scenarios").glob(f"*/{TRACE}"))
        if not found:
            return None
        path = self.dir / TRACE
        write_parquet(path, pa.concat_tables([pq.read_table(one) for one in found]))
        return path

    def write_results(self, document: Mapping[str, Any]) -> None:
        """Replace results.json."""
        write_json(self.dir / "results.json", document)


class ScenarioChange(TypedDict, total=False):
    """What of a scenario becomes known while it runs."""

    promises: str
    nodes: tuple[NodeRecord, ...]
    phases: tuple[Phase, ...]
    faults: tuple[FaultRecord, ...]
    hops: tuple[Hop, ...]
    problems: tuple[str, ...]
    collected: bool
    duration_s: float
    peak_memory_mib: float | None
    judged: Judged | None


class ScenarioWriter:
    """A scenario's directory being written. One writer at a time, from one thread."""

    def __init__(self, record: ScenarioRecord) -> None:
        self.record = record
        self._history: IO[str] | None = None
        with blaming(self._lines):
            self._history = self._lines.open("w", encoding="utf-8")
        self.update()

    @property
    def dir(self) -> Path:
        return self.record.dir

    @property
    def _lines(self) -> Path:
        return self.dir / "history.ndjson"

    def log_path(self, node: str) -> Path:
        """Where what the node prints is kept."""
        return self.dir / "logs" / f"{safe_name(node)}.log"

    def table_path(self, name: str) -> Path:
        """Where a snapshot's table is kept: `db.order-db.orders`, `kafka.order.events`, `groups`."""
        return self.dir / "snapshot" / f"{safe_name(name)}.parquet"

    def append_op(self, op: Op) -> None:
        """Add one line to the history; it is with the operating system when this returns."""
        if self._history is None:
            raise HarnessBug(f"{self._lines}: an operation after the history was finished")
        with blaming(self._lines):
            self._history.write(json.dumps(_op_json(op), default=str) + "\n")
            self._history.flush()
        if op.process != NEMESIS and op.type is not OpType.INVOKE:
            known = self.record.ops
            count = {op.type.value: getattr(known, op.type.value) + 1}
            self.record = replace(self.record, ops=replace(known, **count))

    def update(self, **change: Unpack[ScenarioChange]) -> ScenarioRecord:
        """Replace fields of the scenario and rewrite scenario.json."""
        self.record = replace(self.record, **change)
        write_json(self.dir / "scenario.json", scenario_json(self.record))
        return self.record

    def write_table(self, name: str, table: pa.Table) -> Path:
        """Write one table of the snapshot."""
        path = self.table_path(name)
        write_parquet(path, table)
        return path

    @property
    def spool_path(self) -> Path:
        """Where the taps write while the scenario runs."""
        return self.dir / "trace.spool"

    def write_trace(self, table: pa.Table) -> Path:
        """Write trace.parquet."""
        path = self.dir / TRACE
        write_parquet(path, table)
        return path

    def write_rows(
        self, name: str, rows: Iterable[Mapping[str, object]], schema: pa.Schema
    ) -> Path:
        """Write one table of the snapshot from rows, under the given schema."""
        return self.write_table(name, pa.Table.from_pylist(list(rows), schema=schema))

    def write_faults(self) -> Path:
        """Write the snapshot's `faults` from the scenario's fault records."""
        rows = [
            {name: getattr(f, name) for name in FAULTS_SCHEMA.names} for f in self.record.faults
        ]
        return self.write_rows("faults", rows, FAULTS_SCHEMA)

    def finish(self) -> ScenarioRecord:
        """Close the history and turn it into Parquet. Idempotent."""
        if self._history is not None:
            self.close()
            _convert_history(self.dir)
        return self.update()

    def close(self) -> None:
        """Stop writing; the history stays as lines. Idempotent."""
        history, self._history = self._history, None
        if history is not None:
            with blaming(self._lines):
                history.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_run(path: Path) -> RunRecord:
    """Read a run directory, also one that was killed half-way.

    A history that is only there as lines is turned into Parquet. Raises DeclarationError where
    there is no such directory, no run in it, or a file in it is broken or too new.
    """
    path = path.resolve() if path.is_symlink() else path
    if not path.is_dir():
        raise DeclarationError(f"{path}: no such run directory")
    if not (path / "run.json").is_file():
        hint = f"; did you mean {path / 'latest'}?" if (path / "latest").exists() else ""
        raise DeclarationError(f"{path}: not a run (no run.json in it){hint}")
    told = read_json(path / "run.json")
    run = run_of(told, path / "run.json")
    places = [path, *(path / "scenarios" / safe_name(slug) for slug in run.planned)]
    found = tuple(open_scenario(place) for place in places if (place / "scenario.json").is_file())
    return replace(run, scenarios=found)


def open_scenario(path: Path) -> ScenarioRecord:
    """Read one scenario's directory; its counts of operations come from the history itself."""
    record = scenario_of(read_json(path / "scenario.json"), path / "scenario.json")
    if _convert_history(path):
        record = replace(record, ops=_counted(path / "history.parquet"))
    return record


def save_scenario(record: ScenarioRecord) -> None:
    """Replace a stored scenario's scenario.json, after it was judged again."""
    write_json(record.dir / "scenario.json", scenario_json(record))


def _make_new(parent: Path, name: str) -> Path:
    """A directory that was not there; a second run in the same second gets a number."""
    with blaming(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            path = parent / (name if attempt == 1 else f"{name}.{attempt}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    raise EnvironmentFailed(f"{parent / name}: a thousand runs of this second and seed are there")


def _point_latest(link: Path, target: str) -> None:
    """Move the link atomically. Something else of that name is left alone."""
    if link.exists() and not link.is_symlink():
        return
    fresh = link.with_name(f".latest.{os.getpid()}.{target}")
    with blaming(link):
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(link)


def _op_json(op: Op) -> dict[str, Any]:
    return {
        "index": op.index,
        "type": op.type.value,
        "process": op.process,
        "f": op.f,
        "key": op.key,
        "time_s": op.time_s,
        "at": op.at,
        "value": dict(op.value),
        "error": op.error,
    }


def _convert_history(path: Path) -> bool:
    """Make history.parquet from the lines unless it is newer; whether there is a history."""
    lines, parquet = path / "history.ndjson", path / "history.parquet"
    if not lines.is_file():
        return parquet.is_file()
    if parquet.is_file() and parquet.stat().st_mtime_ns >= lines.stat().st_mtime_ns:
        return True
    rows = list(_history_rows(lines))
    write_parquet(parquet, pa.Table.from_pylist(rows, schema=HISTORY_SCHEMA))
    return True


def _history_rows(lines: Path) -> Iterator[dict[str, Any]]:
    """The history's lines as rows. A last line that was cut off is what a killed run leaves."""
    texts = lines.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, text in enumerate(texts, start=1):
        if not text:
            continue
        try:
            told = json.loads(text)
            at = datetime.fromtimestamp(told["at"], UTC)
            yield {**told, "at": at, "value": json.dumps(told["value"], default=str)}
        except (ValueError, KeyError, TypeError) as error:
            if number == len(texts):
                return
            raise DeclarationError(f"{lines}:{number}: not an operation ({error})") from error


def _counted(parquet: Path) -> OpCounts:
    try:
        table = pq.read_table(parquet, columns=["type", "process"])
    except (OSError, ValueError) as error:
        raise DeclarationError(f"{parquet}: cannot be read as Parquet ({error})") from error
    ended = [row["type"] for row in table.to_pylist() if row["process"] != NEMESIS]
    return OpCounts(ok=ended.count("ok"), fail=ended.count("fail"), info=ended.count("info"))
