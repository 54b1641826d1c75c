"""junit.xml: one case a scenario and invariant, and nothing passes that was not shown."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.report.junit import write_junit


def written(run_dir: Path) -> ET.Element:
    return ET.parse(write_junit(run_dir)).getroot()  # noqa: S314 (our own file)


def suites(run_dir: Path) -> dict[str, ET.Element]:
    root = written(run_dir)
    assert root.tag == "testsuites"
    return {suite.get("name", ""): suite for suite in root}


def test_it_has_the_structure_that_ci_reads(run_dir: Path) -> None:
    """Suites of cases, each with names and times, and counts that are right."""
    root = written(run_dir)
    for level in (root, *root):
        for name, path in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(level.get(name, "")) == len(level.findall(f".//{path}"))
        assert float(level.get("time", "")) >= 0
    for case in root.iter("testcase"):
        assert case.get("name")
        assert case.get("classname", "").startswith("shop.")
        assert len(case.findall("failure") + case.findall("error")) <= 1


def test_a_control_that_was_caught_passes(run_dir: Path) -> None:
    """The violation is what was wanted: no failure, and it says so."""
    suite = suites(run_dir)["dual-write / kill-between-commit-and-publish"]
    assert suite.get("failures") == "0"
    out = suite.findtext("testcase[@name='no-event-lost']/system-out")
    assert out is not None
    assert out.startswith("control: violated, as it must be")


def test_what_is_undecided_is_an_error(run_dir: Path) -> None:
    """In an undecided scenario nothing passes: an error with the reason, the rest skipped."""
    suite = suites(run_dir)["outbox-cdc / connector-restart"]
    assert suite.find("testcase[@name='liveness-after-heal']/error") is not None
    passed = [case for case in suite.iter("testcase") if len(case) == 0]
    assert passed == []


def test_what_was_not_run_is_an_error(run_dir: Path) -> None:
    """A planned scenario that the run never came to does not disappear."""
    suite = suites(run_dir)["outbox-cdc / kill-between-commit-and-publish"]
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("type") == "not-run"


def test_it_carries_seed_and_command(run_dir: Path) -> None:
    """Each suite says how to run it again."""
    for name, suite in suites(run_dir).items():
        told = {p.get("name"): p.get("value") for p in suite.iter("property")}
        if told:
            pattern, fault = name.split(" / ")
            command = f"aftershock run shop --pattern {pattern} --fault {fault} --seed 7"
            assert told["reproduce"] == command
            assert told["seed"] == "7"


@pytest.mark.parametrize("control", [None, "no-event-lost"])
def test_what_was_not_expected_fails(run_dir: Path, control: str | None) -> None:
    """A violation that nobody wanted fails, and so does a control that was not caught."""
    path = run_dir / "scenarios" / "dual-write--kill-between-commit-and-publish" / "scenario.json"
    told = json.loads(path.read_text())
    told["control"] = control
    told["judgement"]["as_expected"] = False
    if control is not None:
        told["judgement"]["verdict"] = "PASS"
        for finding in told["judgement"]["findings"]:
            finding["violation"] = None
    path.write_text(json.dumps(told))
    suite = suites(run_dir)["dual-write / kill-between-commit-and-publish"]
    assert suite.find("testcase[@name='no-event-lost']/failure") is not None


def test_hostile_values_stay_values(hostile_run_dir: Path) -> None:
    """Control characters that XML forbids do not break the document."""
    assert "dual-write / none" in suites(hostile_run_dir)
