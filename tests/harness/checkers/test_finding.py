"""One invariant over one snapshot."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.finding import check
from harness.checkers.invariant import Invariant, Invariants
from harness.checkers.snapshot import Snapshot
from harness.model.record import ScenarioRecord
from harness.model.verdict import Finding

Make = Callable[..., ScenarioRecord]


def invariant(counterexamples: str, scope: str = "SELECT 3", family: str = "loss") -> Invariant:
    return Invariant(
        id="no-row-lost",
        family=family,
        guarantee="Every row is there.",
        patterns=(),
        summary="{pattern} under {fault} lost {count} of {judged} ({keys}): {detail}{others} {odd}",
        needs=(),
        scope=scope,
        counterexamples=counterexamples,
        path=Path("x.sql"),
    )


def found(record: ScenarioRecord, asked: Invariant, *, at_rest: bool = True) -> Finding:
    with Snapshot(record, Invariants(all=(asked,))) as snapshot:
        return check(asked, snapshot, record, at_rest=at_rest)


def test_no_counterexample_holds(make: Make) -> None:
    """And says how many things it judged."""
    finding = found(make({}), invariant("SELECT 1 AS key, 2 AS detail WHERE false"))
    assert (finding.judged, finding.violation, finding.undecided) == (3, None, None)


def test_counterexamples_violate_with_keys_in_order_and_a_sentence(make: Make) -> None:
    """Each key counts once; the sentence is about the first; an unknown name stays as written."""
    rows = "SELECT * FROM (VALUES (10, 'ten'), (9, 'nine'), (10, 'ten again')) AS t (key, detail)"
    violation = found(make({}), invariant(rows)).violation
    assert violation is not None
    assert (violation.count, violation.keys) == (2, ("9", "10"))
    assert violation.summary == "p under none lost 2 of 3 (9 and 10): nine; likewise 10 {odd}"
    assert [row["detail"] for row in violation.rows] == ["nine", "ten", "ten again"]


def test_all_keys_are_told_and_fifty_rows(make: Make) -> None:
    """The keys are the finding; the rows are there to look at."""
    rows = "SELECT i::VARCHAR AS key, 'gone' AS detail FROM range(1000) AS t (i) ORDER BY i DESC"
    violation = found(make({}), invariant(rows)).violation
    assert violation is not None
    assert (violation.count, len(violation.keys)) == (1000, 1000)
    assert [row["key"] for row in violation.rows] == [str(n) for n in range(50)]


def test_a_key_that_is_null_is_a_counterexample_too(make: Make) -> None:
    """Nothing is dropped for having no name."""
    violation = found(make({}), invariant("SELECT NULL AS key, 'odd' AS detail")).violation
    assert violation is not None
    assert violation.keys == ("NULL",)
    assert len(violation.rows) == 1


def test_quotes_in_keys_are_text(make: Make) -> None:
    """Keys are foreign data."""
    violation = found(make({}), invariant("SELECT 'o''x' AS key, 'gone' AS detail")).violation
    assert violation is not None
    assert violation.keys == ("o'x",)
    assert len(violation.rows) == 1


@pytest.mark.parametrize(
    "asked, reason",
    [
        (invariant("SELECT 1 AS key, 2 AS detail WHERE false", "SELECT 0"), "judged nothing"),
        (invariant("SELECT 1 AS key"), "the columns key and detail"),
        (invariant("SELEC"), "syntax error"),
        (invariant("SELECT 1 AS key, error('boom') AS detail"), "boom"),
        (invariant("FROM nowhere"), "nowhere does not exist"),
        (invariant("SELECT 1 AS key, 2 AS detail", "SELECT 'many'"), "one whole number"),
    ],
)
def test_what_goes_wrong_is_undecided_with_its_reason(
    make: Make, asked: Invariant, reason: str
) -> None:
    """Never held."""
    finding = found(make({}), asked)
    assert finding.violation is None
    assert reason in (finding.undecided or "")


def test_a_counterexample_outside_the_scope_still_counts(make: Make) -> None:
    """Zero judged is no excuse for what was found."""
    finding = found(make({}), invariant("SELECT 1 AS key, 'gone' AS detail", "SELECT 0"))
    assert finding.violation is not None


PENDING = "SELECT * FROM (VALUES ('1', 'a', true), ('2', 'b', {other})) AS t (key, detail, pending)"


def test_what_is_pending_counts_at_rest(make: Make) -> None:
    """Nothing will make it good any more."""
    violation = found(make({}), invariant(PENDING.format(other="NULL"))).violation
    assert violation is not None
    assert violation.keys == ("1", "2")


def test_what_is_pending_does_not_count_before_rest(make: Make) -> None:
    """What is not pending does, alone."""
    asked = invariant(PENDING.format(other="NULL"))
    violation = found(make({}), asked, at_rest=False).violation
    assert violation is not None
    assert violation.keys == ("2",)
    assert [row["key"] for row in violation.rows] == ["2"]


def test_only_pending_counterexamples_before_rest_are_undecided(make: Make) -> None:
    """Neither held nor violated."""
    finding = found(make({}), invariant(PENDING.format(other="true")), at_rest=False)
    assert finding.violation is None
    assert finding.undecided == (
        "the system had not come to rest, so 2 absences may still be made good"
    )


def test_an_incomplete_snapshot_is_judged_by_liveness_alone(make: Make) -> None:
    """What was not collected would look like lost."""
    record = replace(make({}), collected=False)
    gone = "SELECT 1 AS key, 'gone' AS detail"
    assert found(record, invariant(gone)).undecided == "the snapshot is not complete"
    assert found(record, invariant(gone, family="liveness")).violation is not None


def test_liveness_does_not_hold_over_an_incomplete_snapshot(make: Make) -> None:
    """It may break, never hold."""
    record = replace(make({}), collected=False)
    asked = invariant("SELECT 1 AS key, 2 AS detail WHERE false", family="liveness")
    assert found(record, asked).undecided == "the snapshot is not complete"
