"""One scenario of a run as literal files, as a run would have written them.

What it is a scenario of, how its faults were proved and what was found is told by whoever writes one.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.model.snapshot import (
    HISTORY_SCHEMA,
    SLOT_SAMPLES_SCHEMA,
    STEADY_SCHEMA,
    TOPIC_SCHEMA,
)
from harness.seed import stream

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


class Recorded:
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
        _parquet(self.dir / "history.parquet", self.history, HISTORY_SCHEMA)
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
        _parquet(snapshot / "kafka.order.events.parquet", records, TOPIC_SCHEMA)
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
        write_json(self.dir / "scenario.json", told)
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


def write_json(path: Path, told: object) -> None:
    """One JSON file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _parquet(path: Path, rows: Sequence[Mapping[str, object]], schema: pa.Schema | None) -> None:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path)
