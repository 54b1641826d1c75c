"""A stored run as literal files: a sound scenario, a control that was caught, an undecided one.

`build_run` writes it where it is told, so that it also serves for looking at the report.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.model.address import Address
from harness.model.snapshot import SLOT_SAMPLES_SCHEMA, STEADY_SCHEMA
from harness.seed import stream
from tests.harness.traffic import Traffic

BEGAN = datetime(2026, 11, 23, 4, 45, 0, tzinfo=UTC)
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\u202e"
PHASES = (
    ("start", 0.0, 4.1),
    ("steady", 4.1, 4.6),
    ("workload", 4.6, 9.4),
    ("heal", 9.4, 11.2),
    ("quiesce", 11.2, 12.9),
    ("collect", 12.9, 13.4),
)
NODES = (
    ("order-db", "postgres"),
    ("inventory-db", "postgres"),
    ("shipping-db", "postgres"),
    ("kafka-1", "kafka"),
    ("order", "service"),
    ("inventory", "service"),
    ("shipping", "service"),
)
GUARANTEES = (
    ("no-event-lost", "lost", "Every committed order has its event in the topic.", 40),
    ("no-phantom-event", "phantom", "Every event in the topic has its order.", 39),
    ("effect-exactly-once", "effect", "Each event takes effect once per consumer.", 78),
    ("databases-converge", "convergence", "Stock and shipments equal what orders imply.", 40),
    ("order-per-key", "order", "Events of one order arrive in the order of their versions.", 39),
    ("liveness-after-heal", "liveness", "After healing everything comes to rest.", 5),
)

HistoryLine = dict[str, object]


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
    _json(
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
    _json(
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
    scenario = _Recorded(run_dir, pattern, fault, orders)
    faults = [] if fault == "none" else [_kill("12")]
    findings = [_finding(*guarantee) for guarantee in GUARANTEES]
    scenario.write_snapshot(lost=None)
    reason = f"all {len(GUARANTEES)} invariants hold over what was judged"
    return scenario.write("PASS", reason, True, faults=faults, findings=findings)


def _control(run_dir: Path, lost_key: str, orders: int) -> Mapping[str, object]:
    scenario = _Recorded(run_dir, "dual-write", "kill-between-commit-and-publish", orders, lost_key)
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
    scenario = _Recorded(run_dir, "outbox-cdc", "connector-restart", orders)
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


_STEADY: list[HistoryLine] = [
    {"probe": "order answers", "when": "before", "holds": True, "value": "200", "wanted": "200",
     "waited_s": 0.012},
    {"probe": "stock", "when": "before", "holds": True, "value": "8", "wanted": "at least 1",
     "waited_s": 0.012},
    {"probe": "order answers", "when": "after", "holds": True, "value": "200", "wanted": "200",
     "waited_s": 30.0},
    {"probe": "stock", "when": "after", "holds": False, "value": HOSTILE, "wanted": "at least 1",
     "waited_s": 30.0},
]  # fmt: skip


def _held() -> list[HistoryLine]:
    """A slot that nobody reads for a while."""
    held = (160, 4096, 20480, 40960, 40960, 1024)
    return [
        {
            "at_s": 4.6 + n / 2, "node": "order-db", "slot": "order_outbox",
            "active": n not in {2, 3}, "wal_status": "lost" if n == 3 else "reserved",
            "held_bytes": much, "unconfirmed_bytes": much // 2,
        }
        for n, much in enumerate(held)
    ]  # fmt: skip


class _Recorded:
    """One scenario's files, written as a run would have."""

    def __init__(
        self, run_dir: Path, pattern: str, fault: str, orders: int, lost: str | None = None
    ) -> None:
        self.pattern, self.fault = pattern, fault
        self.rel = f"scenarios/{pattern}--{fault}"
        self.dir = run_dir / self.rel
        self.keys = [str(n) for n in range(1, orders + 1)]
        if lost is not None:
            self.keys[min(16, orders - 1)] = lost
        (self.dir / "snapshot").mkdir(parents=True)
        (self.dir / "logs").mkdir()
        (self.dir / "invariants").mkdir()
        self.history = _history(self.keys, lost, fault)
        _parquet(self.dir / "history.parquet", self.history, _HISTORY)
        for name, *_ in GUARANTEES:
            (self.dir / "invariants" / f"{name}.sql").write_text(f"-- {name}\nSELECT 1\n")
        for name, _ in NODES:
            (self.dir / "logs" / f"{name}.log").write_text(_log(name), encoding="utf-8")

    def write_snapshot(self, lost: str | None) -> None:
        snapshot = self.dir / "snapshot"
        placed = [line for line in self.history if line["f"] == "place-order"]
        done = {str(p["key"]): p["at"] for p in placed if p["type"] in ("ok", "info")}
        at = pa.timestamp("us", tz="UTC")
        for table, keys in (
            ("order-db.orders", list(done)),
            ("inventory-db.stock_movements", [k for k in done if k != lost]),
            ("shipping-db.shipment_changes", [k for k in done if k != lost]),
        ):
            column = "created_at" if table.startswith("order-db") else "applied_at"
            rows = [{"order_id": key, "version": 1, column: done[key]} for key in keys]
            schema = pa.schema([("order_id", pa.string()), ("version", pa.int32()), (column, at)])
            _parquet(snapshot / f"db.{table}.parquet", rows, schema)
        records = [
            {"partition": n % 3, "offset": n, "timestamp": done[key], "key": key, "value": "{}"}
            for n, key in enumerate(k for k in done if k != lost)
        ]
        _parquet(snapshot / "kafka.order.events.parquet", records, _RECORDS)
        rest = [
            {"condition": "outbox empty", "met": True, "waited_s": 0.4, "detail": "0 rows"},
            {"condition": "consumer lag 0", "met": True, "waited_s": 1.2, "detail": "2 groups"},
        ]
        _parquet(snapshot / "quiescence.parquet", rest, None)
        _parquet(snapshot / "steady.parquet", _STEADY, STEADY_SCHEMA)
        if "cdc" in self.pattern:
            _parquet(snapshot / "slot_samples.parquet", _held(), SLOT_SAMPLES_SCHEMA)

    def write(
        self,
        verdict: str,
        reason: str,
        as_expected: bool,
        *,
        control: str | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
        findings: Sequence[Mapping[str, Any]] = (),
        evidence: Mapping[str, object] | None = None,
        watches: Sequence[Mapping[str, object]] = (),
        problems: Sequence[str] = (),
    ) -> Mapping[str, object]:
        """Write scenario.json; the scenario's entry in results.json is returned."""
        ends = [str(line["type"]) for line in self.history if line["process"] != "nemesis"]
        ops = {name: ends.count(name) for name in ("ok", "fail", "info")}
        common = {"suite": "shop", "pattern": self.pattern, "fault": self.fault, "seed": 7}
        judgement = {
            "verdict": verdict,
            "reason": reason,
            "as_expected": as_expected,
            "findings": findings,
            "evidence": evidence or {},
            "watches": watches,
        }
        told = {
            **common,
            "schema": 1,
            "promises": "an order that is acknowledged reaches every consumer",
            "control": control,
            "started_at": BEGAN.isoformat(),
            "nodes": [
                {"name": name, "role": role, "address": f"198.18.0.{n}"}
                for n, (name, role) in enumerate(NODES, start=10)
            ],
            "phases": [{"name": n, "start_s": a, "end_s": b} for n, a, b in PHASES],
            "ops": ops,
            "faults": faults,
            "hops": [],
            "problems": problems,
            "collected": True,
            "duration_s": 13.4,
            "peak_memory_mib": 1187.4,
            "judgement": judgement,
        }
        _json(self.dir / "scenario.json", told)
        brief = ("name", "target", "injected_at", "healed_at")
        return {
            **common,
            "control": control is not None,
            "as_expected": as_expected,
            "verdict": verdict,
            "reason": reason,
            "duration_s": 13.4,
            "dir": self.rel,
            "ops": ops,
            "faults": [{**{k: f[k] for k in brief}, "proved": True} for f in faults],
            "violations": [
                {"invariant": f["invariant"], **{k: f["violation"][k] for k in _BRIEF}}
                for f in findings
                if f["violation"] is not None
            ],
            "checked": {f["invariant"]: f["judged"] for f in findings},
        }


