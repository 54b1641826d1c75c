"""The invariants of tables over hand-made snapshots: silent on sound ones, and each one fires, with
the right keys, where one thing was made bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.model.verdict import Verdict
from tests.suites.shop.conftest import finding, fired, ids_in
from tests.suites.shop.table_snapshots import (
    LEDGERS,
    LOG,
    OPS,
    ORDERS,
    REVIEWS,
    SHIPMENTS,
    TOPIC,
    change,
    log,
    record,
    rewrite,
    settle,
    sound,
)

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit, Shop

LOST, PHANTOM, INTACT = "no-change-lost", "no-phantom-change", "change-intact"
ORDER, ONCE = "changes-in-order", "change-applied-once"
STANDS, STAYS = "nothing-stands-but-what-is-due", "acknowledged-changes-stay"
MOVEMENTS, PAYMENTS = "db.inventory-db.stock_movements", "db.payment-db.payment_movements"


@pytest.mark.parametrize("pattern", ["table-cdc", "table-polling"])
def test_a_sound_snapshot_passes_and_every_invariant_has_judged_something(
    pattern: str, tmp_path: Path, kit: Kit
) -> None:
    """Five orders, two of them erased."""
    told = kit.judged(sound(kit, pattern), tmp_path / "run")
    findings = told.judgement.findings
    assert [(f.invariant, f.undecided) for f in findings if f.undecided] == []
    assert fired(told) == {}
    assert told.verdict is Verdict.PASS
    judged = {f.invariant: f.judged for f in findings if f.invariant in ids_in("tables")}
    assert judged == dict.fromkeys(ids_in("tables"), 5)


def _never_told(shop: Shop, order_id: str, version: int) -> None:
    shop[TOPIC].remove(record(shop, order_id, version))
    for node, table in LEDGERS.values():
        shop.drop(f"db.{node}.{table}", order_id=order_id, version=version)
        shop[LOG][:] = [
            row
            for row in shop[LOG]
            if (row["table"], row["key"]) != (table, order_id)
            or json.loads(row["columns"])["version"] != str(version)
        ]


def _delete_never_told(shop: Shop) -> None:
    _never_told(shop, "20", 2)
    shop.row(SHIPMENTS, order_id="20").update(status="placed", version=1)
    shop.row(REVIEWS, order_id="20").update(status="requested", version=1)
    settle(shop)


def _intermediate_never_told(shop: Shop) -> None:
    _never_told(shop, "5", 2)
    shop.row(MOVEMENTS, order_id="5", version=3)["delta"] = -5
    shop.row(PAYMENTS, order_id="5", version=3)["cents"] = 5 * 8900
    settle(shop)


def _first_never_told(shop: Shop) -> None:
    _never_told(shop, "2", 1)
    shop.drop(SHIPMENTS, order_id="2")
    shop.drop(REVIEWS, order_id="2")
    settle(shop)


def _told_and_aborted(shop: Shop) -> None:
    record(shop, "5", 2)["committed"] = False


def _told_of_what_was_not(shop: Shop) -> None:
    told = record(shop, "10", 2)
    value = {**json.loads(told["value"]), "order_id": "99"}
    shop[TOPIC].append({**told, "offset": 99, "key": "99", "value": json.dumps(value)})


def _erasure_of_what_is_there(shop: Shop) -> None:
    told = record(shop, "2", 1)
    value = {**json.loads(told["value"]), "__op": "d"}
    shop[TOPIC].append({**told, "offset": 99, "value": json.dumps(value)})


def _other_quantity(shop: Shop) -> None:
    rewrite(shop, "5", 2, quantity=7)


def _other_key(shop: Shop) -> None:
    record(shop, "5", 2)["key"] = '{"order_id":"5"}'


def _other_transaction(shop: Shop) -> None:
    record(shop, "5", 2)["headers"] = '{"__txId": "1"}'


def _no_json(shop: Shop) -> None:
    shop[TOPIC].append({**record(shop, "5", 2), "offset": 99, "value": "Struct{order_id=5}"})


def _out_of_order(shop: Shop) -> None:
    one, two = record(shop, "5", 2), record(shop, "5", 3)
    one["offset"], two["offset"] = two["offset"], one["offset"]


def _in_two_partitions(shop: Shop) -> None:
    record(shop, "17", 3)["partition"] = 0


def _applied_out_of_order(shop: Shop) -> None:
    entries = [r for r in shop[LOG] if (r["table"], r["key"]) == ("pushes", "5")]
    entries[1]["lsn"], entries[2]["lsn"] = entries[2]["lsn"], entries[1]["lsn"]


def _pushed_twice(shop: Shop) -> None:
    again = shop.row("db.notification-db.pushes", order_id="10", version=2)
    shop["db.notification-db.pushes"].append(dict(again))
    log(shop, "notification-db", "pushes", "insert", again)


def _taken_twice_and_corrected(shop: Shop) -> None:
    """Nothing in any table tells of it any more."""
    entry = shop.row(MOVEMENTS, order_id="17", version=3)
    log(shop, "inventory-db", "stock_movements", "insert", entry)
    log(shop, "inventory-db", "stock_movements", "delete", {})


def _entry_changed_afterwards(shop: Shop) -> None:
    entry = shop.row(PAYMENTS, order_id="17", version=2)
    log(shop, "payment-db", "payment_movements", "update", entry)


def _never_applied(shop: Shop) -> None:
    shop.drop("db.review-db.review_changes", order_id="2", version=1)
    shop[LOG][:] = [r for r in shop[LOG] if (r["table"], r["key"]) != ("review_changes", "2")]


def _applied_without_a_record(shop: Shop) -> None:
    entry = {"event_id": "x", "order_id": "2", "version": 2, "type": "order-amended"}
    shop["db.review-db.review_changes"].append(entry)
    log(shop, "review-db", "review_changes", "insert", entry)


def _stock_kept(shop: Shop) -> None:
    shop.row(MOVEMENTS, order_id="20", version=2)["delta"] = 0
    settle(shop)


def _money_kept(shop: Shop) -> None:
    shop.row(PAYMENTS, order_id="17", version=3)["cents"] = 0
    settle(shop)


def _shipped_though_erased(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="17")["status"] = "placed"


def _old_quantity_shipped(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="5")["quantity"] = 4


def _review_of_what_was_erased(shop: Shop) -> None:
    shop.row(REVIEWS, order_id="20")["status"] = "requested"


def _shipment_of_nothing(shop: Shop) -> None:
    shop[SHIPMENTS].append({**shop.row(SHIPMENTS, order_id="2"), "order_id": "99"})


def _erasure_undone(shop: Shop) -> None:
    shop[ORDERS].append({**shop.row(ORDERS, order_id="2"), "order_id": "20", "version": 1})


def _order_vanished(shop: Shop) -> None:
    shop.drop(ORDERS, order_id="2")


def _acknowledged_and_not_done(shop: Shop) -> None:
    asked = shop.row(OPS, key="2", type="ok")
    value = json.dumps({"order_id": "2", "version": 2})
    shop[OPS].append({**asked, "f": "amend-order", "value": value})


def _refused_and_done(shop: Shop) -> None:
    shop.row(OPS, key="20", f="erase-order", type="ok")["type"] = "fail"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_delete_never_told, {LOST: ("20",), STANDS: ("20",)}),
        (_intermediate_never_told, {LOST: ("5",)}),
        (_first_never_told, {LOST: ("2",), STANDS: ("2",)}),
        (_told_and_aborted, {LOST: ("5",), ONCE: ("5",)}),
        (_told_of_what_was_not, {PHANTOM: ("99",), ONCE: ("99",)}),
        (_erasure_of_what_is_there, {PHANTOM: ("2",), ONCE: ("2",)}),
        (_other_quantity, {INTACT: ("5",)}),
        (_other_key, {INTACT: ("5",)}),
        (_other_transaction, {INTACT: ("5",)}),
        (_no_json, {PHANTOM: ("5",), INTACT: ("5",)}),
        (_out_of_order, {ORDER: ("5",)}),
        (_in_two_partitions, {ORDER: ("17",)}),
        (_applied_out_of_order, {ORDER: ("5",)}),
        (_pushed_twice, {ONCE: ("10",)}),
        (_taken_twice_and_corrected, {ONCE: ("17", "inventory")}),
        (_entry_changed_afterwards, {ONCE: ("17",)}),
        (_never_applied, {ONCE: ("2",)}),
        (_applied_without_a_record, {ONCE: ("2",)}),
        (_stock_kept, {STANDS: ("20",)}),
        (_money_kept, {STANDS: ("17",)}),
        (_shipped_though_erased, {STANDS: ("17",)}),
        (_old_quantity_shipped, {STANDS: ("5",)}),
        (_review_of_what_was_erased, {STANDS: ("20",)}),
        (_shipment_of_nothing, {STANDS: ("99",)}),
        (_erasure_undone, {STAYS: ("20",)}),
        (_order_vanished, {STAYS: ("2",)}),
        (_acknowledged_and_not_done, {STAYS: ("2",)}),
        (_refused_and_done, {STAYS: ("20",)}),
    ],
)
def test_what_is_wrong_is_found_and_named(
    spoil: Callable[[Shop], None],
    expected: dict[str, tuple[str, ...]],
    tmp_path: Path,
    kit: Kit,
) -> None:
    """By the invariants that it breaks, with the keys that it touches, and by no others."""
    shop = sound(kit)
    spoil(shop)
    assert fired(kit.judged(shop, tmp_path / "run")) == expected


def test_every_invariant_of_tables_is_seen_to_fire(kit: Kit) -> None:
    """In the cases above."""
    assert {LOST, PHANTOM, INTACT, ORDER, ONCE, STANDS, STAYS} == ids_in("tables")


def test_what_was_lost_is_told_with_its_transaction(tmp_path: Path, kit: Kit) -> None:
    """And its place in the log."""
    shop = sound(kit, "table-polling")
    _delete_never_told(shop)
    _intermediate_never_told(shop)
    violation = finding(kit.judged(shop, tmp_path / "run"), LOST).violation
    assert violation is not None
    erased, amended = change(shop, "20", 2), change(shop, "5", 2)
    told_by = " by transaction {xid} at {lsn}, and no record tells of that"
    assert [row["detail"] for row in violation.rows] == [
        "order 5 was amended to 4 (version 2)" + told_by.format_map(amended),
        "order 20 was erased (version 2)" + told_by.format_map(erased),
    ]
    assert violation.keys == ("5", "20")
    assert violation.family == "loss"


def test_a_change_told_twice_is_no_harm(tmp_path: Path, kit: Kit) -> None:
    """At least once: a connector that was killed tells again what it had told."""
    shop = sound(kit)
    for version in (2, 3):
        shop[TOPIC].append({**record(shop, "17", version), "offset": 90 + version})
    assert fired(kit.judged(shop, tmp_path / "run")) == {}


def test_an_unknown_outcome_excuses_either_state(tmp_path: Path, kit: Kit) -> None:
    """Nobody was told anything."""
    shop = sound(kit)
    for f in ("erase-order", "place-order"):
        shop.row(OPS, key="20", f=f, type="ok")["type"] = "info"
    asked = shop.row(OPS, key="2", type="ok")
    shop[OPS].append({**asked, "f": "erase-order", "type": "info", "value": "{}"})
    assert fired(kit.judged(shop, tmp_path / "run")) == {}


def test_before_rest_nothing_is_lost(tmp_path: Path, kit: Kit) -> None:
    """What is not told yet may still be."""
    shop = sound(kit)
    _delete_never_told(shop)
    shop["quiescence"][0]["met"] = False
    told = kit.judged(shop, tmp_path / "run")
    assert LOST not in fired(told)
    assert "come to rest" in (finding(told, LOST).undecided or "")
