"""Snapshots of sagas made by hand: what a run leaves in which every saga ended as it should."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pytest

from harness.model.record import Judged
from harness.model.snapshot import (
    HISTORY_SCHEMA,
    QUIESCENCE_SCHEMA,
    STEADY_SCHEMA,
    TOPIC_SCHEMA,
    TRANSACTIONS_SCHEMA,
)
from suites.shop.suite import SUITE

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit, Shop

Row = dict[str, Any]

START = datetime(2026, 11, 28, 9, 0, 0, tzinfo=UTC)
SQL = SUITE.compose.parent / "sql"
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "order-db": ("order", "saga-orders"),
    "inventory-db": ("inventory", "saga-steps", "saga-outbox"),
    "payment-db": ("payment", "saga-steps", "saga-outbox"),
    "shipping-db": ("shipping", "saga-steps", "saga-outbox"),
    "review-db": ("review",),
    "notification-db": ("notification",),
    "saga-db": ("saga-log", "saga-outbox"),
}
"""Database → the scripts that make its tables, as the compose file has them."""
_TYPES = {
    "bigint": pa.int64(),
    "bigserial": pa.int64(),
    "integer": pa.int32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
DATABASES = {"stock": "inventory-db", "payment": "payment-db", "shipment": "shipping-db"}
LEDGERS = {
    "stock": "db.inventory-db.stock_movements",
    "payment": "db.payment-db.payment_movements",
    "shipment": "db.shipping-db.shipment_changes",
}
CENTS = {"anvil": 12000, "drill": 8900, "gantry": 250000}
STEPS = tuple(DATABASES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """An order as it was asked for, and at which step it was refused, if at any."""

    id: str
    product: str
    quantity: int
    ends: str = "completed"
    refused: str | None = None


THREE = (
    Saga(id="2", product="anvil", quantity=3),
    Saga(id="10", product="gantry", quantity=1, ends="rejected", refused="payment"),
    Saga(id="17", product="drill", quantity=2, ends="cancelled"),
)
"""One that went well, one that payment refused, one that was cancelled when it was all but done."""


class Snapshot:
    """A snapshot in the making: rows by table, to be spoilt by a test before it is judged."""

    def __init__(self, kit: "Kit", pattern: str) -> None:
        self._kit = kit
        self.shop: Shop = kit.sound("outbox-polling", ())
        self.shop.pattern = pattern
        self.shop.schemas = dict(_schemas(pattern))
        self.shop.tables = {name: [] for name in self.shop.schemas}
        self._steps = 0

    def __getitem__(self, table: str) -> list[Row]:
        return self.shop.tables[table]

    def row(self, table: str, **wanted: object) -> Row:
        return self.shop.row(table, **wanted)

    def drop(self, table: str, **wanted: object) -> None:
        self.shop.drop(table, **wanted)

    def add(self, name: str, /, **values: object) -> None:
        self.shop.tables[name].append(dict(values))

    def copy(self, table: str, changed: Row | None = None, /, **wanted: object) -> None:
        """Append the one row with these values again, with something changed."""
        self.shop.tables[table].append({**self.row(table, **wanted), **(changed or {})})

    def judged(self, folder: Path) -> Judged:
        return self._kit.judged(self.shop, folder)

    def now(self) -> datetime:
        """A moment later than all before."""
        self._steps += 1
        return START + timedelta(milliseconds=20 * self._steps)


def _schemas(pattern: str) -> Iterator[tuple[str, pa.Schema]]:
    yield "ops", HISTORY_SCHEMA
    yield "transactions", TRANSACTIONS_SCHEMA
    for topic in _topics(pattern):
        yield f"kafka.{topic}", TOPIC_SCHEMA
    yield "quiescence", QUIESCENCE_SCHEMA
    yield "steady", STEADY_SCHEMA
    for node, scripts in SCRIPTS.items():
        if node == "saga-db" and pattern != "saga-orchestration":
            continue
        for script in scripts:
            text = (SQL / f"{script}.sql").read_text(encoding="utf-8")
            for table, body in re.findall(
                r"^CREATE TABLE (\w+) \(\n(.*?)\n\);", text, re.DOTALL | re.MULTILINE
            ):
                columns = re.findall(r"^    ([a-z_]+) +([a-z]+)", body, re.MULTILINE)
                yield (
                    f"db.{node}.{table}",
                    pa.schema([(name, _TYPES.get(kind, pa.string())) for name, kind in columns]),
                )


def _topics(pattern: str) -> tuple[str, ...]:
    return ("saga.events",) if pattern == "saga-choreography" else ("saga.commands", "saga.replies")


def tell(snap: Snapshot, node: str, order_id: str, kind: str) -> str:
    """A message that was committed to an outbox and published; its id."""
    orchestrated = snap.shop.pattern == "saga-orchestration"
    replies = "saga.replies" if orchestrated else "saga.events"
    topic = "saga.commands" if node == "saga-db" else replies
    event_id = str(UUID(int=len(snap["transactions"]) + 1))
    columns = {"id": event_id, "aggregateid": order_id, "type": kind}
    snap.add(
        "transactions", node=node, table="outbox", operation="insert", columns=json.dumps(columns)
    )
    snap.add(
        f"kafka.{topic}",
        partition=int(order_id) % 3,
        offset=len(snap[f"kafka.{topic}"]),
        key=order_id,
        value=json.dumps({"event_id": event_id, "order_id": order_id, "type": kind}),
        headers=json.dumps({"event_id": event_id}),
        committed=True,
    )
    return event_id


def note(snap: Snapshot, saga: Saga, step: str, change: str) -> None:
    """What a participant did, in note, ledger and outbox."""
    node, at = DATABASES[step], snap.now()
    event_id = tell(snap, node, saga.id, f"{step}-{'undone' if change == 'fenced' else change}")
    about = {"event_id": event_id, "order_id": saga.id, "applied_at": at}
    snap.add(f"db.{node}.saga_changes", **about, step=step, change=change)
    if change not in {"done", "undone"}:
        return
    sign, version = (1, 1) if change == "done" else (-1, 2)
    effect: Row = {**about, "version": version}
    if step == "stock":
        effect |= {"product_id": saga.product, "delta": -sign * saga.quantity}
    elif step == "payment":
        effect |= {"type": change, "cents": sign * saga.quantity * CENTS[saga.product]}
    snap.add(LEDGERS[step], **effect)


def status(snap: Snapshot, saga: Saga, status: str, version: int) -> None:
    """The order comes to a status."""
    at = snap.now()
    snap.add(
        "db.order-db.order_changes",
        order_id=saga.id,
        status=status,
        version=version,
        applied_at=at,
    )


def _add(snap: Snapshot, saga: Saga) -> None:
    _op(snap, saga.id, "place-order")
    status(snap, saga, "pending", 1)
    tell(snap, "order-db", saga.id, "order-placed")
    done: list[str] = []
    for step in STEPS:
        refused = saga.refused == step
        note(snap, saga, step, "refused" if refused else "done")
        if refused:
            break
        done.append(step)
    version = 2
    if saga.ends != "completed":
        if saga.ends == "cancelled":
            _op(snap, saga.id, "cancel-order")
        status(snap, saga, "cancelling" if saga.ends == "cancelled" else "undoing", version)
        tell(snap, "order-db", saga.id, "order-failing")
        version += 1
        for step in reversed(done):
            note(snap, saga, step, "undone")
        for step in STEPS:
            if step not in done and step != saga.refused:
                note(snap, saga, step, "fenced")
    status(snap, saga, saga.ends, version)
    _end(snap, saga, version, shipped="shipment" in done)


def _end(snap: Snapshot, saga: Saga, version: int, *, shipped: bool) -> None:
    end = tell(snap, "order-db", saga.id, f"order-{saga.ends}")
    snap.add(
        "db.order-db.orders",
        order_id=saga.id,
        product_id=saga.product,
        quantity=saga.quantity,
        status=saga.ends,
        version=version,
    )
    if snap.shop.pattern == "saga-orchestration":
        snap.add("db.saga-db.sagas", order_id=saga.id, state=saga.ends)
    if shipped:
        state = "arranged" if saga.ends == "completed" else "cancelled"
        snap.add("db.shipping-db.shipments", order_id=saga.id, status=state)
    told = {
        "event_id": end,
        "order_id": saga.id,
        "type": f"order-{saga.ends}",
        "version": version,
        "applied_at": snap.now(),
    }
    snap.add("db.notification-db.pushes", **told)
    if saga.ends == "completed":
        snap.add("db.review-db.review_changes", **told)


def _op(snap: Snapshot, key: str, f: str) -> None:
    for kind in ("invoke", "ok"):
        index = len(snap["ops"])
        snap.add("ops", index=index, type=kind, process="c", f=f, key=key, at=START, value="{}")


def balance(snap: Snapshot) -> None:
    """Stock and balances as their ledgers make them."""
    for table in ("db.inventory-db.stock", "db.payment-db.balances"):
        snap[table].clear()
    for product in ("anvil", "drill", "gantry"):
        moved = sum(r["delta"] for r in snap[LEDGERS["stock"]] if r["product_id"] == product)
        snap.add("db.inventory-db.stock", product_id=product, on_hand=100 + moved, initial=100)
    taken = sum(row["cents"] for row in snap[LEDGERS["payment"]])
    snap.add("db.payment-db.balances", account="customers", cents=-taken)
    snap.add("db.payment-db.balances", account="shop", cents=taken)


class Sagas:
    """What tests make snapshots of sagas with."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit

    def sound(self, pattern: str) -> Snapshot:
        """What a run leaves in which everything went well."""
        snap = Snapshot(self._kit, pattern)
        for saga in THREE:
            _add(snap, saga)
        balance(snap)
        for product, cents in CENTS.items():
            snap.add("db.payment-db.prices", product_id=product, cents=cents)
        snap.add("quiescence", condition="outboxes empty", met=True, waited_s=0.5, detail="")
        for when in ("before", "after"):
            snap.add("steady", probe="GET order:8080/health", when=when, holds=True)
        return snap

    def balance(self, snap: Snapshot) -> None:
        balance(snap)


@pytest.fixture(scope="session")
def sagas(kit: "Kit") -> Sagas:
    return Sagas(kit)
