"""A stored run as the report takes it."""

import json
from pathlib import Path

import pytest

from harness.errors import DeclarationError
from harness.model.verdict import Verdict
from harness.report.load import load, reproduce


def test_a_stored_judgement_outranks_the_results(run_dir: Path) -> None:
    """results.json says what was printed; scenario.json what was judged, perhaps again."""
    path = run_dir / "scenarios" / "dual-write--none" / "scenario.json"
    told = json.loads(path.read_text())
    told["judgement"] |= {"verdict": "LIVENESS", "reason": "judged again", "as_expected": False}
    path.write_text(json.dumps(told))
    first = load(run_dir).scenarios[0]
    assert (first.verdict, first.reason) == (Verdict.LIVENESS, "judged again")
    assert not first.as_expected


def test_a_run_that_was_killed_is_loaded_as_far_as_it_went(run_dir: Path) -> None:
    """Without results.json there is still what each scenario came to."""
    (run_dir / "results.json").unlink()
    run = load(run_dir)
    assert run.exit_code is None
    assert run.sentence == "The run did not finish."
    assert [s.verdict for s in run.scenarios].count(Verdict.PASS) == 2


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(DeclarationError, match=str(tmp_path)):
        load(tmp_path)


def test_one_command_runs_a_scenario_again(run_dir: Path) -> None:
    """Suite, pattern, fault and seed, and nothing that is a default."""
    run = load(run_dir)
    again = reproduce(run, run.scenarios[0].scenario)
    seed = run.scenarios[0].scenario.seed
    assert again == f"aftershock run shop --pattern dual-write --fault none --seed {seed}"
