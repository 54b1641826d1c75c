"""The run directory: written while a run goes on, read back whatever became of the run."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DeclarationError, EnvironmentFailed, HarnessBug
from harness.model.fault import FaultRecord, Probe
from harness.model.op import Op, OpCounts, OpType
from harness.model.outbox import Outbox
from harness.model.record import Phase, RunRecord
from harness.model.scenario import Hop, Scenario
from harness.model.snapshot import FAULTS_SCHEMA, GROUPS_SCHEMA, HISTORY_SCHEMA, TRACE_SCHEMA
from harness.store import (
    RunWriter,
    ScenarioWriter,
    create_run,
    open_run,
    save_scenario,
)

START = datetime(2026, 11, 23, 4, 45, 0, tzinfo=UTC)
SCENARIO = Scenario(suite="shop", pattern="dual-write", fault="kill", seed=7, control="lost")
ROOT = Path(__file__).resolve().parents[2]


def begun(out: Path, *scenarios: str, at: datetime = START) -> RunWriter:
    return create_run(
        out,
        suite="shop",
        seed=7,
        scenarios=scenarios or ("dual-write--kill",),
        command=("aftershock", "run"),
        backend="namespaces",
        versions={"kafka": "4.3.1"},
        machine={"cpus": 2},
        started_at=at,
    )


def op(index: int, kind: OpType, process: str = "client-1") -> Op:
    return Op(
        index=index,
        type=kind,
        process=process,
        f="place-order",
        key=str(index),
        time_s=1.25,
        at=START.timestamp() + 0.123456,
        value={"quantity": 2},
        error="503" if kind is OpType.INFO else None,
    )


def write_four(writer: ScenarioWriter) -> None:
    for index, kind in enumerate((OpType.INVOKE, OpType.OK, OpType.INFO)):
        writer.append_op(op(index, kind))
    writer.append_op(op(3, OpType.OK, "nemesis"))


def test_a_run_is_found_by_its_moment_its_seed_and_latest(tmp_path: Path) -> None:
    """results/<suite>/<utc>-<seed>, and a relative link that survives moving the folder."""
    run = begun(tmp_path)
    assert run.dir == tmp_path / "shop" / "20261123T044500Z-7"
    link = tmp_path / "shop" / "latest"
    assert link.readlink() == Path("20261123T044500Z-7")
    told = json.loads((run.dir / "run.json").read_text())
    assert told == {
        "schema": 1,
        "suite": "shop",
        "seed": 7,
        "command": ["aftershock", "run"],
        "backend": "namespaces",
        "started_at": "2026-11-23T04:45:00+00:00",
        "versions": {"kafka": "4.3.1"},
        "machine": {"cpus": 2},
        "scenarios": ["dual-write--kill"],
    }


def test_two_runs_of_one_second_have_a_directory_each(tmp_path: Path) -> None:
    """Nothing is overwritten, and `latest` is the later one."""
    first, second = begun(tmp_path), begun(tmp_path)
    assert first.dir != second.dir
    assert (tmp_path / "shop" / "latest").resolve() == second.dir
    assert list((tmp_path / "shop").glob(".latest*")) == []


def test_something_else_called_latest_is_left_alone(tmp_path: Path) -> None:
    """It is not ours to replace."""
    (tmp_path / "shop" / "latest").mkdir(parents=True)
    run = begun(tmp_path)
    assert run.dir.is_dir()
    assert not (tmp_path / "shop" / "latest").is_symlink()


def test_one_scenario_lives_in_the_run_and_several_below_it(tmp_path: Path) -> None:
    """The directory of the issue's contract in both cases."""
    alone = begun(tmp_path)
    two = begun(tmp_path, "dual-write--kill", "outbox--none")
    with alone.scenario(SCENARIO) as first, two.scenario(SCENARIO) as second:
        assert first.dir == alone.dir
        assert second.dir == two.dir / "scenarios" / "dual-write--kill"


def test_everything_written_is_read_back(tmp_path: Path) -> None:
    """A run that went to its end."""
    run = begun(tmp_path)
    hop = Hop(name="row", node="order-db", query="SELECT 1", says="committed")
    outbox = Outbox(node="order-db", table="outbox", sent="sent_at")
    writer = run.scenario(
        SCENARIO,
        promises="nothing",
        hops=[hop],
        outboxes=[outbox],
        invariants={"lost.sql": "-- id: lost"},
        started_at=START,
    )
    write_four(writer)
    fault = FaultRecord(
        name="kill",
        target="order",
        fired=True,
        before=Probe(shown=True, says="up"),
        injected_at=2.5,
    )
    phase = Phase(name="start", start_s=0.0, end_s=1.0)
    writer.update(faults=(fault,), phases=(phase,), collected=True, duration_s=9.5)
    written = writer.finish()
    found = open_run(run.dir)
    assert found.scenarios == (written,)
    assert written.outboxes == (outbox,)
    assert found == RunRecord(
        dir=run.dir,
        suite="shop",
        seed=7,
        command=("aftershock", "run"),
        backend="namespaces",
        started_at=START.isoformat(),
        versions={"kafka": "4.3.1"},
        machine={"cpus": 2},
        planned=("dual-write--kill",),
        scenarios=(written,),
    )
    assert written.faults == (fault,)
    assert (run.dir / "invariants" / "lost.sql").read_text() == "-- id: lost"


