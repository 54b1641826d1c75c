"""A change of the table `orders` as a record of its own: the row, flat, and what was done to it.

Debezium writes such records from the write-ahead log (`connectors/order-table.json`), the poller
from what it finds in the table. Their `__op` is Debezium's: c, u, d, or r of a row that was read.
A record carries no id that an inbox could know it by, so one is derived from what it tells of: the
same change has the same id, however often and by whomever it is told.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from .events import AMENDED, CANCELLED, ERASED, PLACED, Event

READ = "r"
_DELETED = "d"
_CHANGES = uuid.UUID("5b0c3d0e-6d8c-4d0f-9f43-2f1f6f9a7c11")


def decode_row(value: bytes | None) -> Event:
    """The event that a row's change is. Raises ValueError or TypeError where it is none."""
    match json.loads(value or b"null"):
        case {
            "__op": "c" | "u" | "d" | "r" as op,
            "order_id": str(order_id),
            "product_id": str(product_id),
            "quantity": int(quantity),
            "status": str(status),
            "version": int(version),
        }:
            # A row that goes is told as it was last: its going is the change after that.
            version += op == _DELETED
            kind = ERASED if op == _DELETED else _kind(status, version)
            return Event(
                event_id=str(uuid.uuid5(_CHANGES, f"{order_id}/{version}/{kind}")),
                type=kind,
                order_id=order_id,
                product_id=product_id,
                quantity=quantity,
                version=version,
            )
    raise ValueError(f"no change of an order's row: {value!r}")


def encode_row(row: Mapping[str, Any]) -> bytes:
    """A row that was read, as such a record."""
    return json.dumps({**row, "__op": READ}).encode()


def _kind(status: str, version: int) -> str:
    if status == "cancelled":
        return CANCELLED
    return PLACED if version == 1 else AMENDED
