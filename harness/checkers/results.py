"""A whole run in one document (results.json, schema 1) and one exit code."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.model.fault import FaultRecord
from harness.model.record import SCHEMA, Judged, RunRecord, ScenarioRecord
from harness.model.record_json import hazard_json, probe_json
from harness.model.verdict import ExitCode, Judgement, Verdict, merge

_NEVER_JUDGED = Judged(
    judgement=Judgement(verdict=Verdict.INCONCLUSIVE, reason="the scenario was never judged"),
    as_expected=False,
)


def exit_code(scenarios: Sequence[ScenarioRecord], planned: int | None = None) -> ExitCode:
    """Worst wins: a violation, a liveness failure or a control that was not caught, then what is
    undecided. Fewer scenarios than planned, or none, is undecided."""
    codes = {_code(scenario) for scenario in scenarios}
    if ExitCode.VIOLATED in codes:
        return ExitCode.VIOLATED
    if not scenarios or ExitCode.UNDECIDED in codes or len(scenarios) < (planned or 0):
        return ExitCode.UNDECIDED
    return ExitCode.AS_EXPECTED


def sentence(run: RunRecord) -> str:
    """What happened, in one sentence: the worst surprise, else the control that was caught."""
    surprises = [s for s in run.scenarios if not _judged(s).as_expected]
    if surprises:
        worst = max(surprises, key=lambda s: _judged(s).verdict.rank)
        return _surprise(worst)
    missing = len(run.planned) - len(run.scenarios)
    if missing > 0:
        return f"{missing} of {len(run.planned)} scenarios did not run."
    caught = [s for s in run.scenarios if s.scenario.control is not None]
    told = caught or list(run.scenarios)
    return f"{_judged(told[0]).judgement.reason}." if told else "Nothing was run."


def results_document(
    run: RunRecord,
    *,
    peak_memory_mib: float | None = None,
    timings: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The contents of results.json, which is also what --json prints."""
    return {
        "schema": SCHEMA,
        "exit_code": exit_code(run.scenarios, len(run.planned)).value,
        "verdict": merge(_judged(s).verdict for s in run.scenarios).value,
        "run_dir": str(run.dir),
        "suite": run.suite,
        "seed": run.seed,
        "backend": run.backend,
        "command": shlex.join(run.command),
        "sentence": sentence(run),
        "peak_memory_mib": peak_memory_mib,
        "scenarios": [_scenario(run, s) for s in run.scenarios],
        "timings": dict(timings or {}),
    }


def _code(record: ScenarioRecord) -> ExitCode:
    judged = _judged(record)
    if judged.as_expected:
        return ExitCode.AS_EXPECTED
    return ExitCode.VIOLATED if judged.verdict.decided else ExitCode.UNDECIDED


def _surprise(record: ScenarioRecord) -> str:
    judged, what = _judged(record), record.scenario
    if what.control is not None and judged.verdict.decided:
        return (
            f"The control {what.pattern} under {what.fault} was not caught: it should have "
            f"violated {what.control}, and came out as {judged.verdict.value}."
        )
    return f"{judged.judgement.reason}."


def _scenario(run: RunRecord, record: ScenarioRecord) -> dict[str, Any]:
    judged, what = _judged(record), record.scenario
    findings = judged.judgement.findings
    return {
        "suite": what.suite,
        "pattern": what.pattern,
        "fault": what.fault,
        "seed": what.seed,
        "control": what.control is not None,
        "as_expected": judged.as_expected,
        "verdict": judged.verdict.value,
        "reason": judged.judgement.reason,
        "duration_s": record.duration_s,
        "dir": record.dir.relative_to(run.dir).as_posix(),
        "ops": {"ok": record.ops.ok, "fail": record.ops.fail, "info": record.ops.info},
        "faults": [_fault(f) for f in record.faults],
        "violations": [
            {"invariant": v.invariant, "count": v.count, "keys": list(v.keys), "summary": v.summary}
            for v in (f.violation for f in findings)
            if v is not None
        ],
        "checked": {f.invariant: f.judged for f in findings},
        "hazards": [hazard_json(hazard) for hazard in judged.hazards],
        "watched": {w.rule: w.judged for w in judged.watches if w.undecided is None},
    }


def _fault(fault: FaultRecord) -> dict[str, Any]:
    return {
        "name": fault.name,
        "target": fault.target,
        "fired": fault.fired,
        "proved": fault.proved,
        "misfired": fault.misfired,
        "injected_at": fault.injected_at,
        "healed_at": fault.healed_at,
        "evidence": {
            "before": probe_json(fault.before),
            "during": probe_json(fault.during),
            "after": probe_json(fault.after),
            "achieved": dict(fault.achieved),
            **fault.evidence,
        },
    }


def _judged(record: ScenarioRecord) -> Judged:
    return record.judged or _NEVER_JUDGED
