"""Records to and from the JSON objects of run.json and scenario.json (the run directory's contract).

Reading is strict about the schema's number and about types, and lenient about what a run that
died did not come to write. Errors are DeclarationError and name the file and the field.
"""

from pathlib import Path
from typing import Any

from harness.model.fault import FaultRecord, Probe
from harness.model.hazard import Hazard, Watch
from harness.model.json_fields import Fields, Json
from harness.model.load import AS_DECLARED, Load
from harness.model.op import OpCounts
from harness.model.outbox import Outbox
from harness.model.record import (
    SCHEMA,
    Chain,
    ChainLink,
    Judged,
    NodeRecord,
    Phase,
    RunRecord,
    ScenarioRecord,
    Traced,
)
from harness.model.scenario import Hop, Scenario
from harness.model.verdict import Finding, Judgement, Violation


def run_json(run: RunRecord) -> dict[str, Any]:
    """The contents of run.json."""
    return {
        "schema": SCHEMA,
        "suite": run.suite,
        "seed": run.seed,
        "command": list(run.command),
        "backend": run.backend,
        "started_at": run.started_at,
        "versions": dict(run.versions),
        "machine": dict(run.machine),
        "scenarios": list(run.planned),
    }


def scenario_json(record: ScenarioRecord) -> dict[str, Any]:
    """The contents of scenario.json."""
    what = record.scenario
    return {
        "schema": SCHEMA,
        "suite": what.suite,
        "pattern": what.pattern,
        "promises": record.promises,
        "fault": what.fault,
        "seed": what.seed,
        "control": what.control,
        "load": {"duration_s": what.load.duration_s, "rate_per_s": what.load.rate_per_s},
        "started_at": record.started_at,
        "nodes": [{"name": n.name, "role": n.role, "address": n.address} for n in record.nodes],
        "phases": [{"name": p.name, "start_s": p.start_s, "end_s": p.end_s} for p in record.phases],
        "ops": {"ok": record.ops.ok, "fail": record.ops.fail, "info": record.ops.info},
        "faults": [_fault_json(f) for f in record.faults],
        "hops": [
            {"name": h.name, "node": h.node, "query": h.query, "says": h.says} for h in record.hops
        ],
        "outboxes": [{"node": o.node, "table": o.table, "sent": o.sent} for o in record.outboxes],
        "problems": list(record.problems),
        "collected": record.collected,
        "duration_s": record.duration_s,
        "peak_memory_mib": record.peak_memory_mib,
        "judgement": None if record.judged is None else judged_json(record.judged),
    }


def judged_json(judged: Judged) -> dict[str, Any]:
    """The `judgement` object of scenario.json."""
    return {
        "verdict": judged.judgement.verdict.value,
        "reason": judged.judgement.reason,
        "as_expected": judged.as_expected,
        "findings": [_finding_json(f) for f in judged.judgement.findings],
        "evidence": {
            invariant: {key: _chain_json(chain) for key, chain in keys.items()}
            for invariant, keys in judged.evidence.items()
        },
        "watches": [_watch_json(w) for w in judged.watches],
    }


def hazard_json(hazard: Hazard) -> dict[str, Any]:
    """One hazard, as in results.json."""
    return {
        "rule": hazard.rule,
        "says": hazard.says,
        "node": hazard.node,
        "summary": hazard.summary,
        "count": hazard.count,
        "keys": list(hazard.keys),
        "rows": [dict(row) for row in hazard.rows],
    }


def probe_json(probe: Probe | None) -> dict[str, Any] | None:
    """One probe, None where it was not taken."""
    if probe is None:
        return None
    return {"shown": probe.shown, "says": probe.says, "measured": dict(probe.measured)}