_BRIEF = ("count", "keys", "summary")
_HISTORY = pa.schema(
    [
        ("index", pa.int64()),
        ("type", pa.string()),
        ("process", pa.string()),
        ("f", pa.string()),
        ("key", pa.string()),
        ("time_s", pa.float64()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("value", pa.string()),
        ("error", pa.string()),
    ]
)
_RECORDS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("key", pa.string()),
        ("value", pa.string()),
    ]
)


def _history(keys: Sequence[str], lost: str | None, fault: str) -> list[HistoryLine]:
    """Orders every 0.12 s, some cancelled, one with no answer, one refused; and the nemesis."""
    chance = stream(7, "latency")
    lines: list[HistoryLine] = []

    def line(kind: str, process: str, f: str, key: str | None, at: float, error: str = "") -> None:
        lines.append(
            {
                "index": 0,
                "type": kind,
                "process": process,
                "f": f,
                "key": key,
                "time_s": at,
                "at": BEGAN + timedelta(seconds=at),
                "value": json.dumps({"order_id": key, "quantity": 2}),
                "error": error or None,
            }
        )

    spacing = 4.4 / max(len(keys), 1)
    for n, key in enumerate(keys):
        at, client = 4.7 + n * spacing, f"client-{n % 4 + 1}"
        took = 0.004 + chance.expovariate(90)
        line("invoke", client, "place-order", key, at)
        if key == lost:
            line("info", client, "place-order", key, at + 0.31, "connection reset by peer")
        elif fault != "none" and 18 <= n <= 20:
            line("fail", client, "place-order", key, at + 0.03, "connection refused")
        else:
            line("ok", client, "place-order", key, at + took)
            if n % 4 == 0:
                line("invoke", client, "cancel-order", key, at + 0.5)
                line("ok", client, "cancel-order", key, at + 0.5 + took)
    if fault != "none":
        line("invoke", "nemesis", fault, None, 6.4)
        line("ok", "nemesis", fault, None, 7.31)
    lines.sort(key=lambda one: float(str(one["time_s"])))
    return [{**one, "index": n} for n, one in enumerate(lines)]


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


def _log(node: str) -> str:
    lines = ["=== aftershock started order as pid 4711" if node == "order" else "booting"]
    for tenth in range(40, 130, 3):
        at = BEGAN + timedelta(seconds=tenth / 10)
        stamp = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
        lines.append(f"{stamp} UTC [{node}] INFO handled what came at tick {tenth}")
        if node == "order" and tenth == 67:
            lines.append(f"{stamp} UTC [{node}] ERROR producer: kafka-1:9092: timed out")
            lines.append("    at publish (order.py:88)")
    return "\n".join(lines) + "\n"


def _json(path: Path, told: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _parquet(path: Path, rows: Sequence[Mapping[str, object]], schema: pa.Schema | None) -> None:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run with a sound, a caught and an undecided scenario."""
    return build_run(tmp_path / "run")


@pytest.fixture
def hostile_run_dir(tmp_path: Path) -> Path:
    """The same run, in which the lost order's key is an attack."""
    return build_run(tmp_path / "run", lost_key=HOSTILE)
