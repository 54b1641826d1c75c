"""The inventory service: takes what is ordered out of stock and puts back what is no longer due.

Under sagas it reserves: there is no back order, and what is not in stock is refused.
"""

from .db import Connection
from .endpoint import run_told
from .events import PLACED, STANDING, Event
from .saga_member import run_participant
from .saga_messages import STOCK
from .saga_step import Step
from .settings import SAGAS, Settings


def move_stock(conn: Connection, event: Event) -> None:
    """Change the stock and write it into the ledger. Stock may go below zero: a back order."""
    _move(conn, event, _delta(conn, event), event.version)


def reserve(conn: Connection, event: Event) -> str | None:
    """Take it out of stock, or say why not. Locks the product: what is seen is what is taken."""
    row = conn.execute(
        "SELECT on_hand FROM stock WHERE product_id = %s FOR UPDATE", (event.product_id,)
    ).fetchone()
    on_hand = 0 if row is None else int(row[0])
    if on_hand < event.quantity:
        return f"{on_hand} in stock"
    _move(conn, event, -event.quantity, 1)
    return None


def release(conn: Connection, event: Event) -> None:
    """Put back what was reserved."""
    _move(conn, event, event.quantity, 2)


def _move(conn: Connection, event: Event, delta: int, version: int) -> None:
    conn.execute(
        "INSERT INTO stock (product_id, on_hand, initial) VALUES (%s, %s, 0)"
        " ON CONFLICT (product_id) DO UPDATE SET on_hand = stock.on_hand + EXCLUDED.on_hand",
        (event.product_id, delta),
    )
    conn.execute(
        "INSERT INTO stock_movements (event_id, order_id, product_id, delta, version)"
        " VALUES (%s, %s, %s, %s, %s)",
        (event.event_id, event.order_id, event.product_id, delta, version),
    )


def _delta(conn: Connection, event: Event) -> int:
    """A new order takes what it is for; a change, the difference to what was taken before."""
    if event.type == PLACED:
        return -event.quantity
    due = event.quantity if event.type in STANDING else 0
    moved = "SELECT coalesce(sum(delta), 0)::int FROM stock_movements WHERE order_id = %s"
    rows = conn.execute(moved, (event.order_id,)).fetchall()
    return -due - int(rows[0][0])


def main() -> None:
    """The whole program."""
    settings = Settings.from_environment()
    if settings.pattern in SAGAS:
        step = Step(name=STOCK, attempt=reserve, revert=release)
        run_participant("inventory", settings, step)
    else:
        run_told(settings, "inventory", move_stock)


if __name__ == "__main__":
    main()
