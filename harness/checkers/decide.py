"""What findings, faults and the rig's problems merge to: verdict, reason, as expected or not.

Order of design.md §9, worst wins. A violation counts even under a fault that was not proved;
anything else that is not beyond doubt is undecided, and nothing passes by accident.
"""

from collections.abc import Iterator, Sequence

from harness.checkers.invariant import FAMILIES, LIVENESS
from harness.checkers.keys import in_words
from harness.model.fault import FaultRecord
from harness.model.record import ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.verdict import Finding, Judgement, Verdict, Violation

NO_FAULT = "none"


def decide(record: ScenarioRecord, findings: tuple[Finding, ...]) -> Judgement:
    """Merge everything. The reason is the worst verdict's, the first of it."""
    reasons = [*_from_findings(record.scenario, findings), *_from_rig(record, findings)]
    reasons.extend(_from_faults(record))
    if not reasons:
        return Judgement(verdict=Verdict.PASS, reason=_held(record, findings), findings=findings)
    verdict, reason = max(reasons, key=lambda pair: pair[0].rank)
    return Judgement(verdict=verdict, reason=reason, findings=findings)


def as_expected(scenario: Scenario, judgement: Judgement) -> bool:
    """No control: it passed. A control: it was violated, the named invariant among others."""
    if scenario.control is None:
        return judgement.verdict is Verdict.PASS
    violated = {f.invariant for f in judgement.findings if f.violation is not None}
    return judgement.verdict in _CAUGHT and scenario.control in violated


_CAUGHT = {Verdict.VIOLATION, Verdict.LIVENESS}
"""A control that names a liveness invariant comes out as LIVENESS."""


def _from_findings(
    scenario: Scenario, findings: tuple[Finding, ...]
) -> Iterator[tuple[Verdict, str]]:
    broken = [f.violation for f in findings if f.violation is not None]
    for violation in sorted(broken, key=lambda v: _told_first(scenario, v)):
        liveness = violation.family == LIVENESS
        yield Verdict.LIVENESS if liveness else Verdict.VIOLATION, violation.summary


def _told_first(scenario: Scenario, violation: Violation) -> tuple[bool, int, str]:
    """The invariant that the control names, then by family."""
    family = FAMILIES.index(violation.family) if violation.family in FAMILIES else len(FAMILIES)
    return violation.invariant != scenario.control, family, violation.invariant


def _from_rig(
    record: ScenarioRecord, findings: tuple[Finding, ...]
) -> Iterator[tuple[Verdict, str]]:
    """What keeps the scenario undecided besides its fault, the cause before its consequences."""
    reasons = [f"the rig failed: {problem}" for problem in record.problems]
    if not record.collected:
        reasons.append(
            "the snapshot is not complete, so nothing absent from it is known to be lost"
        )
    if record.ops.ok == 0:
        reasons.append("no operation of a client succeeded, so nothing was put to the test")
    if not findings:
        reasons.append("no invariant applies to this pattern")
    reasons.extend(
        f"{f.invariant} is undecided: {f.undecided}" for f in findings if f.undecided is not None
    )
    for reason in reasons:
        yield Verdict.INCONCLUSIVE, reason


def _from_faults(record: ScenarioRecord) -> Iterator[tuple[Verdict, str]]:
    if record.scenario.fault != NO_FAULT and not record.faults:
        yield Verdict.NOT_FIRED, f"{record.scenario.fault} was asked for and never began"
    for fault in record.faults:
        if fault.error is not None:
            yield Verdict.INCONCLUSIVE, f"{_named(fault)} went wrong: {fault.error}"
        elif not fault.fired:
            yield Verdict.NOT_FIRED, f"{_named(fault)} did not fire: its moment never came"
        else:
            if fault.misfired is not None:
                yield Verdict.MISFIRED, f"{_named(fault)} misfired: {fault.misfired}"
            if not fault.proved:
                yield Verdict.INCONCLUSIVE, f"{_named(fault)} is not proved: {_unproved(fault)}"


def _unproved(fault: FaultRecord) -> str:
    """The first probe that is missing or shows something else, in words."""
    probes = (("before", fault.before), ("during", fault.during), ("after", fault.after))
    for when, probe in probes:
        if probe is None:
            return (
                f"it was not probed {when} it"
                if when != "during"
                else "it was not probed during it"
            )
        if not probe.shown:
            return f"the probe {when} it says “{probe.says}”"
    return ""


def _named(fault: FaultRecord) -> str:
    return f"{fault.name} on {fault.target}" if fault.target else fault.name


def _held(record: ScenarioRecord, findings: Sequence[Finding]) -> str:
    faults = in_words([_named(f) for f in record.faults])
    under = f"under {faults}, proved before, during and after" if faults else "without a fault"
    all_of_them = f"all {len(findings)} invariants" if len(findings) > 1 else "its invariant"
    ops = f"{record.ops.ok:,} operations"
    return f"{record.scenario.pattern} kept {all_of_them} over {ops} {under}"
