"""Which keys are drawn: violated ones, struck ones, those asked for, and the first few."""

from dataclasses import replace
from pathlib import Path

from harness.report.load import StoredScenario, load
from harness.report.recording import Recording, read_recording
from harness.report.sequences import sequences_of

CONTROL = "dual-write--kill-between-commit-and-publish"


def stored(run_dir: Path) -> tuple[StoredScenario, Recording]:
    one = next(s for s in load(run_dir).scenarios if s.scenario.slug == CONTROL)
    return one, read_recording(one, most_operations=500, most_traces=0)


def test_violated_keys_come_first_then_the_first_of_the_workload(run_dir: Path) -> None:
    """Key 3 is one of these and was never on the wire."""
    found = sequences_of(*stored(run_dir), most=9, most_messages=50)
    assert [(d.key, d.why) for d in found] == [("17", "violated"), ("1", ""), ("2", "")]
    assert [d.anchor for d in found] == [f"{CONTROL}.wire.{n}" for n in (1, 2, 3)]
    assert all(d.drawing.startswith("<svg") for d in found)


def test_keys_that_the_fault_names_are_drawn_without_a_violation(run_dir: Path) -> None:
    """A sound pattern under the same fault."""
    one, recording = stored(run_dir)
    sound = replace(one, record=replace(one.record, judged=None))
    found = sequences_of(sound, recording, most=9, most_messages=50)
    assert next((d.key, d.why) for d in found) == ("17", "struck")


def test_keys_that_were_asked_for_are_drawn_in_any_case(run_dir: Path) -> None:
    """The others within the limit."""
    one, recording = stored(run_dir)
    found = sequences_of(one, recording, asked=["2", "nowhere"], most=1, most_messages=50)
    assert [d.key for d in found] == ["17", "2"]
    assert sequences_of(one, recording, most=0, most_messages=50) == ()


def test_without_a_history_the_first_effects_keys_are_drawn(run_dir: Path) -> None:
    """A run that died early has no more."""
    one, _ = stored(run_dir)
    bare = replace(one, record=replace(one.record, judged=None, faults=()))
    found = sequences_of(bare, Recording(), most=9, most_messages=50)
    assert [d.key for d in found] == ["1", "2", "17"]


def test_the_diagram_ends_with_what_never_came(run_dir: Path) -> None:
    """Of the key whose chain broke, and of no other; what is left out is counted."""
    first, second, _ = sequences_of(*stored(run_dir), most=9, most_messages=4)
    assert "✗ no PRODUCE of key 17 ever" in first.drawing
    assert "✗ no" not in second.drawing
    assert (first.hidden, second.hidden) == (0, 7)
