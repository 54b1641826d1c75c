"""The sagas' invariants over hand-made snapshots: silent on sound ones, and each one fires, with the
right keys, on snapshots that were made bad in one place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.model.record import Judged
from harness.model.verdict import Verdict

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit
    from tests.suites.shop.sagas.conftest import Sagas, Snapshot

PATTERNS = ("saga-choreography", "saga-orchestration")
ORDERS, CHANGES = "db.order-db.orders", "db.order-db.order_changes"
STOCK = "db.inventory-db.stock_movements"
MONEY = "db.payment-db.payment_movements"
SHIPMENTS, SHIPMENT = "db.shipping-db.shipments", "db.shipping-db.shipment_changes"
NOTES = {
    "stock": "db.inventory-db.saga_changes",
    "payment": "db.payment-db.saga_changes",
    "shipment": "db.shipping-db.saga_changes",
}
PUSHES, REVIEWS = "db.notification-db.pushes", "db.review-db.review_changes"


def fired(told: Judged) -> dict[str, tuple[str, ...]]:
    """Violated invariant → keys."""
    return {
        f.invariant: f.violation.keys for f in told.judgement.findings if f.violation is not None
    }


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_sound_snapshot_passes_and_every_invariant_has_judged_something(
    pattern: str, tmp_path: Path, kit: Kit, sagas: Sagas
) -> None:
    """Silence means something only where something was looked at."""
    told = sagas.sound(pattern).judged(tmp_path / "run")
    findings = told.judgement.findings
    assert [(f.invariant, f.undecided) for f in findings if f.undecided] == []
    assert fired(told) == {}
    assert told.verdict is Verdict.PASS
    assert all(f.judged > 0 for f in findings)
    assert {f.invariant for f in findings} == {i.id for i in kit.invariants(pattern).of(pattern)}


def _never_ended(snap: Snapshot) -> None:
    snap.row(ORDERS, order_id="17")["status"] = "cancelling"
    snap.drop(CHANGES, order_id="17", status="cancelled")
    snap.drop(PUSHES, order_id="17")


def _not_refunded(snap: Snapshot) -> None:
    snap.drop(MONEY, order_id="17", version=2)
    snap.drop(NOTES["payment"], order_id="17", change="undone")


def _released_twice(snap: Snapshot) -> None:
    snap.copy(STOCK, order_id="10", version=2)
    snap.copy(NOTES["stock"], order_id="10", change="undone")


def _undone_and_completed(snap: Snapshot) -> None:
    snap.copy(SHIPMENT, {"version": 2}, order_id="2")
    snap.copy(NOTES["shipment"], {"change": "undone"}, order_id="2")
    snap.row(SHIPMENTS, order_id="2")["status"] = "cancelled"


def _charged_and_refunded_twice(snap: Snapshot) -> None:
    for version, change in ((1, "done"), (2, "undone")):
        snap.copy(MONEY, order_id="17", version=version)
        snap.copy(NOTES["payment"], order_id="17", change=change)


def _done_behind_the_fence(snap: Snapshot) -> None:
    fence = snap.row(NOTES["shipment"], order_id="10", change="fenced")
    at = {"event_id": fence["event_id"], "order_id": "10", "applied_at": fence["applied_at"]}
    at["applied_at"] = snap.row(CHANGES, order_id="10", status="rejected")["applied_at"]
    snap.add(NOTES["shipment"], **at, step="shipment", change="done")
    snap.add(SHIPMENT, **at, version=1)
    snap.add(SHIPMENTS, order_id="10", status="arranged")


def _done_without_an_order(snap: Snapshot) -> None:
    at = snap.row(NOTES["stock"], order_id="2")["applied_at"]
    new = {"event_id": "0", "order_id": "99", "applied_at": at}
    snap.add(STOCK, **new, version=1, product_id="anvil", delta=-1)
    snap.add(NOTES["stock"], **new, step="stock", change="done")


def _noted_and_not_done(snap: Snapshot) -> None:
    snap.drop(STOCK, order_id="2")


def _late_effect(snap: Snapshot) -> None:
    late = snap.now()
    snap.row(STOCK, order_id="17", version=2)["applied_at"] = late
    snap.row(NOTES["stock"], order_id="17", change="undone")["applied_at"] = late


def _ended_twice(snap: Snapshot) -> None:
    snap.copy(
        CHANGES,
        {"status": "rejected", "version": 3, "applied_at": snap.now()},
        order_id="2",
        status="completed",
    )


def _charged_too_much(snap: Snapshot) -> None:
    snap.row(MONEY, order_id="2")["cents"] += 1


def _shipped_though_cancelled(snap: Snapshot) -> None:
    snap.row(SHIPMENTS, order_id="17")["status"] = "arranged"


def _oversold(snap: Snapshot) -> None:
    snap.row("db.inventory-db.stock", product_id="anvil").update(on_hand=-1, initial=2)


def _lost_message(snap: Snapshot) -> None:
    for table in [t for t in snap.shop.tables if t.startswith("kafka.")]:
        snap[table][:] = [
            r
            for r in snap[table]
            if not (r["key"] == "10" and json.loads(r["value"])["type"] == "stock-done")
        ]


def _phantom_message(snap: Snapshot) -> None:
    snap["transactions"][:] = [
        row
        for row in snap["transactions"]
        if json.loads(row["columns"])["type"] != "payment-refused"
    ]


def _first_said_in(snap: Snapshot) -> str:
    """The topic in which services say what they did."""
    (topic,) = {"kafka.saga.events", "kafka.saga.replies"} & set(snap.shop.tables)
    return topic


def _message_of_another_order(snap: Snapshot) -> None:
    record = next(r for r in snap[_first_said_in(snap)] if r["key"] == "17")
    record["value"] = json.dumps({**json.loads(record["value"]), "order_id": "2"})


def _said_twice(snap: Snapshot) -> None:
    row = next(r for r in snap["transactions"] if json.loads(r["columns"])["aggregateid"] == "10")
    again = {**json.loads(row["columns"]), "id": "another"}
    snap["transactions"].append({**row, "columns": json.dumps(again)})
    table = _first_said_in(snap)
    record = next(r for r in snap[table] if r["key"] == "10")
    snap[table].append({**record, "headers": json.dumps({"event_id": "another"})})


def _accepted_and_gone(snap: Snapshot) -> None:
    for f in ("invoke", "ok"):
        snap["ops"].append({**snap["ops"][0], "type": f, "f": "place-order", "key": "5"})


def _cancelled_without_asking(snap: Snapshot) -> None:
    snap["ops"][:] = [op for op in snap["ops"] if op["f"] != "cancel-order"]


def _cancellation_ignored(snap: Snapshot) -> None:
    for kind in ("invoke", "ok"):
        op = {**snap["ops"][0], "type": kind, "f": "cancel-order", "key": "2"}
        snap["ops"].append(op)


def _not_pushed(snap: Snapshot) -> None:
    snap.drop(PUSHES, order_id="10")


def _pushed_twice(snap: Snapshot) -> None:
    snap.copy(PUSHES, order_id="2")


def _review_of_a_failed_order(snap: Snapshot) -> None:
    snap.copy(REVIEWS, {"order_id": "17"}, order_id="2")


BAD: dict[str, tuple[Callable[[Snapshot], None], dict[str, tuple[str, ...]]]] = {
    "never_ended": (_never_ended, {"saga-terminal": ("17",)}),
    "not_refunded": (
        _not_refunded,
        {"compensated-exactly-once": ("17",), "failed-sagas-keep-nothing": ("17",)},
    ),
    "released_twice": (
        _released_twice,
        {
            "compensated-exactly-once": ("10",),
            "step-at-most-once": ("10",),
            "failed-sagas-keep-nothing": ("10",),
        },
    ),
    "undone_and_completed": (
        _undone_and_completed,
        {"compensated-exactly-once": ("2",), "failed-sagas-keep-nothing": ("2",)},
    ),
    "charged_and_refunded_twice": (_charged_and_refunded_twice, {"step-at-most-once": ("17",)}),
    "done_behind_the_fence": (
        _done_behind_the_fence,
        {
            "compensated-exactly-once": ("10",),
            "step-at-most-once": ("10",),
            "failed-sagas-keep-nothing": ("10",),
        },
    ),
    "done_without_an_order": (_done_without_an_order, {"compensated-exactly-once": ("99",)}),
    "noted_and_not_done": (
        _noted_and_not_done,
        {
            "compensated-exactly-once": ("2",),
            "steps-as-noted": ("2",),
            "failed-sagas-keep-nothing": ("2",),
        },
    ),
    "late_effect": (_late_effect, {"end-is-final": ("17",)}),
    "ended_twice": (_ended_twice, {"end-is-final": ("2",)}),
    "charged_too_much": (_charged_too_much, {"failed-sagas-keep-nothing": ("2",)}),
    "shipped_though_cancelled": (
        _shipped_though_cancelled,
        {"failed-sagas-keep-nothing": ("17",)},
    ),
    "lost_message": (_lost_message, {"no-message-lost": ("10",)}),
    "phantom_message": (_phantom_message, {"no-phantom-message": ("10",)}),
    "message_of_another_order": (_message_of_another_order, {"no-phantom-message": ("2",)}),
    "said_twice": (_said_twice, {"each-message-once": ("10",)}),
    "accepted_and_gone": (_accepted_and_gone, {"told-is-kept": ("5",)}),
    "cancelled_without_asking": (_cancelled_without_asking, {"told-is-kept": ("17",)}),
    "cancellation_ignored": (_cancellation_ignored, {"told-is-kept": ("2",)}),
    "not_pushed": (_not_pushed, {"told-at-the-end": ("10",)}),
    "pushed_twice": (_pushed_twice, {"told-at-the-end": ("2",)}),
    "review_of_a_failed_order": (_review_of_a_failed_order, {"told-at-the-end": ("17",)}),
}


@pytest.mark.parametrize(
    ("name", "pattern"), [(name, PATTERNS[number % 2]) for number, name in enumerate(BAD)]
)
def test_a_bad_snapshot_fires_what_it_breaks_and_nothing_else(
    name: str, pattern: str, tmp_path: Path, sagas: Sagas
) -> None:
    """With exactly the keys that were made bad."""
    spoil, expected = BAD[name]
    snap = sagas.sound(pattern)
    spoil(snap)
    sagas.balance(snap)
    found = fired(snap.judged(tmp_path / "run"))
    assert found == expected


def test_nothing_may_be_sold_that_is_not_there(tmp_path: Path, sagas: Sagas) -> None:
    """Less than nothing on hand is told by the product."""
    snap = sagas.sound("saga-choreography")
    _oversold(snap)
    assert fired(snap.judged(tmp_path / "run")) == {"failed-sagas-keep-nothing": ("anvil",)}


def test_a_log_that_did_not_end_is_told(tmp_path: Path, sagas: Sagas) -> None:
    """The order is completed, and the orchestrator does not know it."""
    snap = sagas.sound("saga-orchestration")
    snap.row("db.saga-db.sagas", order_id="2")["state"] = "completing"
    assert fired(snap.judged(tmp_path / "run")) == {"saga-terminal": ("2",)}


def test_every_invariant_is_fired_by_some_bad_snapshot(kit: Kit) -> None:
    """Those of the sagas' own folder."""
    caught = {invariant for _, expected in BAD.values() for invariant in expected}
    everywhere = {
        "liveness-after-heal",
        "money-conserved",
        "steady-state-returns",
        "stock-conserved",
    }
    known = {i.id for i in kit.invariants(PATTERNS[0]).of(PATTERNS[0])}
    assert known - everywhere == caught
