"""The inventory service: takes what is ordered out of stock and puts back what is cancelled."""

from .consumer import run_consumer
from .db import Connection
from .events import PLACED, Event


def move_stock(conn: Connection, event: Event) -> None:
    """Change the stock and write it into the ledger. Stock may go below zero: a back order."""
    delta = -event.quantity if event.type == PLACED else event.quantity
    conn.execute(
        "INSERT INTO stock (product_id, on_hand, initial) VALUES (%s, %s, 0)"
        " ON CONFLICT (product_id) DO UPDATE SET on_hand = stock.on_hand + EXCLUDED.on_hand",
        (event.product_id, delta),
    )
    conn.execute(
        "INSERT INTO stock_movements (event_id, order_id, product_id, delta, version)"
        " VALUES (%s, %s, %s, %s, %s)",
        (event.event_id, event.order_id, event.product_id, delta, event.version),
    )


if __name__ == "__main__":
    run_consumer("inventory", move_stock)
