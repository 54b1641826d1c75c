"""The matrix pattern × fault."""

import json
from pathlib import Path

from harness.model.scenario import fault_slug
from harness.report.load import load
from harness.report.matrix import matrix_of
from harness.report.words import Cell


def test_every_pair_says_what_it_came_to(run_dir: Path) -> None:
    """Ran, planned but not run, and never planned are three things."""
    matrix = matrix_of(load(run_dir))
    assert matrix.patterns == ("dual-write", "outbox-polling", "outbox-cdc")
    assert matrix.faults == ("none", "kill-between-commit-and-publish", "connector-restart")
    assert [[(c.cell, c.says) for c in row] for row in matrix.cells] == [
        [(Cell.AS_EXPECTED, "PASS"), (Cell.CAUGHT, "control caught"), (Cell.NOT_RUN, None)],
        [(Cell.NOT_RUN, None), (Cell.AS_EXPECTED, "PASS"), (Cell.NOT_RUN, None)],
        [
            (Cell.NOT_RUN, None),
            (Cell.NOT_RUN, "not run"),
            (Cell.UNDECIDED, "INCONCLUSIVE"),
        ],
    ]


def test_a_control_that_passes_is_unexpected(run_dir: Path) -> None:
    """PASS is bad news for a control."""
    path = run_dir / "scenarios" / "dual-write--kill-between-commit-and-publish" / "scenario.json"
    told = json.loads(path.read_text())
    told["judgement"] |= {"verdict": "PASS", "as_expected": False, "findings": []}
    path.write_text(json.dumps(told))
    cell = matrix_of(load(run_dir)).cells[0][1]
    assert (cell.cell, cell.says) == (Cell.UNEXPECTED, "control not caught")


def test_a_point_has_one_column_whether_it_ran_or_not(run_dir: Path) -> None:
    """Its name is longer than what the slug has of it."""
    name, point = "kill-between-commit-and-publish", "kill:order:after:order/order-db/commit/17#1"
    told = json.loads((run_dir / "run.json").read_text())
    told["scenarios"] = [slug.replace(name, fault_slug(point)) for slug in told["scenarios"]]
    (run_dir / "run.json").write_text(json.dumps(told))
    for place in sorted((run_dir / "scenarios").glob(f"*--{name}")):
        scenario = json.loads((place / "scenario.json").read_text())
        (place / "scenario.json").write_text(json.dumps({**scenario, "fault": point}))
        place.rename(place.with_name(place.name.replace(name, fault_slug(point))))

    matrix = matrix_of(load(run_dir))
    assert matrix.faults == ("none", point, "connector-restart")
    assert [row[1].says for row in matrix.cells] == ["control caught", "PASS", "not run"]
