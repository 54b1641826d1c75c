"""What is read of a scenario's files for drawing."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.report.load import StoredScenario, load
from harness.report.recording import read_recording
from harness.report.tally import tally_of


def control(run_dir: Path) -> StoredScenario:
    return load(run_dir).scenarios[1]


def test_operations_are_paired(run_dir: Path) -> None:
    """Each invocation has its end; the unanswered one is unknown; the nemesis is apart."""
    found = read_recording(control(run_dir), most_operations=500, most_traces=500)
    lost = next(op for op in found.operations if op.key == "17" and op.f == "place-order")
    assert (lost.outcome, lost.error) == ("info", "connection reset by peer")
    assert found.total == len(found.operations) == 48
    assert [op.f for op in found.nemesis] == ["kill-between-commit-and-publish"]
    assert sum(b.ok + b.fail + b.info for b in found.bins) == found.total
    assert found.latency is not None
    assert 0 < found.latency.p50 < found.latency.p95 <= found.latency.p99 <= found.latency.max


def test_an_operation_without_an_end_is_unknown(run_dir: Path) -> None:
    """What was cut off by a dying run is neither ok nor failed."""
    stored = control(run_dir)
    path = stored.record.dir / "history.parquet"
    table = pq.read_table(path)
    ends = pa.array([row["type"] == "invoke" for row in table.to_pylist()])
    pq.write_table(table.filter(ends), path)
    found = read_recording(stored, most_operations=500, most_traces=500)
    assert {(op.outcome, op.end_s) for op in found.operations} == {("info", None)}
    assert found.latency is None


def test_what_matters_is_drawn_first(run_dir: Path) -> None:
    """With room for five, the lost key and what did not end well are among them."""
    found = read_recording(control(run_dir), most_operations=5, most_traces=5)
    assert len(found.operations) == 5
    assert "17" in {op.key for op in found.operations}
    assert [op.outcome for op in found.operations].count("fail") == 3
    assert found.total == 48
    assert len(found.traces) == 5
    assert "17" in {t.key for t in found.traces}


def test_traces_stand_on_the_scenarios_own_clock(run_dir: Path) -> None:
    """Rows and records are found by their timestamps and their business key, on their nodes."""
    found = read_recording(control(run_dir), most_operations=500, most_traces=500)
    labels = {(t.node, t.label) for t in found.traces}
    assert ("kafka-1", "record in order.events") in labels
    assert ("order-db", "orders.created_at") in labels
    assert all(4.6 < t.at_s < 9.5 for t in found.traces)
    lost = [t for t in found.traces if t.key == "17"]
    assert [t.node for t in lost] == ["order-db"]


def test_how_many_operations_met_the_fault(run_dir: Path) -> None:
    """A fault that no operation met proves little."""
    found = read_recording(control(run_dir), most_operations=500, most_traces=500)
    assert len(found.overlaps) == 1
    assert 10 < found.overlaps[0] < 30


def test_the_tally(run_dir: Path) -> None:
    """What was acknowledged, stored, sent, lost."""
    stored = control(run_dir)
    tally = tally_of(stored, read_recording(stored, most_operations=9, most_traces=9))
    assert (tally.acknowledged, tally.indeterminate, tally.rejected) == (44, 1, 3)
    assert (tally.rows, tally.records) == (37 + 36 + 36, 36)
    assert (tally.lost, tally.duplicated, tally.effects) == (1, 0, 78)


def test_broken_files_give_nothing(run_dir: Path) -> None:
    """A Parquet file that was cut off is left out, the rest is read."""
    stored = control(run_dir)
    (stored.record.dir / "snapshot" / "db.order-db.orders.parquet").write_bytes(b"PAR1")
    (stored.record.dir / "snapshot" / "quiescence.parquet").write_bytes(b"")
    found = read_recording(stored, most_operations=9, most_traces=9)
    assert "order-db.orders" not in {t.name for t in found.tables}
    assert found.conditions == ()
