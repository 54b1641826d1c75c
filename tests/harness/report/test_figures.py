"""Requests before, during and after a fault, from a literal history."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.files import write_parquet
from harness.model.fault import FaultRecord
from harness.model.record import ScenarioRecord
from harness.model.scenario import Scenario
from harness.report.figures import figures

DOWN = FaultRecord(name="down:b", target="b", injected_at=10.0, healed_at=15.0)


def record(folder: Path, *requests: tuple[float, float, str], fault: FaultRecord) -> ScenarioRecord:
    """A scenario in which these were (begun, took, ended as)."""
    rows: list[dict[str, Any]] = []
    for number, (begun, took, kind) in enumerate(requests):
        common = {"process": f"client-{number}", "f": "place-order"}
        rows.append({**common, "type": "invoke", "time_s": begun})
        rows.append({**common, "type": kind, "time_s": begun + took})
    nemesis = {"process": "nemesis", "f": "down:b"}
    rows.append({**nemesis, "type": "invoke", "time_s": 10.0})
    rows.append({**nemesis, "type": "ok", "time_s": 16.0})
    rows.sort(key=lambda row: row["time_s"])
    write_parquet(folder / "history.parquet", pa.Table.from_pylist(rows))
    what = Scenario(suite="s", pattern="p", fault=fault.name, seed=1)
    return ScenarioRecord(dir=folder, scenario=what, faults=(fault,))


def test_a_request_counts_where_it_was_begun(tmp_path: Path) -> None:
    """However late it ends; what failed is not slow, what is usual is not either."""
    told = record(
        tmp_path,
        *((float(n), 0.1, "ok") for n in range(10)),
        (10.5, 0.1, "ok"), (11.0, 0.15, "ok"), (12.0, 7.0, "ok"), (13.0, 0.2, "info"),
        (14.0, 0.01, "fail"),
        (15.5, 0.1, "ok"), (20.0, 0.1, "ok"),
        fault=DOWN,
    )  # fmt: skip
    before, during, after = figures(told, "place-order")
    assert (before.begun, before.done, before.failed, before.slowed) == (10, 10, 0, 0)
    assert (during.begun, during.done, during.failed, during.slowed) == (5, 3, 2, 1)
    assert (after.begun, after.done, after.failed, after.slowed) == (2, 2, 0, 0)
    assert [(f.stretch, round(f.lasted_s, 6)) for f in (before, during, after)] == [
        ("before", 10.0), ("during", 5.0), ("after", 5.0)
    ]  # fmt: skip
    assert before.done_per_s == 1.0
    assert (round(during.p50_ms or 0), round(during.p99_ms or 0)) == (150, 7000)


def test_what_a_fault_overtook_is_told_apart(tmp_path: Path) -> None:
    """It failed, and was begun before; what failed before the fault had nothing to do with it."""
    told = record(
        tmp_path,
        (1.0, 0.1, "ok"), (9.0, 0.5, "fail"), (9.9, 0.2, "info"), (9.95, 0.2, "ok"),
        (14.9, 0.2, "info"), (20.0, 0.1, "fail"),
        fault=DOWN,
    )  # fmt: skip
    assert [(f.failed, f.overtaken) for f in figures(told)] == [(2, 1), (1, 1), (1, 1)]


def test_another_operation_is_another_figure(tmp_path: Path) -> None:
    """None of it is none, and all are all."""
    told = record(tmp_path, (1.0, 0.1, "ok"), (11.0, 0.1, "ok"), fault=DOWN)
    assert figures(told, "cancel-order") == ()
    assert [f.begun for f in figures(told)] == [1, 1, 0]
    assert figures(told)[2].p50_ms is None


def test_without_a_fault_that_was_healed_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """Nor without a history."""
    never = FaultRecord(name="down:b", target="b")
    assert figures(record(tmp_path, (1.0, 0.1, "ok"), fault=never)) == ()
    (tmp_path / "history.parquet").unlink()
    what = Scenario(suite="s", pattern="p", fault="down:b", seed=1)
    assert figures(ScenarioRecord(dir=tmp_path, scenario=what, faults=(DOWN,))) == ()
