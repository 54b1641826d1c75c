"""A run in one document, one sentence and one exit code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.results import exit_code, results_document, sentence
from harness.model.fault import FaultRecord, Probe
from harness.model.hazard import Hazard, Watch
from harness.model.op import OpCounts
from harness.model.record import Judged, RunRecord, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.verdict import ExitCode, Finding, Judgement, Verdict, Violation

RUN = Path("results/shop/x-7")


def scenario(
    verdict: Verdict | None,
    *,
    expected: bool = False,
    control: str | None = None,
    pattern: str = "p",
    findings: tuple[Finding, ...] = (),
) -> ScenarioRecord:
    judgement = None
    if verdict is not None:
        told = Judgement(verdict=verdict, reason=f"{pattern} {verdict.value}", findings=findings)
        judgement = Judged(judgement=told, as_expected=expected)
    yes = Probe(shown=True, says="so", measured={"n": 1})
    kill = FaultRecord(
        name="kill",
        target="order",
        injected_at=1.5,
        before=yes,
        fired=True,
        achieved={"cut_keys": ["17"]},
        evidence={"achieved_cut": {"when": "before"}},
        misfired="meant after it",
    )
    return ScenarioRecord(
        dir=RUN / "scenarios" / f"{pattern}--kill",
        scenario=Scenario(suite="shop", pattern=pattern, fault="kill", seed=7, control=control),
        faults=(kill,),
        ops=OpCounts(ok=4, fail=1, info=2),
        duration_s=3.5,
        judged=judgement,
    )


PASSED = scenario(Verdict.PASS, expected=True)
CAUGHT = scenario(Verdict.VIOLATION, expected=True, control="no-event-lost", pattern="c")
VIOLATED = scenario(Verdict.VIOLATION)
DEAD = scenario(Verdict.LIVENESS)
DOUBTFUL = scenario(Verdict.INCONCLUSIVE)
ESCAPED = scenario(Verdict.PASS, control="no-event-lost", pattern="c")
DOUBTFUL_CONTROL = scenario(Verdict.INCONCLUSIVE, control="no-event-lost", pattern="c")
WRONGLY_CAUGHT = scenario(Verdict.VIOLATION, control="no-event-lost", pattern="c")


@pytest.mark.parametrize(
    "scenarios, planned, code",
    [
        ([PASSED], 1, ExitCode.AS_EXPECTED),
        ([PASSED, CAUGHT], 2, ExitCode.AS_EXPECTED),
        ([PASSED, VIOLATED], 2, ExitCode.VIOLATED),
        ([DEAD], 1, ExitCode.VIOLATED),
        ([PASSED, ESCAPED], 2, ExitCode.VIOLATED),
        ([PASSED, WRONGLY_CAUGHT], 2, ExitCode.VIOLATED),
        ([PASSED, DOUBTFUL], 2, ExitCode.UNDECIDED),
        ([DOUBTFUL_CONTROL], 1, ExitCode.UNDECIDED),
        ([scenario(Verdict.NOT_FIRED)], 1, ExitCode.UNDECIDED),
        ([scenario(Verdict.FLAKY)], 1, ExitCode.UNDECIDED),
        ([DOUBTFUL, VIOLATED], 2, ExitCode.VIOLATED),
        ([scenario(None)], 1, ExitCode.UNDECIDED),
        ([PASSED], 2, ExitCode.UNDECIDED),
        ([VIOLATED], 2, ExitCode.VIOLATED),
        ([], 0, ExitCode.UNDECIDED),
    ],
)
def test_the_exit_code_is_the_worst_of_all(
    scenarios: list[ScenarioRecord], planned: int, code: ExitCode
) -> None:
    """0 all as expected, 1 guilty or a control not caught, 2 undecided; nothing run is no pass."""
    assert exit_code(scenarios, planned) is code


def run(*scenarios: ScenarioRecord, planned: int | None = None) -> RunRecord:
    slugs = tuple(f"s{n}" for n in range(len(scenarios) if planned is None else planned))
    return RunRecord(
        dir=RUN,
        suite="shop",
        seed=7,
        command=("aftershock", "run", "a b"),
        backend="namespaces",
        planned=slugs,
        scenarios=scenarios,
    )


@pytest.mark.parametrize(
    "told, says",
    [
        (run(PASSED, CAUGHT), "c VIOLATION."),
        (run(PASSED, DOUBTFUL), "p INCONCLUSIVE."),
        (run(DOUBTFUL, VIOLATED), "p VIOLATION."),
        (run(PASSED), "p PASS."),
        (run(PASSED, planned=3), "2 of 3 scenarios did not run."),
        (run(), "Nothing was run."),
        (
            run(ESCAPED),
            (
                "The control c under kill was not caught: it should have violated no-event-lost, "
                "and came out as PASS."
            ),
        ),
        (run(DOUBTFUL_CONTROL), "c INCONCLUSIVE."),
        (run(scenario(None)), "the scenario was never judged."),
    ],
)
def test_one_sentence_says_what_happened(told: RunRecord, says: str) -> None:
    """The worst surprise first, then the control that was caught."""
    assert sentence(told) == says


def test_the_document_has_what_the_contract_names() -> None:
    """Field by field; the relative directory finds the scenario's files."""
    broken = Violation(
        invariant="no-event-lost",
        family="loss",
        guarantee="g",
        count=1,
        keys=("17",),
        summary="lost",
        rows=({"key": "17"},),
    )
    findings = (
        Finding(
            invariant="no-event-lost", family="loss", guarantee="g", judged=4, violation=broken
        ),
        Finding(invariant="held", family="loss", guarantee="g", judged=3),
    )
    caught = scenario(Verdict.VIOLATION, expected=True, control="no-event-lost", findings=findings)
    document = results_document(run(caught), peak_memory_mib=900.5, timings={"ready_s": 4.5})
    assert json.loads(json.dumps(document)) == {
        "schema": 1,
        "exit_code": 0,
        "verdict": "VIOLATION",
        "run_dir": str(RUN),
        "suite": "shop",
        "seed": 7,
        "backend": "namespaces",
        "command": "aftershock run 'a b'",
        "sentence": "p VIOLATION.",
        "peak_memory_mib": 900.5,
        "scenarios": [
            {
                "suite": "shop",
                "pattern": "p",
                "fault": "kill",
                "seed": 7,
                "control": True,
                "as_expected": True,
                "verdict": "VIOLATION",
                "reason": "p VIOLATION",
                "duration_s": 3.5,
                "dir": "scenarios/p--kill",
                "ops": {"ok": 4, "fail": 1, "info": 2},
                "faults": [
                    {
                        "name": "kill",
                        "target": "order",
                        "fired": True,
                        "proved": False,
                        "misfired": "meant after it",
                        "injected_at": 1.5,
                        "healed_at": None,
                        "evidence": {
                            "before": {"shown": True, "says": "so", "measured": {"n": 1}},
                            "during": None,
                            "after": None,
                            "achieved": {"cut_keys": ["17"]},
                            "achieved_cut": {"when": "before"},
                        },
                    }
                ],
                "violations": [
                    {"invariant": "no-event-lost", "count": 1, "keys": ["17"], "summary": "lost"}
                ],
                "checked": {"no-event-lost": 4, "held": 3},
                "hazards": [],
                "watched": {},
            }
        ],
        "timings": {"ready_s": 4.5},
    }


def test_hazards_are_told_and_change_nothing() -> None:
    """With what each rule was applied to; a rule that could not be applied is not named."""
    hazard = Hazard(
        rule="dual-write",
        says="w",
        node="order",
        summary="often",
        count=2,
        keys=("1", "2"),
        rows=({"key": "1", "ms": 0.4},),
    )
    watches = (
        Watch(rule="dual-write", says="w", judged=9, hazards=(hazard,)),
        Watch(rule="silent", says="s", judged=3),
        Watch(rule="broken", says="b", judged=0, undecided="no such column"),
    )
    passed = scenario(Verdict.PASS, expected=True)
    assert passed.judged is not None
    risky = replace(passed, judged=replace(passed.judged, watches=watches))
    document = results_document(run(risky))
    (told,) = document["scenarios"]
    assert told["hazards"] == [
        {
            "rule": "dual-write",
            "says": "w",
            "node": "order",
            "summary": "often",
            "count": 2,
            "keys": ["1", "2"],
            "rows": [{"key": "1", "ms": 0.4}],
        }
    ]
    assert told["watched"] == {"dual-write": 9, "silent": 3}
    assert (document["exit_code"], document["verdict"]) == (0, "PASS")
