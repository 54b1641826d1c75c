"""What findings, faults and the rig merge to, as a table."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.decide import as_expected, decide
from harness.model.fault import FaultRecord, Probe
from harness.model.op import OpCounts
from harness.model.record import ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.verdict import Finding, Judgement, Verdict, Violation

YES, NO = Probe(shown=True, says="it answers"), Probe(shown=False, says="it still answers")
PROVED = FaultRecord(name="kill", target="order", fired=True, before=YES, during=YES, after=YES)
UNPROVED = replace(PROVED, during=NO)
NOT_FIRED = FaultRecord(name="kill", target="order", before=YES)
MISFIRED = replace(PROVED, misfired="meant after it, was before it")
BROKE = replace(PROVED, error="no such node")

HELD = Finding(invariant="held", family="loss", guarantee="g", judged=4)
UNDECIDED = replace(HELD, invariant="odd", judged=0, undecided="judged nothing")


def violated(invariant: str, family: str = "loss") -> Finding:
    broken = Violation(
        invariant=invariant, family=family, guarantee="g", count=1, keys=("7",), summary=invariant
    )
    return Finding(invariant=invariant, family=family, guarantee="g", judged=4, violation=broken)


LOST, DEAD = violated("lost"), violated("dead", "liveness")


def record(
    *faults: FaultRecord,
    fault: str = "kill",
    problems: tuple[str, ...] = (),
    collected: bool = True,
    ok: int = 5,
    control: str | None = None,
) -> ScenarioRecord:
    return ScenarioRecord(
        dir=Path("x"),
        scenario=Scenario(suite="s", pattern="p", fault=fault, seed=1, control=control),
        faults=faults,
        problems=problems,
        collected=collected,
        ops=OpCounts(ok=ok),
    )


@pytest.mark.parametrize(
    "told, findings, verdict, reason",
    [
        (record(PROVED), (HELD,), Verdict.PASS, "p kept its invariant over 5 operations"),
        (
            record(fault="none"),
            (HELD, HELD),
            Verdict.PASS,
            "kept all 2 invariants over 5 operations without a fault",
        ),
        (record(PROVED), (HELD, LOST), Verdict.VIOLATION, "lost"),
        (record(UNPROVED), (LOST,), Verdict.VIOLATION, "lost"),
        (record(NOT_FIRED), (LOST,), Verdict.VIOLATION, "lost"),
        (record(PROVED, problems=("x",)), (LOST,), Verdict.VIOLATION, "lost"),
        (record(PROVED), (DEAD,), Verdict.LIVENESS, "dead"),
        (record(PROVED), (DEAD, LOST), Verdict.VIOLATION, "lost"),
        (record(PROVED, collected=False), (DEAD,), Verdict.LIVENESS, "dead"),
        (record(PROVED), (HELD, UNDECIDED), Verdict.INCONCLUSIVE, "odd is undecided: judged no"),
        (record(PROVED), (), Verdict.INCONCLUSIVE, "no invariant applies"),
        (record(PROVED, ok=0), (HELD,), Verdict.INCONCLUSIVE, "no operation of a client"),
        (record(PROVED, collected=False), (HELD,), Verdict.INCONCLUSIVE, "not complete"),
        (record(PROVED, problems=("a",)), (HELD,), Verdict.INCONCLUSIVE, "the rig failed: a"),
        (record(UNPROVED), (HELD,), Verdict.INCONCLUSIVE, "the probe during it says “it still"),
        (
            record(replace(PROVED, after=None)),
            (HELD,),
            Verdict.INCONCLUSIVE,
            "kill on order is not proved: it was not probed after it",
        ),
        (record(replace(PROVED, before=NO)), (HELD,), Verdict.INCONCLUSIVE, "the probe before it"),
        (record(BROKE), (HELD,), Verdict.INCONCLUSIVE, "kill on order went wrong: no such node"),
        (record(NOT_FIRED), (HELD,), Verdict.NOT_FIRED, "its moment never came"),
        (record(MISFIRED), (HELD,), Verdict.MISFIRED, "kill on order misfired: meant after it"),
        (record(MISFIRED), (LOST,), Verdict.VIOLATION, "lost"),
        (record(MISFIRED), (HELD, UNDECIDED), Verdict.INCONCLUSIVE, "odd is undecided"),
        (record(replace(MISFIRED, during=NO)), (HELD,), Verdict.INCONCLUSIVE, "the probe during"),
        (record(replace(MISFIRED, error="x")), (HELD,), Verdict.INCONCLUSIVE, "went wrong: x"),
        (record(), (HELD,), Verdict.NOT_FIRED, "kill was asked for and never began"),
        (record(NOT_FIRED), (UNDECIDED,), Verdict.INCONCLUSIVE, "odd is undecided"),
        (record(PROVED, UNPROVED), (HELD,), Verdict.INCONCLUSIVE, "not proved"),
        (record(PROVED, NOT_FIRED), (HELD,), Verdict.NOT_FIRED, "did not fire"),
    ],
)
def test_the_worst_wins_and_gives_the_reason(
    told: ScenarioRecord, findings: tuple[Finding, ...], verdict: Verdict, reason: str
) -> None:
    """A violation is one under any fault; whatever else is in doubt is undecided."""
    judgement = decide(told, findings)
    assert judgement.verdict is verdict
    assert reason in judgement.reason
    assert judgement.findings == findings


def test_the_earliest_family_is_told_first() -> None:
    """What was lost, before what followed from the loss."""
    findings = (violated("c", "convergence"), violated("b", "loss"), violated("a", "effect"))
    assert decide(record(PROVED), findings).reason == "b"


def test_a_control_is_told_by_the_invariant_that_it_names() -> None:
    """That is what it is there to show."""
    findings = (violated("b", "loss"), violated("c", "convergence"))
    assert decide(record(PROVED, control="c"), findings).reason == "c"


@pytest.mark.parametrize(
    "control, findings, verdict, expected",
    [
        (None, (HELD,), Verdict.PASS, True),
        (None, (LOST,), Verdict.VIOLATION, False),
        (None, (HELD,), Verdict.INCONCLUSIVE, False),
        ("lost", (LOST,), Verdict.VIOLATION, True),
        ("lost", (LOST, violated("other")), Verdict.VIOLATION, True),
        ("lost", (violated("other"),), Verdict.VIOLATION, False),
        ("lost", (HELD,), Verdict.PASS, False),
        ("lost", (HELD,), Verdict.INCONCLUSIVE, False),
        ("lost", (DEAD,), Verdict.LIVENESS, False),
        ("dead", (DEAD,), Verdict.LIVENESS, True),
    ],
)
def test_a_control_must_be_violated_by_the_invariant_it_names(
    control: str | None, findings: tuple[Finding, ...], verdict: Verdict, expected: bool
) -> None:
    """Other invariants may break with it."""
    scenario = Scenario(suite="s", pattern="p", fault="kill", seed=1, control=control)
    judgement = Judgement(verdict=verdict, reason="", findings=findings)
    assert as_expected(scenario, judgement) == expected
