"""The figures under the verdict."""

from pathlib import Path

from harness.report.load import load
from harness.report.recording import read_recording
from harness.report.tally import Tally, tally_of


def _tallies(run_dir: Path) -> dict[str, Tally]:
    run = load(run_dir)
    return {
        stored.record.scenario.slug: tally_of(
            stored, read_recording(stored, most_operations=100, most_traces=100)
        )
        for stored in run.scenarios
    }


def test_a_lost_order_is_counted_where_it_was_lost(run_dir: Path) -> None:
    """One in the control, none in the sound scenario."""
    tallies = _tallies(run_dir)
    assert tallies["dual-write--kill-between-commit-and-publish"].lost == 1
    assert tallies["dual-write--none"].lost == 0


def test_rows_and_records_are_those_of_the_snapshot(run_dir: Path) -> None:
    """A lost order has a row and no record."""
    tallies = _tallies(run_dir)
    sound = tallies["dual-write--none"]
    control = tallies["dual-write--kill-between-commit-and-publish"]
    assert (sound.rows, sound.records) == (3 * 40, 40)
    assert (control.rows, control.records) == (37 + 36 + 36, 36)


def test_tallies_add_up_field_by_field() -> None:
    """A run's figures are the sum of its scenarios'."""
    one = Tally(acknowledged=1, rows=2, records=3, effects=4, lost=5, duplicated=6)
    two = Tally(lost=1, indeterminate=7, rejected=8)
    assert one + two == Tally(
        acknowledged=1, rows=2, records=3, effects=4, lost=6, duplicated=6,
        indeterminate=7, rejected=8,
    )  # fmt: skip