def test_only_clients_operations_that_ended_are_counted(tmp_path: Path) -> None:
    """Not the invocations, and not the nemesis'."""
    writer = begun(tmp_path).scenario(SCENARIO)
    write_four(writer)
    assert writer.finish().ops == OpCounts(ok=1, info=1)


def test_the_history_becomes_parquet_with_the_contracts_columns(tmp_path: Path) -> None:
    """Times in UTC microseconds, values as JSON text."""
    writer = begun(tmp_path).scenario(SCENARIO)
    write_four(writer)
    writer.finish()
    table = pq.read_table(writer.dir / "history.parquet")
    assert table.schema.equals(HISTORY_SCHEMA)
    row = table.to_pylist()[2]
    assert row["at"] == datetime(2026, 11, 23, 4, 45, 0, 123456, tzinfo=UTC)
    assert (row["type"], row["error"], row["value"]) == ("info", "503", '{"quantity": 2}')


def test_an_operation_after_the_end_is_a_bug(tmp_path: Path) -> None:
    """It would be in no history; finishing twice is harmless."""
    writer = begun(tmp_path).scenario(SCENARIO)
    writer.finish()
    writer.finish()
    with pytest.raises(HarnessBug, match="after the history was finished"):
        writer.append_op(op(0, OpType.OK))


def test_tables_are_written_under_safe_names(tmp_path: Path) -> None:
    """Rows under a schema, Arrow tables as they are."""
    with begun(tmp_path).scenario(SCENARIO) as writer:
        odd = writer.write_table("db.order-db.my table/1", pa.table({"a": [1]}))
        groups = writer.write_rows("groups", [{"group": "g", "lag": 3}], GROUPS_SCHEMA)
        assert writer.log_path("order/1") == writer.dir / "logs" / "order_1.log"
    assert odd.name == "db.order-db.my_table_1.parquet"
    assert groups == writer.dir / "snapshot" / "groups.parquet"
    assert pq.read_table(groups).schema.equals(GROUPS_SCHEMA)


def test_the_faults_table_is_made_from_the_records(tmp_path: Path) -> None:
    """Proved only with all three probes."""
    writer = begun(tmp_path).scenario(SCENARIO)
    writer.update(faults=(FaultRecord(name="kill", target="order", fired=True, injected_at=1.0),))
    writer.finish()
    table = pq.read_table(writer.write_faults())
    assert table.schema.equals(FAULTS_SCHEMA)
    assert table.to_pylist() == [
        {"name": "kill", "target": "order", "proved": False, "injected_at": 1.0, "healed_at": None}
    ]


def test_a_judgement_can_be_saved_again(tmp_path: Path) -> None:
    """`aftershock check` replaces what was judged before."""
    run = begun(tmp_path)
    writer = run.scenario(SCENARIO)
    record = writer.finish()
    save_scenario(record)
    assert open_run(run.dir).scenarios == (record,)


def test_a_run_that_never_began_a_scenario_can_be_read(tmp_path: Path) -> None:
    """Killed while the nodes were starting."""
    run = begun(tmp_path, "a", "b")
    assert open_run(run.dir).scenarios == ()
    assert open_run(run.dir).planned == ("a", "b")


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from harness.model.op import Op, OpType
    from harness.model.scenario import Scenario
    from harness.store import create_run
    run = create_run(Path(sys.argv[1]), suite="shop", seed=7, scenarios=["a--kill", "b--kill"])
    writer = run.scenario(Scenario(suite="shop", pattern="a", fault="kill", seed=7))
    writer.update(promises="known before the end")
    for index in range(1000):
        writer.append_op(Op(index=index, type=OpType.OK, process="client-1", f="f", key="k",
                            time_s=0.0, at=0.0))
    os.kill(os.getpid(), signal.SIGKILL)
