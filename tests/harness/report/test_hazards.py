"""The hazards of a run, each told once for all the faults under which it was seen."""

import json
from pathlib import Path

from harness.report.hazards import risks_of
from harness.report.load import load


def test_what_a_pattern_does_under_every_fault_is_one_risk(run_dir: Path) -> None:
    """Counted over all of them, in the words of the first."""
    plain = run_dir / "scenarios" / "dual-write--none" / "scenario.json"
    control = run_dir / "scenarios" / "dual-write--kill-between-commit-and-publish"
    told = json.loads(plain.read_text())
    told["judgement"]["watches"] = json.loads((control / "scenario.json").read_text())["judgement"][
        "watches"
    ]
    told["judgement"]["watches"][0]["hazards"][0] |= {"count": 40, "summary": "40 times"}
    plain.write_text(json.dumps(told))
    (risk,) = risks_of(load(run_dir))
    assert (risk.pattern, risk.count, risk.first.summary) == ("dual-write", 42, "40 times")
    assert risk.faults == ("none", "kill-between-commit-and-publish")


def test_a_run_without_a_trace_has_none(run_dir: Path) -> None:
    """Nor has a scenario that was never judged."""
    for place in (run_dir / "scenarios").glob("*/scenario.json"):
        told = json.loads(place.read_text())
        told["judgement"] = None
        place.write_text(json.dumps(told))
    assert risks_of(load(run_dir)) == ()
