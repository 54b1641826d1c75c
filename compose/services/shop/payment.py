"""The payment service: takes an order's price from its customer and gives it back."""

from .consumer import run_consumer
from .db import Connection
from .events import PLACED, Event

_UNLISTED_CENTS = 1000
"""What a product costs that has no price of its own."""


def move_money(conn: Connection, event: Event) -> None:
    """Between the customers' account and the shop's, and write the ledger."""
    cents = price(conn, event.product_id, event.quantity)
    if event.type != PLACED:
        cents = -cents
    # Always in the same order, so that two movements never wait for one another.
    for account, change in (("customers", -cents), ("shop", cents)):
        conn.execute("UPDATE balances SET cents = cents + %s WHERE account = %s", (change, account))
    conn.execute(
        "INSERT INTO payment_movements (event_id, order_id, type, cents, version)"
        " VALUES (%s, %s, %s, %s, %s)",
        (event.event_id, event.order_id, event.type, cents, event.version),
    )


def price(conn: Connection, product_id: str, quantity: int) -> int:
    """In cents."""
    row = conn.execute("SELECT cents FROM prices WHERE product_id = %s", (product_id,)).fetchone()
    return quantity * (_UNLISTED_CENTS if row is None else int(row[0]))


if __name__ == "__main__":
    run_consumer("payment", move_money)