""")


def test_a_killed_run_keeps_what_was_known(tmp_path: Path) -> None:
    """SIGKILL in the middle: every operation that was appended is there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env=environment, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    (found,) = open_run(tmp_path / "shop" / "latest").scenarios
    assert found.promises == "known before the end"
    assert found.ops == OpCounts(ok=1000)
    assert not found.collected
    assert found.judged is None
    assert pq.read_table(found.dir / "history.parquet").num_rows == 1000


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """Half an operation is what a killed run leaves."""
    run = begun(tmp_path)
    with run.scenario(SCENARIO) as writer:
        write_four(writer)
    lines = run.dir / "history.ndjson"
    lines.write_bytes(lines.read_bytes()[:-20])
    assert open_run(run.dir).scenarios[0].ops == OpCounts(ok=1, info=1)


def test_a_broken_line_in_the_middle_is_told(tmp_path: Path) -> None:
    """That is no killed run but a damaged file."""
    run = begun(tmp_path)
    with run.scenario(SCENARIO) as writer:
        write_four(writer)
    lines = run.dir / "history.ndjson"
    text = lines.read_text().split("\n")
    lines.write_text("\n".join([text[0], '{"index": 1', *text[2:]]))
    with pytest.raises(DeclarationError, match=r"history\.ndjson:2: not an operation"):
        open_run(run.dir)


def test_no_such_directory_is_told(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(DeclarationError, match="nowhere: no such run directory"):
        open_run(tmp_path / "nowhere")


def test_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    """The run was deleted and `latest` was left."""
    (tmp_path / "latest").symlink_to("gone")
    with pytest.raises(DeclarationError, match="no such run directory"):
        open_run(tmp_path / "latest")


def test_a_directory_that_is_no_run_is_told_with_the_way_on(tmp_path: Path) -> None:
    """Who names the suite's folder means its latest run."""
    with pytest.raises(DeclarationError, match="not a run"):
        open_run(tmp_path)
    begun(tmp_path)
    with pytest.raises(DeclarationError, match=r"did you mean .*/shop/latest\?"):
        open_run(tmp_path / "shop")


@pytest.mark.parametrize("name", ["run.json", "scenario.json"])
@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda text: text[: len(text) // 2], "broken or cut off"),
        (lambda _: "", "broken or cut off"),
        (lambda _: "[]", "not a JSON object"),
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "upgrade aftershock"),
        (lambda text: text.replace('"schema": 1', '"schema": "1"'), "no schema number"),
        (lambda text: text.replace('"seed": 7', '"seed": "7"'), "seed is missing or not a whole"),
    ],
)
def test_a_broken_file_is_told_by_name(
    tmp_path: Path, name: str, spoil: Callable[[str], str], says: str
) -> None:
    """What is wrong, and in which file."""
    run = begun(tmp_path)
    run.scenario(SCENARIO).finish()
    path = run.dir / name
    path.write_text(spoil(path.read_text()))
    with pytest.raises(DeclarationError, match=rf"{name}: .*{says}"):
        open_run(run.dir)


def test_a_broken_history_is_told_by_name(tmp_path: Path) -> None:
    """Parquet without its lines, damaged."""
    run = begun(tmp_path)
    run.scenario(SCENARIO).finish()
    (run.dir / "history.ndjson").unlink()
    (run.dir / "history.parquet").write_bytes(b"PAR1")
    with pytest.raises(DeclarationError, match=r"history\.parquet: cannot be read as Parquet"):
        open_run(run.dir)


def test_a_full_disk_is_the_rigs_failure_with_advice(tmp_path: Path) -> None:
    """While operations are appended: the path, and what to do."""
    run = begun(tmp_path)
    (run.dir / "history.ndjson").symlink_to("/dev/full")
    writer = run.scenario(SCENARIO)
    full = pytest.raises(EnvironmentFailed, match=r"history\.ndjson: no space left .*--out")
    with full:
        writer.append_op(op(0, OpType.OK))
    with full:
        writer.finish()
    assert writer.finish().ops == OpCounts()


def test_a_place_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    """--out names a file."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DeclarationError, match=r"out.* cannot be written .*--out"):
        begun(tmp_path / "out")


def test_the_traces_of_a_runs_scenarios_are_one_table_too(tmp_path: Path) -> None:
    scenarios = [replace(SCENARIO, fault=fault) for fault in ("none", "kill")]
    run = create_run(tmp_path, suite="shop", seed=1, scenarios=[s.slug for s in scenarios])
    assert run.merge_traces() is None
    for one in scenarios:
        writer = run.scenario(one)
        writer.write_trace(
            pa.Table.from_pylist([{"scenario": one.slug, "seq": 1}], schema=TRACE_SCHEMA)
        )
        writer.finish()
    path = run.merge_traces()
    assert path == run.dir / "trace.parquet"
    assert sorted(pq.read_table(path)["scenario"].to_pylist()) == sorted(s.slug for s in scenarios)
