"""What becomes of an order under sagas: one table, and the transactions that follow it.

The order's own row decides. Completing it is the point of no return: from then on nothing is
undone, and a cancellation is refused. Where the customer cancelled, a saga that fails ends as
cancelled, else as rejected.
"""

from collections.abc import Mapping

from .db import Connection, Pool
from .events import Event
from .saga_messages import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_FAILING,
    ORDER_REJECTED,
    STEPS,
    UNDONE,
    outcome,
    tell,
)
from .saga_reactions import Act

PENDING, UNDOING, CANCELLING = "pending", "undoing", "cancelling"
COMPLETED, REJECTED, CANCELLED = "completed", "rejected", "cancelled"
FINAL = frozenset({COMPLETED, REJECTED, CANCELLED})

CANCEL = "the customer cancels"

TRANSITIONS: Mapping[tuple[str, str], tuple[str, str | None]] = {
    (PENDING, Act.COMPLETE): (COMPLETED, ORDER_COMPLETED),
    (PENDING, Act.FAIL): (UNDOING, ORDER_FAILING),
    (PENDING, CANCEL): (CANCELLING, ORDER_FAILING),
    (PENDING, Act.END): (REJECTED, ORDER_REJECTED),
    (UNDOING, CANCEL): (CANCELLING, None),
    (UNDOING, Act.END): (REJECTED, ORDER_REJECTED),
    (CANCELLING, Act.END): (CANCELLED, ORDER_CANCELLED),
}
"""Status and what happens → next status and what is told of it. Else nothing happens."""


def change(conn: Connection, order_id: str, what: str) -> tuple[str, str] | None:
    """Bring the order on, by the table. Returns the status before and after; None: no order."""
    row = conn.execute(
        "SELECT product_id, quantity, status, version FROM orders WHERE order_id = %s FOR UPDATE",
        (order_id,),
    ).fetchone()
    if row is None:
        return None
    product_id, quantity, before, version = row
    after, told = TRANSITIONS.get((before, what), (before, None))
    if after == before:
        return before, after
    version += 1
    conn.execute(
        "UPDATE orders SET status = %s, version = %s, updated_at = now() WHERE order_id = %s",
        (after, version, order_id),
    )
    _note(conn, order_id, after, version)
    if told is not None:
        tell(conn, told, Event.new(told, order_id, product_id, quantity, version))
    return before, after


def place(conn: Connection, placed: Event) -> bool:
    """Keep a new order and begin its saga; False where there is one of that id."""
    is_new = conn.execute(
        "INSERT INTO orders (order_id, product_id, quantity, status, version)"
        " VALUES (%s, %s, %s, 'pending', 1) ON CONFLICT DO NOTHING",
        (placed.order_id, placed.product_id, placed.quantity),
    ).rowcount
    if is_new:
        _note(conn, placed.order_id, PENDING, 1)
        tell(conn, placed.type, placed)
    return bool(is_new)


def settle(conn: Connection, undone: Event) -> None:
    """One more step is undone; the last of them ends the order."""
    (step,) = [step for step in STEPS if outcome(step, UNDONE) == undone.type]
    # Two steps' messages must not each miss the other's row.
    conn.execute("SELECT 1 FROM orders WHERE order_id = %s FOR UPDATE", (undone.order_id,))
    conn.execute(
        "INSERT INTO steps_undone (order_id, step) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (undone.order_id, step),
    )
    row = conn.execute(
        "SELECT count(*) FROM steps_undone WHERE order_id = %s", (undone.order_id,)
    ).fetchone()
    if row == (len(STEPS),):
        change(conn, undone.order_id, Act.END)


def fail_late(pool: Pool, limit_s: float) -> int:
    """Give up orders that are pending for too long; returns how many. Raises Unavailable.

    Each in a transaction of its own, so that one does not hold up the others.
    """
    with pool.connection() as conn:
        late = conn.execute(
            "SELECT order_id FROM orders WHERE status = 'pending'"
            " AND created_at < now() - make_interval(secs => %s) ORDER BY created_at",
            (limit_s,),
        ).fetchall()
    for (order_id,) in late:
        with pool.transaction() as conn:
            change(conn, order_id, Act.FAIL)
    return len(late)


def _note(conn: Connection, order_id: str, status: str, version: int) -> None:
    conn.execute(
        "INSERT INTO order_changes (order_id, status, version) VALUES (%s, %s, %s)",
        (order_id, status, version),
    )
