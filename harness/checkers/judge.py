"""From a stored scenario to its judgement with evidence. Reads files, changes none."""

from dataclasses import replace

from harness.checkers.decide import as_expected, decide
from harness.checkers.evidence import evidence
from harness.checkers.finding import check
from harness.checkers.hazards import watch
from harness.checkers.invariant import Invariants, read_invariants
from harness.checkers.snapshot import QueryFailed, Snapshot
from harness.model.record import Judged, ScenarioRecord

_AT_REST = (
    "SELECT count(*) FILTER (NOT coalesce(met, false)) + (count(*) = 0)::INTEGER FROM quiescence"
)


def judge(record: ScenarioRecord, invariants: Invariants | None = None) -> Judged:
    """Judge a scenario by its own copies of the invariants, or by those given.

    Raises DeclarationError where an invariant's file is wrong.
    """
    demanded = read_invariants(record.dir / "invariants") if invariants is None else invariants
    with Snapshot(record, demanded) as snapshot:
        at_rest = _came_to_rest(snapshot)
        findings = tuple(
            check(invariant, snapshot, record, at_rest=at_rest)
            for invariant in demanded.of(record.scenario.pattern)
        )
        judgement = decide(record, findings)
        return Judged(
            judgement=judgement,
            as_expected=as_expected(record.scenario, judgement),
            evidence=evidence(snapshot, record, findings),
            watches=watch(record),
        )


def judged(record: ScenarioRecord, invariants: Invariants | None = None) -> ScenarioRecord:
    """The scenario with its judgement in it."""
    return replace(record, judged=judge(record, invariants))


def _came_to_rest(snapshot: Snapshot) -> bool:
    """Whether every condition of quiescence was met; not knowing is no."""
    try:
        return snapshot.number(_AT_REST) == 0
    except QueryFailed:
        return False
