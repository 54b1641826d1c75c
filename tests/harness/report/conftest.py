"""A stored run as literal files: a sound scenario, a control that was caught, an undecided one.

`build_run` writes it where it is told, so that it also serves for looking at the report.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.model.address import Address
from tests.harness.report.recorded import BEGAN, GUARANTEES, HOSTILE, Recorded, write_json
from tests.harness.traffic import Traffic


def build_run(run_dir: Path, *, lost_key: str = "17", orders: int = 40) -> Path:
    """Write a run of five planned scenarios, of which four ran."""
    planned = (
        "dual-write--none",
        "dual-write--kill-between-commit-and-publish",
        "outbox-polling--kill-between-commit-and-publish",
        "outbox-cdc--kill-between-commit-and-publish",
        "outbox-cdc--connector-restart",
    )
    built = (
        _passing(run_dir, "dual-write", "none", orders),
        _control(run_dir, lost_key, orders),
        _passing(run_dir, "outbox-polling", "kill-between-commit-and-publish", orders),
        _undecided(run_dir, orders),
    )
    command = "aftershock run shop --seed 7"
    versions = {
        "aftershock": "0.1.0",
        "postgresql": "18.6.0",
        "kafka": "4.3.1",
        "debezium": "3.5.0.Final",
        "java": "25.0.1",
        "python": "3.11.7",
    }
    write_json(
        run_dir / "run.json",
        {
            "schema": 1,
            "suite": "shop",
            "seed": 7,
            "command": command.split(),
            "backend": "namespaces",
            "started_at": BEGAN.isoformat(),
            "versions": versions,
            "machine": {"system": "Linux 6.12 x86_64", "cores": 2, "memory_gib": 23.4},
            "scenarios": planned,
        },
    )
    write_json(
        run_dir / "results.json",
        {
            "schema": 1,
            "exit_code": 2,
            "verdict": "VIOLATION",
            "run_dir": str(run_dir),
            "suite": "shop",
            "seed": 7,
            "backend": "namespaces",
            "command": command,
            "sentence": f"dual-write lost 1 of {orders} orders: order {lost_key} was committed at"
            " 04:45:06.913 and no record of it is in any topic; one scenario is undecided.",
            "peak_memory_mib": 1187.4,
            "scenarios": built,
            "timings": {"ready_s": 5.31, "run_s": 54.7},
        },
    )
    return run_dir


def _passing(run_dir: Path, pattern: str, fault: str, orders: int) -> Mapping[str, object]:
    scenario = Recorded(run_dir, pattern, fault, orders)
    faults = [] if fault == "none" else [_kill("12")]
    findings = [_finding(*guarantee) for guarantee in GUARANTEES]
    scenario.write_snapshot(lost=None)
    reason = f"all {len(GUARANTEES)} invariants hold over what was judged"
    return scenario.write("PASS", reason, True, faults=faults, findings=findings)


def _control(run_dir: Path, lost_key: str, orders: int) -> Mapping[str, object]:
    scenario = Recorded(run_dir, "dual-write", "kill-between-commit-and-publish", orders, lost_key)
    scenario.write_snapshot(lost=lost_key)
    lost = {
        "count": 1,
        "keys": [lost_key],
        "summary": f"order {lost_key} was committed and no record of it is in order.events",
        "rows": [{"order_id": lost_key, "product_id": "p3", "quantity": 2, "status": "placed"}],
    }
    diverged = {
        "count": 1,
        "keys": [lost_key],
        "summary": f"order {lost_key} is not shipped and its stock was never taken",
        "rows": [{"order_id": lost_key, "expected": -2, "actual": None}],
    }
    violated = {"no-event-lost": lost, "databases-converge": diverged}
    findings = [_finding(*g, violation=violated.get(g[0])) for g in GUARANTEES]
    chain = _chain(lost_key)
    traffic(lost_key).write(scenario.dir)
    return scenario.write(
        "VIOLATION",
        f"no-event-lost is violated for order {lost_key}: the control was caught",
        True,
        control="no-event-lost",
        faults=[{**_kill(lost_key), "evidence": _cuts(lost_key)}],
        findings=findings,
        evidence={name: {lost_key: chain} for name in violated},
        watches=[
            {
                "rule": "dual-write",
                "says": "A crash in between loses the event for good.",
                "judged": 3,
                "hazards": [
                    {
                        "node": "order",
                        "summary": "order committed and then published the same key 2 times",
                        "count": 2,
                        "keys": ["1", "2"],
                        "rows": [{"key": "1", "detail": "published it 2.0 ms later"}],
                    }
                ],
            },
            {"rule": "offset-before-effect", "says": "s", "judged": 7},
            {"rule": "marked-before-acknowledged", "says": "s", "judged": 0},
            {"rule": "broken", "says": "s", "judged": 0, "undecided": "no such column"},
        ],
    )


def traffic(lost_key: str) -> Traffic:
    """Orders 1 and 2 on their way to the stock, and the one that is lost after its commit."""
    t = Traffic(at_s=4.7)
    for offset, key in enumerate(("1", "2")):
        request = t.ask("client", "order", "http", "POST:/orders", key, name="POST /orders")
        t.statement("order", "order-db", "INSERT INTO orders (order_id) VALUES ($1)", key)
        t.committed("order", "order-db", "orders:insert", key, xid=750 + offset)
        t.produce("order", "order.events", key).acknowledged(offset=offset)
        t.answer(request, "acknowledged", name="201")
        t.committed("inventory", "inventory-db", "stock:update", key, xid=50 + offset)
        t.wait(300)
        asked = t.offset_commit("inventory", "stock", "order.events", key, offset=offset + 1)
        asked.acknowledged()
    t.at_s = 6.39
    t.ask("client", "order", "http", "POST:/orders", lost_key, name="POST /orders")
    t.committed("order", "order-db", "orders:insert", lost_key, xid=752)
    return t


def _cuts(key: str) -> Mapping[str, object]:
    commit = Address.parse("order/order-db/commit(orders:insert)")
    return {
        "intended_cut": {
            "address": replace(commit, key=key, occurrence=1).text,
            "asked": "order/order-db/commit(orders,*)",
            "when": "after",
            "node": "order",
        },
        "achieved_cut": {
            "when": "after",
            "done": True,
            "says": f"order-db: transaction 752 of key {key} wrote orders:insert",
            "unanswered": ["client/order/http(POST:/orders)/1#1"],
        },
    }


def _undecided(run_dir: Path, orders: int) -> Mapping[str, object]:
    scenario = Recorded(run_dir, "outbox-cdc", "connector-restart", orders)
    scenario.write_snapshot(lost=None)
    fault = {
        **_kill("12"),
        "name": "connector-restart",
        "target": "connect",
        "proved_at": None,
        "during": {
            "shown": False,
            "says": "connector orders: task 0 stayed RUNNING, the slot stayed active",
            "measured": {"state": "RUNNING", "slot_active": True, "restarts": 0},
        },
        "achieved": {},
    }
    findings = [_finding(*guarantee) for guarantee in GUARANTEES[:-1]]
    findings.append(_finding(*GUARANTEES[-1][:3], 0, undecided="nothing to judge: scope is empty"))
    return scenario.write(
        "INCONCLUSIVE",
        "fault connector-restart on connect was not proved: its effect never showed",
        False,
        faults=[fault],
        findings=findings,
        problems=["connect: the REST API answered 409 to three restarts in a row"],
    )


def _kill(key: str) -> dict[str, object]:
    return {
        "name": "kill-between-commit-and-publish",
        "target": "order",
        "fired": True,
        "injected_at": 6.4,
        "proved_at": 6.71,
        "healed_at": 7.31,
        "recovered_at": 8.02,
        "before": {
            "shown": True,
            "says": "order reached kafka-1:9092 and answered GET /health",
            "measured": {"connect_ms": 0.4, "health_ms": 2.1},
        },
        "during": {
            "shown": True,
            "says": f"order {key} was committed, kafka-1 was cut off, pid 4711 is gone",
            "measured": {"packets_dropped": 14, "signal": 9, "pid": 4711, "committed": True},
        },
        "after": {
            "shown": True,
            "says": "order runs again as pid 4890 and reached kafka-1:9092 after 710 ms",
            "measured": {"pid": 4890, "ready_ms": 710},
        },
        "achieved": {"cut_keys": [key], "signal": "SIGKILL"},
        "error": None,
    }


def _finding(
    name: str,
    family: str,
    guarantee: str,
    judged: int,
    violation: Mapping[str, object] | None = None,
    undecided: str | None = None,
) -> dict[str, Any]:
    return {
        "invariant": name,
        "family": family,
        "guarantee": guarantee,
        "judged": judged,
        "undecided": undecided,
        "violation": violation,
    }


def _chain(key: str) -> Mapping[str, object]:
    request = {"process": "client-1", "type": "info", "error": "connection reset by peer"}
    row = {
        "order_id": key,
        "product_id": "p3",
        "quantity": 2,
        "status": "placed",
        "version": 1,
        "created_at": "2026-11-23T04:45:06.913Z",
    }
    hops: tuple[tuple[str, str, str, str, list[object]], ...] = (
        ("request", "client", "the client asked for the order", "found", [request]),
        ("order row", "order-db", "the order was committed", "found", [row]),
        ("outbox row", "order-db", "its event was written with it", "absent", []),
        ("record", "kafka-1", "its event was published", "missing", []),
        ("stock movement", "inventory-db", "its stock was taken", "missing", []),
        ("shipment", "shipping-db", "its shipment was created", "missing", []),
    )
    traces = {
        "order row": [{"kind": "commit", "text": "orders:insert in xid 752 at 0/1A2F000"}],
        "record": [{"kind": "last", "text": f"order-db committed; no PRODUCE of key {key} ever"}],
    }
    return {
        "chain": [
            {
                "hop": hop,
                "node": node,
                "says": says,
                "state": state,
                "rows": rows,
                "traces": traces.get(hop, []),
            }
            for hop, node, says, state, rows in hops
        ],
        "broke_at": "record",
    }


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run with a sound, a caught and an undecided scenario."""
    return build_run(tmp_path / "run")


@pytest.fixture
def hostile_run_dir(tmp_path: Path) -> Path:
    """The same run, in which the lost order's key is an attack."""
    return build_run(tmp_path / "run", lost_key=HOSTILE)
