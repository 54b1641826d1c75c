"""`aftershock check` and `aftershock report` on a stored run."""

import json
import shutil
from pathlib import Path

import pytest

from tests.command import Aftershock, Answer


@pytest.mark.stack
def test_check_gives_the_verdicts_that_the_run_gave(
    control_run: Answer, aftershock: Aftershock
) -> None:
    """Nothing is running, and the document is the same."""
    again = aftershock("check", control_run.json["run_dir"], "--json")
    assert again.code == control_run.code
    assert again.json == control_run.json


@pytest.mark.stack
def test_check_judges_what_is_stored_not_what_was_said(
    control_run: Answer, aftershock: Aftershock, tmp_path: Path
) -> None:
    """With the topic's records taken away, the control is no longer caught by its invariant."""
    copy = tmp_path / "copy"
    shutil.copytree(control_run.json["run_dir"], copy)
    (copy / "snapshot" / "kafka.order.events.parquet").unlink()
    again = aftershock("check", str(copy), "--json")
    (scenario,) = again.json["scenarios"]
    assert again.code == 1 and not scenario["as_expected"]
    assert "no-event-lost" not in [v["invariant"] for v in scenario["violations"]]


@pytest.mark.stack
def test_report_writes_the_pages_again(control_run: Answer, aftershock: Aftershock) -> None:
    """And prints where the page is."""
    run_dir = Path(control_run.json["run_dir"])
    before = (run_dir / "report.html").read_text()
    (run_dir / "report.html").unlink()
    answer = aftershock("report", str(run_dir))
    assert answer.code == 0
    assert answer.out.strip() == str(run_dir / "report.html")
    assert (run_dir / "report.html").read_text() == before


@pytest.mark.stack
def test_report_draws_the_keys_that_are_asked_for(
    control_run: Answer, aftershock: Aftershock, tmp_path: Path
) -> None:
    """Besides those that are drawn anyway."""
    copy = tmp_path / "copy"
    shutil.copytree(control_run.json["run_dir"], copy)
    before = (copy / "report.html").read_text()
    lost = control_run.json["scenarios"][0]["violations"][0]["keys"]
    key = next(k for k in ("4", "5", "6") if k not in lost)
    assert aftershock("report", str(copy), "--key", key).code == 0
    drawn = f"Key {key} on the wire"
    assert drawn not in before and drawn in (copy / "report.html").read_text()
    assert f"Key {lost[0]} on the wire" in before


@pytest.mark.stack
def test_a_run_that_was_never_judged_is_judged_for_its_report(
    control_run: Answer, aftershock: Aftershock, tmp_path: Path
) -> None:
    """A harness that was killed after collecting leaves a run that can still be reported."""
    copy = tmp_path / "copy"
    shutil.copytree(control_run.json["run_dir"], copy)
    (copy / "results.json").unlink()
    scenario = json.loads((copy / "scenario.json").read_text())
    (copy / "scenario.json").write_text(json.dumps({**scenario, "judgement": None}))
    assert aftershock("report", str(copy)).code == 0
    assert json.loads((copy / "results.json").read_text())["exit_code"] == 0


def test_what_is_no_run_is_one_message(aftershock: Aftershock, tmp_path: Path) -> None:
    """The path is named; exit code 254."""
    answer = aftershock("check", str(tmp_path / "nowhere"))
    assert answer.code == 254
    assert answer.err.strip() == f"aftershock: {tmp_path / 'nowhere'}: no such run directory"
