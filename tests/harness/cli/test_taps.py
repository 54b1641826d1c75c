"""Runs whose taps fail them, on the real stack: undecided, with the reason, whatever was found."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.command import Aftershock
from tests.harness.cli.conftest import Started

pytestmark = pytest.mark.stack

ONE = ("-p", "dual-write", "-f", "none", "--offline", "--seed", "1", "--json")


def test_a_tap_that_dies_makes_the_run_undecided(started: Callable[..., Started]) -> None:
    run = started("--pattern", "dual-write", "--fault", "none", "--seed", "3")
    run.until("phase workload")
    os.kill(_tap_of(run.process.pid), signal.SIGKILL)
    _, err = run.process.communicate(timeout=150)
    assert run.process.returncode == 2, err
    (scenario,) = json.loads((run.run_dir / "results.json").read_text())["scenarios"]
    assert scenario["verdict"] == "INCONCLUSIVE"
    assert "the tap process has died" in scenario["reason"]


def test_who_goes_round_the_taps_makes_the_run_undecided(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """A service that has its database's address instead of its name."""
    shutil.copytree(Path(small).parents[1], tmp_path, dirs_exist_ok=True)
    file = tmp_path / "compose" / "shop.yaml"
    text = file.read_text(encoding="utf-8")
    wanted = "postgresql://shop:shop@inventory-db:5432/inventory"
    assert wanted in text
    file.write_text(text.replace("@inventory-db:", "@198.18.0.11:"), encoding="utf-8")
    answer = aftershock(
        "run", str(tmp_path / "suites" / "shop"), *ONE, "--out", str(tmp_path / "out")
    )
    (scenario,) = answer.json["scenarios"]
    assert (answer.code, scenario["verdict"]) == (2, "INCONCLUSIVE"), answer.err
    assert "inventory went round the taps to inventory-db" in scenario["reason"]


def test_without_taps_the_verdict_is_the_same_and_there_is_no_trace(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    answer = aftershock("run", small, *ONE, "--no-taps", "--out", str(tmp_path))
    (scenario,) = answer.json["scenarios"]
    assert (answer.code, scenario["verdict"]) == (0, "PASS"), scenario["reason"]
    assert not (Path(answer.json["run_dir"]) / "trace.parquet").exists()


def test_payloads_are_kept_as_far_as_asked_for(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    answer = aftershock("run", small, *ONE, "--trace-payloads", "16", "--out", str(tmp_path))
    trace = pq.read_table(Path(answer.json["run_dir"]) / "trace.parquet").to_pylist()
    commits = [row for row in trace if row["kind"] == "commit"]
    assert commits
    assert all(0 < len(row["payload"]) <= 16 for row in commits)


def _tap_of(harness: int) -> int:
    """The tap process among the harness's descendants."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if b"harness.tap" in command and harness in _ancestors(entry):
                return int(entry.name)
        except OSError:
            continue  # it has ended meanwhile
    raise AssertionError("there is no tap process")


def _ancestors(process: Path) -> Iterator[int]:
    while process.name != "0":
        status = (process / "status").read_text()
        process = process.with_name(status.split("PPid:")[1].split()[0])
        yield int(process.name)
