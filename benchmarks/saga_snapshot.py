"""What a stored scenario tells of the sagas in it: how they ended, and what was said of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

SAYS: Mapping[str, str] = {
    "inventory": "stock-",
    "payment": "payment-",
    "shipping": "shipment-",
    "order": "order-",
}
"""How the messages of each participant begin, which may share a topic."""


def ends(directory: Path) -> Mapping[str, str]:
    """Order → its status in the end."""
    return {row["order_id"]: row["status"] for row in _rows(directory, "db.order-db.orders")}


def writes(directory: Path, key: str) -> Mapping[int, str]:
    """Which of the orchestrator's writes of an order → the message at which it was written."""
    rows = [r for r in _rows(directory, "db.saga-db.saga_history") if r["order_id"] == key]
    rows.sort(key=lambda row: row["applied_at"])
    return {place: row["message"] for place, row in enumerate(rows, start=1)}


def refused(directory: Path, node: str) -> Sequence[str]:
    """The orders whose step the participant refused."""
    rows = _rows(directory, f"db.{node}-db.saga_changes")
    return [row["order_id"] for row in rows if row["change"] == "refused"]


def message_at(directory: Path, topic: str, address: str, key: str | None) -> str | None:
    """What the record said that was struck: a retry has the address of what it repeats, so one
    that was lost at first is found by the place that it came to have."""
    places = [
        (row["partition"], row["offset"])
        for row in _rows(directory, "effects")
        if row["address"] == address and row["offset"] is not None
    ]
    for partition, offset in places:
        for record in _of_key(directory, topic, key):
            if record["partition"] == partition and record["offset"] >= offset:
                return str(json.loads(record["value"])["type"])
    return None


def told_by(directory: Path, topic: str, node: str, key: str) -> frozenset[str]:
    """All that a participant told of an order."""
    types = (json.loads(record["value"])["type"] for record in _of_key(directory, topic, key))
    return frozenset(kind for kind in types if kind.startswith(SAYS[node]))


def _of_key(directory: Path, topic: str, key: str | None) -> list[dict[str, Any]]:
    """An order's records, in their order."""
    rows = [row for row in _rows(directory, f"kafka.{topic}") if row["key"] == key]
    return sorted(rows, key=lambda row: (row["partition"], row["offset"]))


def _rows(directory: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        directory / "snapshot" / f"{table}.parquet"
    ).to_pylist()
    return found
