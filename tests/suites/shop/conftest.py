"""The shop's snapshots made by hand: sound ones to start from, and their judgement. Each family of
patterns has a test file for its own folder of invariants; `ids_in` tells what has to fire there."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from harness.checkers.demanded import invariants_of
from harness.checkers.invariant import Invariants, read_invariants
from harness.checkers.judge import judge
from harness.files import write_parquet
from harness.model.fault import FaultRecord
from harness.model.op import OpCounts
from harness.model.record import Judged, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.snapshot import (
    CONNECT_SCHEMA,
    GROUPS_SCHEMA,
    HISTORY_SCHEMA,
    QUIESCENCE_SCHEMA,
    SLOTS_SCHEMA,
    STEADY_SCHEMA,
    TOPIC_SCHEMA,
)
from harness.model.verdict import Finding
from suites.shop.suite import SUITE

Row = dict[str, Any]

SQL = SUITE.compose.parent / "sql"
START = datetime(2026, 11, 23, 4, 45, 0, tzinfo=UTC)

_SQL_TYPES: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(),
    "bigserial": pa.int64(),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""As they come to be in a snapshot; every other one is text there."""


def _tables_of(sql: Path) -> Iterator[tuple[str, pa.Schema]]:
    """The snapshot's tables of one service's database, by the script that makes them."""
    text = sql.read_text(encoding="utf-8")
    for table, body in re.findall(
        r"^CREATE TABLE (\w+) \(\n(.*?)\n\);", text, re.DOTALL | re.MULTILINE
    ):
        columns = re.findall(r"^    ([a-z_]+) +([a-z]+)", body, re.MULTILINE)
        schema = pa.schema([(name, _SQL_TYPES.get(kind, pa.string())) for name, kind in columns])
        yield f"db.{sql.stem}-db.{table}", schema


