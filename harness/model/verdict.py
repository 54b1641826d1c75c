"""Verdicts, their merge order and the exit codes, each defined once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What a scenario came to. Only PASS, VIOLATION and LIVENESS are decided."""

    PASS = "PASS"
    FLAKY = "FLAKY"
    MISFIRED = "MISFIRED"
    NOT_FIRED = "NOT_FIRED"
    INCONCLUSIVE = "INCONCLUSIVE"
    LIVENESS = "LIVENESS"
    VIOLATION = "VIOLATION"

    @property
    def rank(self) -> int:
        """Worst wins: a higher rank hides a lower one."""
        return _RANK[self]

    @property
    def decided(self) -> bool:
        return self in {Verdict.PASS, Verdict.VIOLATION, Verdict.LIVENESS}


_RANK = {
    Verdict.PASS: 0,
    Verdict.FLAKY: 1,
    Verdict.MISFIRED: 2,
    Verdict.NOT_FIRED: 2,
    Verdict.INCONCLUSIVE: 3,
    Verdict.LIVENESS: 4,
    Verdict.VIOLATION: 5,
}


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them. No verdict at all is INCONCLUSIVE: nothing passes by accident."""
    return max(verdicts, key=lambda v: v.rank, default=Verdict.INCONCLUSIVE)


class ExitCode(Enum):
    """What the command returns."""

    AS_EXPECTED = 0
    VIOLATED = 1
    UNDECIDED = 2
    USAGE = 254
    BUG = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One invariant that does not hold, with its counterexamples."""

    invariant: str
    family: str
    guarantee: str
    count: int
    keys: tuple[str, ...]
    """Business keys of the counterexamples, sorted, all of them."""
    summary: str
    rows: tuple[Mapping[str, Any], ...] = ()
    """The counterexamples as the query returned them, JSON-serialisable, at most 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one invariant's check came to: held, violated, or undecided with the reason."""

    invariant: str
    family: str
    guarantee: str
    judged: int
    """How many things the scope query counted; 0 is undecided."""
    violation: Violation | None = None
    undecided: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All findings over one snapshot, and the verdict they and the faults merge to."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = field(default_factory=tuple)
