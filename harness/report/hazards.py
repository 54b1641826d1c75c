"""The hazards of a run, for people: what a pattern does under every fault is told once."""

from dataclasses import dataclass

from harness.model.hazard import Hazard
from harness.report.load import StoredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One rule that one node of a pattern does not keep."""

    pattern: str
    faults: tuple[str, ...]
    """Under which it was seen, in the order of the run."""
    first: Hazard
    """As it was seen first."""
    count: int
    """How often, under all of them."""


def risks_of(run: StoredRun) -> tuple[Risk, ...]:
    """By pattern, rule and node, in the order in which they were seen."""
    seen: dict[tuple[str, str, str], list[tuple[str, Hazard]]] = {}
    for stored in run.scenarios:
        judged = stored.record.judged
        for hazard in () if judged is None else judged.hazards:
            place = (stored.scenario.pattern, hazard.rule, hazard.node)
            seen.setdefault(place, []).append((stored.scenario.fault, hazard))
    return tuple(
        Risk(
            pattern=pattern,
            faults=tuple(fault for fault, _ in found),
            first=found[0][1],
            count=sum(hazard.count for _, hazard in found),
        )
        for (pattern, _, _), found in seen.items()
    )
