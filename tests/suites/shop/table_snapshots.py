"""Snapshots of the table patterns made by hand: every change of an order's row with its
transaction, its record and its effects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.model.snapshot import TOPIC_SCHEMA, TRANSACTIONS_SCHEMA

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit, Row, Shop

TOPIC, LOG, OPS = "kafka.order.table", "transactions", "ops"
ORDERS, PRICES = "db.order-db.orders", "db.payment-db.prices"
STOCK, BALANCES = "db.inventory-db.stock", "db.payment-db.balances"
SHIPMENTS, REVIEWS = "db.shipping-db.shipments", "db.review-db.review_requests"
LEDGERS: Mapping[str, tuple[str, str]] = {
    "inventory": ("inventory-db", "stock_movements"),
    "payment": ("payment-db", "payment_movements"),
    "shipping": ("shipping-db", "shipment_changes"),
    "review": ("review-db", "review_changes"),
    "notification": ("notification-db", "pushes"),
}
CENTS = 8900

STORIES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "2": (("placed", 3),),
    "5": (("placed", 1), ("amended", 4), ("amended", 6)),
    "10": (("placed", 2), ("cancelled", 2)),
    "17": (("placed", 1), ("amended", 3), ("erased", 3)),
    "20": (("placed", 2), ("erased", 2)),
}
"""Order → what became of it, each with the quantity that it left: all of drills."""

_ASKED = {"placed": "place-order", "amended": "amend-order", "cancelled": "cancel-order",
          "erased": "erase-order"}  # fmt: skip
_DONE = {"placed": ("insert", "c"), "erased": ("delete", "d")}


def sound(kit: Kit, pattern: str = "table-cdc") -> Shop:
    """What a run leaves in which every change was told of and applied."""
    shop = kit.sound(pattern, ())
    for name, schema in ((TOPIC, TOPIC_SCHEMA), (LOG, TRANSACTIONS_SCHEMA)):
        shop.schemas[name], shop.tables[name] = schema, []
    shop[PRICES].append({"product_id": "drill", "cents": CENTS})
    for order_id, story in STORIES.items():
        taken = 0
        for version, (kind, quantity) in enumerate(story, start=1):
            _ask(shop, order_id, kind, version)
            _commit(shop, order_id, kind, quantity, version)
            due = quantity if kind in {"placed", "amended"} else 0
            _apply(shop, order_id, kind, version, due - taken)
            taken = due
        kind, quantity = story[-1]
        _stand(shop, order_id, kind, quantity, len(story))
    settle(shop)
    return shop


def settle(shop: Shop) -> None:
    """Stock and balances as their ledgers have it."""
    moved = sum(row["delta"] for row in shop["db.inventory-db.stock_movements"])
    shop[STOCK][:] = [{"product_id": "drill", "on_hand": 1000 + moved, "initial": 1000}]
    paid = sum(row["cents"] for row in shop["db.payment-db.payment_movements"])
    shop[BALANCES][:] = [
        {"account": "customers", "cents": -paid}, {"account": "shop", "cents": paid}
    ]  # fmt: skip


def change(shop: Shop, order_id: str, version: int) -> Row:
    """The committed change of an order's row."""
    of_order = [r for r in shop[LOG] if r["table"] == "orders" and r["key"] == order_id]
    return of_order[version - 1]


def record(shop: Shop, order_id: str, version: int) -> Row:
    """The record of one change."""
    xid = str(change(shop, order_id, version)["xid"])
    (found,) = [r for r in shop[TOPIC] if json.loads(r["headers"])["__txId"] == xid]
    return found


def rewrite(shop: Shop, order_id: str, version: int, **fields: object) -> None:
    """Other values in the record of a change."""
    told = record(shop, order_id, version)
    told["value"] = json.dumps({**json.loads(told["value"]), **fields})


def log(shop: Shop, node: str, table: str, operation: str, columns: Mapping[str, Any]) -> int:
    """Add a transaction of one change; returns its id."""
    xid = 700 + len(shop[LOG])
    shop[LOG].append(
        {
            "node": node,
            "database": node.removesuffix("-db"),
            "xid": xid,
            "lsn": f"0/{0x1805AC0 + 64 * len(shop[LOG]):X}",
            "position": 1,
            "table": table,
            "operation": operation,
            "key": columns.get("order_id"),
            "columns": json.dumps({name: str(value) for name, value in columns.items()}),
        }
    )
    return xid


def _ask(shop: Shop, order_id: str, kind: str, version: int) -> None:
    for end in ("invoke", "ok"):
        value = {"order_id": order_id, "version": version, "status": 200} if end == "ok" else {}
        shop[OPS].append(
            {"index": len(shop[OPS]), "type": end, "process": "client-1", "f": _ASKED[kind],
             "key": order_id, "time_s": 1.0, "value": json.dumps(value)}
        )  # fmt: skip


def _commit(shop: Shop, order_id: str, kind: str, quantity: int, version: int) -> None:
    operation, op = _DONE.get(kind, ("update", "u"))
    before = STORIES[order_id][version - 2][0] if kind == "erased" else kind
    row = {
        "order_id": order_id, "product_id": "drill", "quantity": quantity,
        "status": "cancelled" if before == "cancelled" else "placed",
        "version": version - (kind == "erased"),
    }  # fmt: skip
    xid = log(shop, "order-db", "orders", operation, row)
    shop[TOPIC].append(
        {
            "partition": int(order_id) % 3,
            "offset": len(shop[TOPIC]),
            "key": order_id,
            "value": json.dumps({**row, "__op": op, "__lsn": 33363696}),
            "headers": json.dumps({"__txId": str(xid)}),
            "committed": True,
        }
    )


def _apply(shop: Shop, order_id: str, kind: str, version: int, more: int) -> None:
    effect = {
        "event_id": f"{order_id}-{version}", "order_id": order_id, "version": version,
        "type": f"order-{kind}", "product_id": "drill", "delta": -more, "cents": more * CENTS,
    }  # fmt: skip
    for node, table in LEDGERS.values():
        name = f"db.{node}.{table}"
        columns = {n: v for n, v in effect.items() if n in shop.schemas[name].names}
        shop[name].append(columns)
        log(shop, node, table, "insert", columns)


def _stand(shop: Shop, order_id: str, kind: str, quantity: int, version: int) -> None:
    stands = kind in {"placed", "amended"}
    row = {
        "order_id": order_id, "product_id": "drill", "quantity": quantity,
        "status": "placed" if stands else "cancelled", "version": version,
    }  # fmt: skip
    if kind != "erased":
        shop[ORDERS].append(row)
    shop[SHIPMENTS].append(dict(row))
    asked = "requested" if stands else "withdrawn"
    shop[REVIEWS].append({"order_id": order_id, "status": asked, "version": version})