def _fault_json(fault: FaultRecord) -> dict[str, Any]:
    return {
        "name": fault.name,
        "target": fault.target,
        "fired": fault.fired,
        "injected_at": fault.injected_at,
        "proved_at": fault.proved_at,
        "healed_at": fault.healed_at,
        "recovered_at": fault.recovered_at,
        "before": probe_json(fault.before),
        "during": probe_json(fault.during),
        "after": probe_json(fault.after),
        "achieved": dict(fault.achieved),
        "evidence": dict(fault.evidence),
        "misfired": fault.misfired,
        "error": fault.error,
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    broken = finding.violation
    return {
        "invariant": finding.invariant,
        "family": finding.family,
        "guarantee": finding.guarantee,
        "judged": finding.judged,
        "undecided": finding.undecided,
        "violation": None
        if broken is None
        else {
            "count": broken.count,
            "keys": list(broken.keys),
            "summary": broken.summary,
            "rows": [dict(row) for row in broken.rows],
        },
    }


def _watch_json(watch: Watch) -> dict[str, Any]:
    return {
        "rule": watch.rule,
        "says": watch.says,
        "judged": watch.judged,
        "undecided": watch.undecided,
        "hazards": [hazard_json(h) for h in watch.hazards],
    }


def _chain_json(chain: Chain) -> dict[str, Any]:
    return {
        "chain": [
            {
                "hop": link.hop,
                "node": link.node,
                "says": link.says,
                "state": link.state,
                "rows": [dict(row) for row in link.rows],
                "traces": [{"kind": t.kind, "text": t.text} for t in link.traces],
            }
            for link in chain.links
        ],
        "broke_at": chain.broke_at,
    }


def run_of(told: Json, path: Path, scenarios: tuple[ScenarioRecord, ...] = ()) -> RunRecord:
    """What run.json at `path` says, with the scenarios that were found beside it."""
    fields = Fields(told, path)
    fields.check_schema(SCHEMA)
    return RunRecord(
        dir=path.parent,
        suite=fields.text("suite"),
        seed=fields.whole("seed"),
        command=fields.texts("command"),
        backend=fields.text("backend", ""),
        started_at=fields.text("started_at", ""),
        versions={k: str(v) for k, v in fields.mapping("versions").items()},
        machine=fields.mapping("machine"),
        planned=fields.texts("scenarios"),
        scenarios=scenarios,
    )


def _load_of(fields: Fields) -> Load:
    return Load(duration_s=fields.number("duration_s"), rate_per_s=fields.number("rate_per_s"))


def scenario_of(told: Json, path: Path) -> ScenarioRecord:
    """What scenario.json at `path` says."""
    fields = Fields(told, path)
    fields.check_schema(SCHEMA)
    ops = fields.inner("ops")
    judgement = fields.inner("judgement") if told.get("judgement") is not None else None
    return ScenarioRecord(
        dir=path.parent,
        scenario=Scenario(
            suite=fields.text("suite"),
            pattern=fields.text("pattern"),
            fault=fields.text("fault"),
            seed=fields.whole("seed"),
            control=fields.text_or_none("control"),
            load=_load_of(fields.inner("load")) if told.get("load") is not None else AS_DECLARED,
        ),
        promises=fields.text("promises", ""),
        started_at=fields.text("started_at", ""),
        nodes=tuple(
            NodeRecord(name=n.text("name"), role=n.text("role"), address=n.text("address", ""))
            for n in fields.each("nodes")
        ),
        phases=tuple(
            Phase(name=p.text("name"), start_s=p.number("start_s") or 0.0, end_s=p.number("end_s"))
            for p in fields.each("phases")
        ),
        ops=OpCounts(ok=ops.whole("ok", 0), fail=ops.whole("fail", 0), info=ops.whole("info", 0)),
        faults=tuple(_fault_of(f) for f in fields.each("faults")),
        hops=tuple(
            Hop(
                name=h.text("name"),
                node=h.text("node"),
                query=h.text("query"),
                says=h.text("says", ""),
            )
            for h in fields.each("hops")
        ),
        outboxes=tuple(
            Outbox(node=o.text("node"), table=o.text("table"), sent=o.text_or_none("sent"))
            for o in fields.each("outboxes")
        ),
        problems=fields.texts("problems"),
        collected=fields.flag("collected"),
        duration_s=fields.number("duration_s") or 0.0,
        peak_memory_mib=fields.number("peak_memory_mib"),
        judged=None if judgement is None else _judged_of(judgement),
    )


def _fault_of(told: Fields) -> FaultRecord:
    return FaultRecord(
        name=told.text("name"),
        target=told.text("target", ""),
        before=_probe_of(told, "before"),
        during=_probe_of(told, "during"),
        after=_probe_of(told, "after"),
        injected_at=told.number("injected_at"),
        proved_at=told.number("proved_at"),
        healed_at=told.number("healed_at"),
        recovered_at=told.number("recovered_at"),
        fired=told.flag("fired"),
        achieved=told.mapping("achieved"),
        evidence=told.mapping("evidence"),
        misfired=told.text_or_none("misfired"),
        error=told.text_or_none("error"),
    )


def _probe_of(told: Fields, name: str) -> Probe | None:
    if told.told.get(name) is None:
        return None
    probe = told.inner(name)
    return Probe(
        shown=probe.flag("shown"), says=probe.text("says", ""), measured=probe.mapping("measured")
    )


def _judged_of(told: Fields) -> Judged:
    return Judged(
        judgement=Judgement(
            verdict=told.verdict("verdict"),
            reason=told.text("reason", ""),
            findings=tuple(_finding_of(f) for f in told.each("findings")),
        ),
        as_expected=told.flag("as_expected"),
        evidence={
            invariant: {key: _chain_of(keys.inner(key)) for key in keys.told}
            for invariant, keys in told.inner("evidence").inners()
        },
        watches=tuple(_watch_of(w) for w in told.each("watches")),
    )


def _watch_of(told: Fields) -> Watch:
    named = {"rule": told.text("rule"), "says": told.text("says", "")}
    return Watch(
        **named,
        judged=told.whole("judged", 0),
        undecided=told.text_or_none("undecided"),
        hazards=tuple(
            Hazard(
                **named,
                node=h.text("node", ""),
                summary=h.text("summary", ""),
                count=h.whole("count"),
                keys=h.texts("keys"),
                rows=tuple(row.told for row in h.each("rows")),
            )
            for h in told.each("hazards")
        ),
    )


def _finding_of(told: Fields) -> Finding:
    named = {name: told.text(name, "") for name in ("invariant", "family", "guarantee")}
    broken = told.inner("violation") if told.told.get("violation") is not None else None
    return Finding(
        **named,
        judged=told.whole("judged", 0),
        undecided=told.text_or_none("undecided"),
        violation=None
        if broken is None
        else Violation(
            **named,
            count=broken.whole("count"),
            keys=broken.texts("keys"),
            summary=broken.text("summary", ""),
            rows=tuple(row.told for row in broken.each("rows")),
        ),
    )


def _chain_of(told: Fields) -> Chain:
    return Chain(
        links=tuple(
            ChainLink(
                hop=link.text("hop"),
                node=link.text("node"),
                says=link.text("says", ""),
                state=link.text("state"),
                rows=tuple(row.told for row in link.each("rows")),
                traces=tuple(
                    Traced(kind=t.text("kind"), text=t.text("text")) for t in link.each("traces")
                ),
            )
            for link in told.each("chain")
        ),
        broke_at=told.text_or_none("broke_at"),
    )