SCHEMAS: Mapping[str, pa.Schema] = {
    "ops": HISTORY_SCHEMA,
    "kafka.order.events": TOPIC_SCHEMA,
    "groups": GROUPS_SCHEMA,
    "slots": SLOTS_SCHEMA,
    "connect": CONNECT_SCHEMA,
    "quiescence": QUIESCENCE_SCHEMA,
    "steady": STEADY_SCHEMA,
    **{name: schema for sql in sorted(SQL.glob("*.sql")) for name, schema in _tables_of(sql)},
}
TYPES = {1: "order-placed", 2: "order-cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it was asked for."""

    id: str
    product: str
    quantity: int
    cancelled: bool = False


def event_id(order_id: str, version: int) -> str:
    """The same event of the same order has the same id in every snapshot."""
    return str(UUID(int=int(order_id) * 10 + version))


@dataclass(slots=True, kw_only=True)
class Shop:
    """A snapshot in the making: rows by table, to be swapped by a test before it is judged."""

    pattern: str
    tables: dict[str, list[Row]] = field(default_factory=dict)
    schemas: dict[str, pa.Schema] = field(default_factory=lambda: dict(SCHEMAS))
    """Of further tables, too, which a test may add: another topic, say."""
    faults: tuple[FaultRecord, ...] = ()
    collected: bool = True

    @staticmethod
    def event_id(order_id: str, version: int) -> str:
        return event_id(order_id, version)

    def __getitem__(self, table: str) -> list[Row]:
        return self.tables[table]

    def row(self, table: str, **wanted: object) -> Row:
        """The one row with these values."""
        (found,) = self.rows(table, **wanted)
        return found

    def rows(self, table: str, **wanted: object) -> list[Row]:
        return [r for r in self.tables[table] if all(r[k] == v for k, v in wanted.items())]

    def drop(self, table: str, **wanted: object) -> None:
        """Delete the one row with these values."""
        self.tables[table].remove(self.row(table, **wanted))

    def record(self, order_id: str, version: int) -> Row:
        """The topic's record of one event."""
        wanted = event_id(order_id, version)
        (found,) = [r for r in self.tables[TOPIC] if json.loads(r["value"])["event_id"] == wanted]
        return found

    def rewrite(self, order_id: str, version: int, **change: object) -> None:
        """Change fields of one record's value."""
        record = self.record(order_id, version)
        record["value"] = json.dumps({**json.loads(record["value"]), **change})

    def repeat(self, order_id: str, version: int) -> None:
        """Append the same event to its partition again."""
        record = self.record(order_id, version)
        self.tables[TOPIC].append({**record, "offset": record["offset"] + 1000})


TOPIC = "kafka.order.events"
ORDERS, OUTBOX = "db.order-db.orders", "db.order-db.outbox"
STOCK, MOVEMENTS = "db.inventory-db.stock", "db.inventory-db.stock_movements"
SHIPMENTS, CHANGES = "db.shipping-db.shipments", "db.shipping-db.shipment_changes"
BALANCES, PAYMENTS = "db.payment-db.balances", "db.payment-db.payment_movements"
REVIEWS, REVIEW_CHANGES = "db.review-db.review_requests", "db.review-db.review_changes"
PUSHES = "db.notification-db.pushes"

CONSUMERS = ("inventory", "payment", "shipping", "review", "notification")
CENTS: Mapping[str, int] = {"anvil": 12000, "drill": 8900}
"""What one of a product costs, and any other 1000."""

THREE = (
    Order(id="2", product="anvil", quantity=3),
    Order(id="10", product="anvil", quantity=1, cancelled=True),
    Order(id="17", product="drill", quantity=2),
)


def sound(pattern: str, orders: tuple[Order, ...] = THREE) -> Shop:
    """What a run leaves in which everything went well."""
    shop = Shop(pattern=pattern, tables={name: [] for name in SCHEMAS})
    for order in orders:
        _add_order(shop, order)
    for product in {order.product for order in orders}:
        moved = sum(row["delta"] for row in shop.rows(MOVEMENTS, product_id=product))
        shop[STOCK].append({"product_id": product, "on_hand": 1000 + moved, "initial": 1000})
    taken = sum(row["cents"] for row in shop[PAYMENTS])
    shop[BALANCES].append({"account": "customers", "cents": -taken})
    shop[BALANCES].append({"account": "shop", "cents": taken})
    shop["quiescence"].extend(
        {"condition": name, "met": True, "waited_s": 0.5, "detail": ""}
        for name in ("consumers caught up", "outbox empty")
    )
    shop["steady"].extend(
        {"probe": "GET order:8080/health", "when": when, "holds": True, "value": "200"}
        for when in ("before", "after")
    )
    shop["groups"].extend(
        {
            "group": g,
            "topic": "order.events",
            "partition": 0,
            "committed": 5,
            "log_end": 5,
            "lag": 0,
        }
        for g in CONSUMERS
    )
    if SUITE.pattern(pattern).connectors:
        shop["connect"].extend(
            {"node": "connect", "connector": "order-outbox", "state": "RUNNING", "task": task}
            for task in (None, 0)
        )
        shop["slots"].append(
            {"node": "order-db", "slot": "order_outbox", "active": True, "wal_status": "reserved"}
        )
    return shop


def _add_order(shop: Shop, order: Order) -> None:
    versions = (1, 2) if order.cancelled else (1,)
    status = "cancelled" if order.cancelled else "placed"
    content = {"order_id": order.id, "product_id": order.product, "quantity": order.quantity}
    state = {**content, "status": status, "version": versions[-1]}
    shop[ORDERS].append({**state, "created_at": _at(order, 1), "updated_at": _at(order, 2)})
    shop[SHIPMENTS].append({**state, "updated_at": _at(order, 4)})
    asked = "withdrawn" if order.cancelled else "requested"
    request = {"order_id": order.id, "status": asked, "version": versions[-1]}
    shop[REVIEWS].append({**request, "updated_at": _at(order, 4)})
    for version in versions:
        _add_ops(shop, order, version)
        _add_event(shop, order, version)


def _add_ops(shop: Shop, order: Order, version: int) -> None:
    for kind in ("invoke", "ok"):
        shop["ops"].append(
            {
                "index": len(shop["ops"]),
                "type": kind,
                "process": "client-1",
                "f": "place-order" if version == 1 else "cancel-order",
                "key": order.id,
                "time_s": 1.0,
                "at": START,
                "value": "{}",
            }
        )


def _add_event(shop: Shop, order: Order, version: int) -> None:
    name = event_id(order.id, version)
    content = {"order_id": order.id, "product_id": order.product, "quantity": order.quantity}
    value = {"event_id": name, "type": TYPES[version], **content, "version": version}
    shop[TOPIC].append(
        {
            "partition": int(order.id) % 3,
            "offset": len(shop[TOPIC]),
            "timestamp": _at(order, version),
            "key": order.id,
            "value": json.dumps(value),
            "headers": json.dumps({"event_id": name}),
            "committed": True,
        }
    )
    _add_effects(shop, order, version)
    pattern = SUITE.pattern(shop.pattern)
    if pattern.outboxes:
        shop[OUTBOX].append(
            {
                "id": name,
                "seq": len(shop[OUTBOX]) + 1,
                "aggregatetype": "order",
                "aggregateid": order.id,
                "type": TYPES[version],
                "version": version,
                "payload": json.dumps(value),
                "created_at": _at(order, version),
                "sent_at": None if pattern.connectors else _at(order, 3),
            }
        )


def _add_effects(shop: Shop, order: Order, version: int) -> None:
    """What each consumer did on one event."""
    effect: Row = {
        "event_id": event_id(order.id, version),
        "order_id": order.id,
        "version": version,
        "applied_at": _at(order, 2 + version),
    }
    taken = order.quantity if version == 1 else -order.quantity
    cents = taken * CENTS.get(order.product, 1000)
    shop[MOVEMENTS].append({**effect, "product_id": order.product, "delta": -taken})
    shop[PAYMENTS].append({**effect, "type": TYPES[version], "cents": cents})
    for ledger in (CHANGES, REVIEW_CHANGES, PUSHES):
        shop[ledger].append({**effect, "type": TYPES[version]})


def _at(order: Order, step: int) -> datetime:
    return START + timedelta(seconds=int(order.id), milliseconds=100 * step + 23)


def judged(shop: Shop, folder: Path, invariants: Invariants) -> Judged:
    """Write the snapshot and judge it."""
    (folder / "snapshot").mkdir(parents=True)
    for name, rows in shop.tables.items():
        place = folder / ("history" if name == "ops" else f"snapshot/{name}")
        table = pa.Table.from_pylist(rows, schema=shop.schemas[name])
        write_parquet(place.with_name(f"{place.name}.parquet"), table)
    record = ScenarioRecord(
        dir=folder,
        scenario=Scenario(
            suite="shop",
            pattern=shop.pattern,
            fault=shop.faults[0].name if shop.faults else "none",
            seed=1,
        ),
        ops=OpCounts(ok=len(shop.rows("ops", type="ok"))),
        faults=shop.faults,
        collected=shop.collected,
    )
    return judge(record, invariants)


def fired(told: Judged) -> dict[str, tuple[str, ...]]:
    """Violated invariant → keys."""
    return {
        f.invariant: f.violation.keys for f in told.judgement.findings if f.violation is not None
    }


def finding(told: Judged, invariant: str) -> Finding:
    """What one invariant found."""
    (found,) = [f for f in told.judgement.findings if f.invariant == invariant]
    return found


def ids_in(*folders: str) -> set[str]:
    """The invariants in folders of the suite's; `.` is the one that holds for every pattern."""
    assert SUITE.invariants is not None
    parsed = (read_invariants(SUITE.invariants / folder) for folder in folders)
    return {invariant.id for invariants in parsed for invariant in invariants.all}


class Kit:
    """What tests make snapshots of, and judge them with."""

    def __init__(self) -> None:
        self._invariants: dict[str, Invariants] = {}

    def invariants(self, pattern: str) -> Invariants:
        """What the suite demands of the pattern."""
        if pattern not in self._invariants:
            self._invariants[pattern] = invariants_of(SUITE, SUITE.pattern(pattern))
        return self._invariants[pattern]

    def order(self, number: int, product: str, quantity: int, *, cancelled: bool) -> Order:
        """One order to be put into a sound snapshot."""
        return Order(id=str(number), product=product, quantity=quantity, cancelled=cancelled)

    def sound(self, pattern: str, orders: tuple[Order, ...] = THREE) -> Shop:
        """What a run leaves in which everything went well."""
        return sound(pattern, orders)

    def judged(self, shop: Shop, folder: Path) -> Judged:
        """Write the snapshot into the folder and judge it by what is demanded of its pattern."""
        return judged(shop, folder, self.invariants(shop.pattern))


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
