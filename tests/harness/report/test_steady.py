"""Probes as the page shows them: before and after side by side."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.model.snapshot import STEADY_SCHEMA
from harness.report.steady import Measured, Probed, Steady, read_steady


def row(
    probe: str, when: str, value: str, waited_s: float, *, holds: bool = True
) -> dict[str, Any]:
    return {
        "probe": probe, "when": when, "holds": holds, "value": value, "wanted": "at least 1",
        "waited_s": waited_s,
    }  # fmt: skip


def steady(tmp_path: Path, *rows: dict[str, Any]) -> Steady:
    path = tmp_path / "steady.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), schema=STEADY_SCHEMA), path)
    return read_steady(path)


def test_a_probe_has_what_it_said_before_and_after(tmp_path: Path) -> None:
    """In the order of the suite, with both waits."""
    found = steady(
        tmp_path,
        row("stock", "before", "8", 0.1),
        row("health", "before", "200", 0.1),
        row("stock", "after", "0", 30.0, holds=False),
        row("health", "after", "200", 30.0),
    )
    assert found == Steady(
        probes=(
            Probed(
                name="stock",
                wanted="at least 1",
                before=Measured(holds=True, value="8"),
                after=Measured(holds=False, value="0"),
            ),
            Probed(
                name="health",
                wanted="at least 1",
                before=Measured(holds=True, value="200"),
                after=Measured(holds=True, value="200"),
            ),
        ),
        before_s=0.1,
        after_s=30.0,
    )
    assert (found.held_before, found.held_after) == (True, False)


def test_a_run_that_ended_before_has_no_after(tmp_path: Path) -> None:
    """And what was not measured did not hold."""
    found = steady(tmp_path, row("stock", "before", "0", 10.0, holds=False))
    assert (found.probes[0].after, found.after_s) == (None, None)
    assert (found.held_before, found.held_after) == (False, False)


@pytest.mark.parametrize("content", [None, b"PAR1"])
def test_a_file_that_is_not_there_or_cut_off_has_no_probes(
    tmp_path: Path, content: bytes | None
) -> None:
    """A suite need not have any."""
    if content is not None:
        (tmp_path / "steady.parquet").write_bytes(content)
    assert read_steady(tmp_path / "steady.parquet") == Steady()
