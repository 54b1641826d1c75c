"""What rest-sync is judged by, over hand-made snapshots: silent on sound ones, and each fires, with
the right keys, on those that were made bad in one place."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.checkers.demanded import invariants_of
from harness.checkers.judge import judge
from harness.files import write_parquet
from harness.model.op import OpCounts
from harness.model.record import Judged, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.snapshot import HISTORY_SCHEMA, QUIESCENCE_SCHEMA, STEADY_SCHEMA
from harness.model.verdict import Verdict
from suites.shop.suite import SUITE

Tables = dict[str, list[dict[str, Any]]]

START = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
PATTERN = SUITE.pattern("rest-sync")
INVARIANTS = invariants_of(SUITE, PATTERN)

_TEXT, _INT, _TIME = pa.string(), pa.int32(), pa.timestamp("us", tz="UTC")
_EFFECT = {"event_id": _TEXT, "order_id": _TEXT, "version": _INT, "applied_at": _TIME}
ORDERS, STOCK, BALANCES = "db.order-db.orders", "db.inventory-db.stock", "db.payment-db.balances"
MOVEMENTS, PAYMENTS = "db.inventory-db.stock_movements", "db.payment-db.payment_movements"
SHIPPED, REVIEWS = "db.shipping-db.shipment_changes", "db.review-db.review_changes"
PUSHES = "db.notification-db.pushes"
LEDGERS = (MOVEMENTS, PAYMENTS, SHIPPED, REVIEWS, PUSHES)
SCHEMAS: Mapping[str, pa.Schema] = {
    "ops": HISTORY_SCHEMA,
    "quiescence": QUIESCENCE_SCHEMA,
    "steady": STEADY_SCHEMA,
    ORDERS: pa.schema(
        {
            "order_id": _TEXT,
            "product_id": _TEXT,
            "quantity": _INT,
            "status": _TEXT,
            "version": _INT,
        }
    ),
    STOCK: pa.schema({"product_id": _TEXT, "on_hand": _INT, "initial": _INT}),
    BALANCES: pa.schema({"account": _TEXT, "cents": pa.int64()}),
    MOVEMENTS: pa.schema({**_EFFECT, "product_id": _TEXT, "delta": _INT}),
    PAYMENTS: pa.schema({**_EFFECT, "cents": pa.int64()}),
    SHIPPED: pa.schema(_EFFECT),
    REVIEWS: pa.schema(_EFFECT),
    PUSHES: pa.schema(_EFFECT),
}


def apply(tables: Tables, order_id: str, version: int, *ledgers: str, again: int = 0) -> None:
    """One event of an order for two anvils, in these ledgers, with what follows from it."""
    sign = 1 if version % 2 else -1
    for ledger in ledgers:
        row: dict[str, Any] = {
            "event_id": f"{order_id}-{version}-{again}",
            "order_id": order_id,
            "version": version,
            "applied_at": START + timedelta(seconds=version + again),
        }
        if ledger == MOVEMENTS:
            row |= {"product_id": "anvil", "delta": -2 * sign}
            tables[STOCK][0]["on_hand"] -= 2 * sign
        if ledger == PAYMENTS:
            row["cents"] = 200 * sign
            tables[BALANCES][0]["cents"] += 200 * sign
            tables[BALANCES][1]["cents"] -= 200 * sign
        tables[ledger].append(row)


def sound() -> Tables:
    """Order 1 stands, order 2 was cancelled, order 3 was refused and everything undone."""
    tables: Tables = {name: [] for name in SCHEMAS}
    tables[STOCK] = [{"product_id": "anvil", "on_hand": 100, "initial": 100}]
    tables[BALANCES] = [{"account": "shop", "cents": 0}, {"account": "customers", "cents": 0}]
    tables["quiescence"] = [{"condition": "rows", "met": True, "waited_s": 0.1, "detail": ""}]
    tables["steady"] = [{"probe": "GET order:8080/health", "when": "after", "holds": True}]
    for order_id, status, version in (("1", "placed", 1), ("2", "cancelled", 2)):
        tables[ORDERS].append(
            {
                "order_id": order_id,
                "product_id": "anvil",
                "quantity": 2,
                "status": status,
                "version": version,
            }
        )
        apply(tables, order_id, 1, *LEDGERS)
        tables["ops"].append(
            {"index": 1, "type": "ok", "process": "c", "f": "place-order", "key": order_id}
            | {"time_s": 1.0, "at": START, "value": "{}"}
        )
    apply(tables, "2", 2, *LEDGERS)
    for version in (1, 2):
        apply(tables, "3", version, MOVEMENTS, PAYMENTS, SHIPPED)
    return tables


def judged(tables: Tables, folder: Path) -> Judged:
    """Write the snapshot and judge it."""
    (folder / "snapshot").mkdir(parents=True)
    for name, rows in tables.items():
        place = folder / ("history" if name == "ops" else f"snapshot/{name}")
        table = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
        write_parquet(place.with_name(f"{place.name}.parquet"), table)
    record = ScenarioRecord(
        dir=folder,
        scenario=Scenario(suite="shop", pattern="rest-sync", fault="none", seed=1),
        ops=OpCounts(ok=2),
        collected=True,
    )
    return judge(record, INVARIANTS)


def fired(told: Judged) -> dict[str, tuple[str, ...]]:
    """Violated invariant → keys."""
    findings = told.judgement.findings
    return {f.invariant: f.violation.keys for f in findings if f.violation is not None}


def test_a_sound_snapshot_passes_and_every_invariant_has_judged_something(tmp_path: Path) -> None:
    """An order that was refused and undone is as if it had never been."""
    told = judged(sound(), tmp_path)
    assert told.verdict is Verdict.PASS
    assert {f.invariant for f in told.judgement.findings} >= {
        "services-agree", "effect-at-most-once", "acknowledged-means-durable", "stock-conserved"
    }  # fmt: skip
    assert all(f.judged > 0 for f in told.judgement.findings)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_what_was_done_for_no_order_is_told(tmp_path: Path, ledger: str) -> None:
    """By whichever service: a crash before the commit leaves it."""
    tables = sound()
    apply(tables, "7", 1, ledger)
    told = judged(tables, tmp_path)
    assert fired(told) == {"services-agree": ("7",)}
    assert "there is no order 7, and " in told.judgement.reason


@pytest.mark.parametrize("ledger", LEDGERS)
def test_what_was_not_done_for_an_order_is_told(tmp_path: Path, ledger: str) -> None:
    """An error that was swallowed would leave it."""
    tables = sound()
    tables[ORDERS].append({**tables[ORDERS][0], "order_id": "7"})
    apply(tables, "7", 1, *(other for other in LEDGERS if other != ledger))
    assert fired(judged(tables, tmp_path)) == {"services-agree": ("7",)}


def test_a_cancellation_that_reached_some_is_told(tmp_path: Path) -> None:
    """Order 1 stands, and one service believes that it is off."""
    tables = sound()
    apply(tables, "1", 2, REVIEWS)
    told = judged(tables, tmp_path)
    assert fired(told) == {"services-agree": ("1",)}
    assert "order 1 is placed, and review placed it 1 and cancelled it 1 times" in (
        told.judgement.reason
    )


def test_a_cancellation_that_was_taken_back_is_none(tmp_path: Path) -> None:
    """Cancelled and placed again: the order stands, as it says."""
    tables = sound()
    for version in (2, 3):
        apply(tables, "1", version, MOVEMENTS, PAYMENTS)
    assert fired(judged(tables, tmp_path)) == {}


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_change_that_was_applied_twice_is_told(tmp_path: Path, ledger: str) -> None:
    """Under two ids: a call that was said again with a new one. The services differ, too."""
    tables = sound()
    apply(tables, "1", 1, ledger, again=1)
    told = fired(judged(tables, tmp_path))
    assert told == {"services-agree": ("1",), "effect-at-most-once": ("1",)}


def test_twice_and_undone_twice_is_still_twice(tmp_path: Path) -> None:
    """The sum is right, and a customer was charged twice for a while."""
    tables = sound()
    for version in (1, 2):
        apply(tables, "3", version, PAYMENTS, again=1)
    assert fired(judged(tables, tmp_path)) == {"effect-at-most-once": ("3",)}


def test_a_wrong_amount_is_told(tmp_path: Path) -> None:
    """As often as due, and not as much."""
    tables = sound()
    tables[MOVEMENTS][0]["delta"] = -5
    tables[STOCK][0]["on_hand"] -= 3
    told = judged(tables, tmp_path)
    assert fired(told) == {"services-agree": ("1",)}
    assert "inventory took 5 of anvil" in told.judgement.reason
