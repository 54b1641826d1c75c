"""The payment service: takes an order's price from its customer and gives back what is not due."""

from .db import Connection
from .endpoint import run_told
from .events import PLACED, STANDING, Event
from .saga_member import run_participant
from .saga_messages import PAYMENT
from .saga_step import Step
from .settings import SAGAS, Settings

_UNLISTED_CENTS = 1000
"""What a product costs that has no price of its own."""


def move_money(conn: Connection, event: Event) -> None:
    """Between the customers' account and the shop's, and write the ledger."""
    _move(conn, event, event.type, _due(conn, event), event.version)


def charge(conn: Connection, event: Event) -> str | None:
    """Take the price from the customer, or say why not."""
    cents = price(conn, event.product_id, event.quantity)
    row = conn.execute("SELECT limit_cents FROM balances WHERE account = 'customers'").fetchone()
    if row is not None and row[0] is not None and cents > row[0]:
        return f"{cents} cents are over the limit"
    _move(conn, event, "charge", cents, 1)
    return None


def refund(conn: Connection, event: Event) -> None:
    """Give back what was taken, whatever the price is by now."""
    row = conn.execute(
        "SELECT cents FROM payment_movements WHERE order_id = %s AND type = 'charge'",
        (event.order_id,),
    ).fetchone()
    if row is not None:
        _move(conn, event, "refund", -row[0], 2)


def _move(conn: Connection, event: Event, kind: str, cents: int, version: int) -> None:
    # Always in the same order, so that two movements never wait for one another.
    for account, change in (("customers", -cents), ("shop", cents)):
        conn.execute("UPDATE balances SET cents = cents + %s WHERE account = %s", (change, account))
    conn.execute(
        "INSERT INTO payment_movements (event_id, order_id, type, cents, version)"
        " VALUES (%s, %s, %s, %s, %s)",
        (event.event_id, event.order_id, kind, cents, version),
    )


def _due(conn: Connection, event: Event) -> int:
    """A new order costs its price; a change, the difference to what was paid before."""
    standing = event.type in STANDING
    cents = price(conn, event.product_id, event.quantity) if standing else 0
    if event.type == PLACED:
        return cents
    paid = "SELECT coalesce(sum(cents), 0)::bigint FROM payment_movements WHERE order_id = %s"
    rows = conn.execute(paid, (event.order_id,)).fetchall()
    return cents - int(rows[0][0])


def price(conn: Connection, product_id: str, quantity: int) -> int:
    """In cents."""
    row = conn.execute("SELECT cents FROM prices WHERE product_id = %s", (product_id,)).fetchone()
    return quantity * (_UNLISTED_CENTS if row is None else int(row[0]))


def main() -> None:
    """The whole program."""
    settings = Settings.from_environment()
    if settings.pattern in SAGAS:
        step = Step(name=PAYMENT, attempt=charge, revert=refund)
        run_participant("payment", settings, step)
    else:
        run_told(settings, "payment", move_money)


if __name__ == "__main__":
    main()
