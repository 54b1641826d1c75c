"""The figures under the verdict: how much was acknowledged, stored, sent, applied, lost, doubled.

Families are recognised by what their names say, so that a user's own invariants count too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.verdict import Finding
from harness.report.load import StoredScenario
from harness.report.recording import Recording

_LOST = ("lost",)
_DOUBLED = ("once", "duplicat", "doubled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts over one scenario or many. `lost` and `duplicated` count counterexamples."""

    acknowledged: int = 0
    rows: int = 0
    records: int = 0
    effects: int = 0
    lost: int = 0
    duplicated: int = 0
    indeterminate: int = 0
    rejected: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            acknowledged=self.acknowledged + other.acknowledged,
            rows=self.rows + other.rows,
            records=self.records + other.records,
            effects=self.effects + other.effects,
            lost=self.lost + other.lost,
            duplicated=self.duplicated + other.duplicated,
            indeterminate=self.indeterminate + other.indeterminate,
            rejected=self.rejected + other.rejected,
        )


def tally_of(stored: StoredScenario, recording: Recording) -> Tally:
    """The figures of one scenario."""
    return Tally(
        acknowledged=stored.record.ops.ok,
        rows=sum(t.rows for t in recording.tables if t.kind == "db"),
        records=sum(t.rows for t in recording.tables if t.kind == "kafka"),
        effects=sum(f.judged for f in stored.findings if _is(f, _DOUBLED)),
        lost=_violated(stored.findings, _LOST),
        duplicated=_violated(stored.findings, _DOUBLED),
        indeterminate=stored.record.ops.info,
        rejected=stored.record.ops.fail,
    )


def _violated(findings: Iterable[Finding], words: tuple[str, ...]) -> int:
    return sum(f.violation.count for f in findings if f.violation is not None and _is(f, words))


def _is(finding: Finding, words: tuple[str, ...]) -> bool:
    return any(word in f"{finding.family} {finding.invariant}" for word in words)
