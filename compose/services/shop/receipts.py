"""The receipt service: tells customers of their payments, as payment's own events say."""

import json
from dataclasses import dataclass

from .consumer import run_reader
from .db import Connection
from .settings import Settings

CHARGED, REFUNDED = "payment-charged", "payment-refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money moved for a version of an order: taken (`cents` above 0) or given back."""

    event_id: str
    type: str
    order_id: str
    version: int
    cents: int


def decode(value: bytes | None) -> Payment:
    """The payment in a record's value. Raises ValueError or TypeError where it is none."""
    payment = Payment(**json.loads(value or b"null"))
    if payment.type not in (CHARGED, REFUNDED):
        raise ValueError(f"unknown payment type {payment.type!r}")
    return payment


def write_receipt(conn: Connection, payment: Payment) -> None:
    """The row stands for the letter: whoever sends it reads it from there."""
    conn.execute(
        "INSERT INTO receipts (event_id, order_id, type, version, cents)"
        " VALUES (%s, %s, %s, %s, %s)",
        (payment.event_id, payment.order_id, payment.type, payment.version, payment.cents),
    )


def main() -> None:
    """The whole program."""
    run_reader(Settings.from_environment(), "receipts", write_receipt, decode)


if __name__ == "__main__":
    main()
