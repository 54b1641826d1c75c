"""A suite's declaration: a system with its patterns, workload, invariants and quiet conditions.

What is said here holds for every pattern, unless the pattern says something of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.guarantees import Guarantee
from harness.model.scenario import Pattern, Plan
from harness.model.steady import Probe, Probes
from harness.model.store_query import StoreQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is run and how it is judged. Paths are absolute."""

    name: str
    about: str
    compose: Path
    patterns: Sequence[Pattern]
    committed: StoreQuery
    """SQL of the business keys that are committed and, in a second column where a key can change
    more than once, how many changes of it: each is an event."""
    entry: tuple[str, int]
    """(node, port) that the workload's requests go to."""
    plan: Plan
    invariants: Path | None = None
    """The folder of the suite's own .sql files; a pattern may ask for folders in it, besides."""
    guarantees: Sequence[Guarantee] = ()
    """What is promised of every pattern by declaration, and judged by built-in invariants."""
    key_columns: frozenset[str] = frozenset()
    """Names of the columns that hold the business key, wherever they appear."""
    request_timeout_s: float = 10.0
    steady: Probes = ()
    """What has to hold before the first fault (else there is nothing to disturb) and again after
    healing."""
    named_faults: Mapping[str, str] = field(default_factory=dict)
    """Names that `--fault` takes, besides the catalogue's → the fault as it is written there:
    `{"review-down": "down:review"}`."""

    def pattern(self, name: str) -> Pattern:
        """The pattern of that name. Raises KeyError."""
        for pattern in self.patterns:
            if pattern.name == name:
                return pattern
        raise KeyError(name)

    @property
    def default_matrix(self) -> tuple[tuple[str, str], ...]:
        """(pattern, fault) pairs that a run without arguments takes, in order."""
        return tuple((pattern.name, fault) for pattern in self.patterns for fault in pattern.faults)

    def committed_under(self, pattern: Pattern) -> StoreQuery:
        """What counts as committed under a pattern."""
        return pattern.committed or self.committed

    def steady_under(self, pattern: Pattern) -> tuple[Probe, ...]:
        """What has to hold before the first fault and again after healing."""
        return (*self.steady, *pattern.steady)

    def plan_under(self, pattern: Pattern) -> Plan:
        """What customers do under a pattern."""
        return pattern.plan or self.plan
