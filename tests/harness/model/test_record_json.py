"""Records to JSON and back: nothing is lost, and what is wrong is named by file and field."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.fault import FaultRecord, Probe
from harness.model.hazard import Hazard, Watch
from harness.model.op import OpCounts
from harness.model.outbox import Outbox
from harness.model.record import (
    Chain,
    ChainLink,
    Judged,
    NodeRecord,
    Phase,
    ScenarioRecord,
    Traced,
)
from harness.model.record_json import probe_json, run_json, run_of, scenario_json, scenario_of
from harness.model.scenario import Hop, Scenario
from harness.model.verdict import Finding, Judgement, Verdict, Violation

PATH = Path("run/scenario.json")
VIOLATION = Violation(
    invariant="lost",
    family="loss",
    guarantee="g",
    count=2,
    keys=("2", "10"),
    summary="lost 2",
    rows=({"key": "2", "n": 1.5},),
)
HAZARD = Hazard(
    rule="dual-write",
    says="w",
    node="order",
    summary="40 times",
    count=40,
    keys=("1", "2"),
    rows=({"key": "1", "ms": 0.4},),
)
FULL = ScenarioRecord(
    dir=PATH.parent,
    scenario=Scenario(suite="shop", pattern="p", fault="kill", seed=7, control="lost"),
    promises="nothing",
    started_at="2026-11-23T04:45:00+00:00",
    nodes=(NodeRecord(name="order", role="service", address="198.18.0.2"),),
    phases=(Phase(name="start", start_s=0.0, end_s=1.5), Phase(name="steady", start_s=1.5)),
    ops=OpCounts(ok=3, fail=2, info=1),
    faults=(
        FaultRecord(
            name="kill",
            target="order",
            before=Probe(shown=True, says="up", measured={"pid": 7}),
            during=Probe(shown=False, says="up"),
            injected_at=1.0,
            healed_at=2.0,
            fired=True,
            achieved={"cut_keys": ["17"]},
            evidence={"achieved_cut": {"when": "before"}},
            misfired="meant after it",
            error="late",
        ),
    ),
    hops=(Hop(name="row", node="order-db", query="SELECT $key", says="committed"),),
    outboxes=(
        Outbox(node="order-db", table="outbox", sent="sent_at"),
        Outbox(node="db", table="o"),
    ),
    problems=("a", "b"),
    collected=True,
    duration_s=12.5,
    peak_memory_mib=900.0,
    judged=Judged(
        judgement=Judgement(
            verdict=Verdict.VIOLATION,
            reason="lost 2",
            findings=(
                Finding(
                    invariant="lost", family="loss", guarantee="g", judged=4, violation=VIOLATION
                ),
                Finding(
                    invariant="odd", family="loss", guarantee="g", judged=0, undecided="nothing"
                ),
            ),
        ),
        as_expected=True,
        evidence={
            "lost": {
                "2": Chain(
                    links=(
                        ChainLink(
                            hop="row",
                            node="order-db",
                            says="",
                            state="found",
                            rows=({"id": "2"},),
                            traces=(Traced(kind="commit", text="xid 752 at 0/1A2B3C8"),),
                        ),
                        ChainLink(hop="record", node="kafka-1", says="", state="missing"),
                    ),
                    broke_at="record",
                )
            }
        },
        watches=(
            Watch(rule="dual-write", says="w", judged=9, hazards=(HAZARD,)),
            Watch(rule="other", says="o", judged=0, undecided="no trace"),
        ),
    ),
)


def stored(record: ScenarioRecord) -> dict[str, Any]:
    told = json.loads(json.dumps(scenario_json(record)))
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize(
    "record",
    [FULL, ScenarioRecord(dir=PATH.parent, scenario=FULL.scenario)],
    ids=["everything", "nothing"],
)
def test_a_scenario_comes_back_as_it_was(record: ScenarioRecord) -> None:
    """With everything known, and with nothing known yet."""
    assert scenario_of(stored(record), PATH) == record


def test_the_fields_are_those_of_the_contract() -> None:
    """Others read the file, too."""
    assert list(stored(FULL)) == [
        "schema",
        "suite",
        "pattern",
        "promises",
        "fault",
        "seed",
        "control",
        "load",
        "started_at",
        "nodes",
        "phases",
        "ops",
        "faults",
        "hops",
        "outboxes",
        "problems",
        "collected",
        "duration_s",
        "peak_memory_mib",
        "judgement",
    ]


def test_a_run_needs_little_to_be_known_again() -> None:
    """What a run that died early did not write is empty."""
    run = run_of({"schema": 1, "suite": "shop", "seed": 7}, Path("r/run.json"))
    assert (run.dir, run.suite, run.seed, run.planned) == (Path("r"), "shop", 7, ())
    assert run_of(run_json(run), Path("r/run.json")) == run


def test_a_probe_that_was_not_taken_is_null() -> None:
    """Not a probe that showed nothing."""
    assert probe_json(None) is None


@pytest.mark.parametrize(
    "change, says",
    [
        ({"schema": None}, "no schema number"),
        ({"schema": True}, "no schema number"),
        ({"schema": 9}, r"newer aftershock \(schema 9, this one reads up to 1\)"),
        ({"pattern": None}, "pattern is missing or not text"),
        ({"seed": 1.5}, "seed is missing or not a whole number"),
        ({"control": 3}, "control is missing or not text"),
        ({"collected": "yes"}, "collected is missing or not true or false"),
        ({"duration_s": "long"}, "duration_s is missing or not a number"),
        ({"problems": "a"}, "problems is missing or not a list"),
        ({"problems": [1]}, "problems is missing or not a list of texts"),
        ({"ops": []}, "ops is not a JSON object"),
        ({"ops": {"ok": "3"}}, r"ops\.ok is missing or not a whole number"),
        ({"phases": [{"name": "start"}, 7]}, r"phases\[1\] is not a JSON object"),
        ({"faults": [{"name": "k", "before": []}]}, r"faults\[0\]\.before is not a JSON object"),
        ({"judgement": {"verdict": "MAYBE"}}, r"judgement\.verdict is missing or not a verdict"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_field(change: dict[str, Any], says: str) -> None:
    """A user can find it."""
    with pytest.raises(DeclarationError, match=rf"^run/scenario\.json: .*{says}"):
        scenario_of({**stored(FULL), **change}, PATH)
