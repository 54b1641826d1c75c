"""The shipping service: keeps a shipment for each order, at the order's newest version."""

from .consumer import run_consumer
from .db import Connection
from .events import PLACED, Event


def change_shipment(conn: Connection, event: Event) -> None:
    """Bring the shipment to the event's version unless it is newer, and write the ledger."""
    status = "placed" if event.type == PLACED else "cancelled"
    conn.execute(
        "INSERT INTO shipments (order_id, product_id, quantity, status, version)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status,"
        " version = EXCLUDED.version, updated_at = now()"
        " WHERE shipments.version < EXCLUDED.version",
        (event.order_id, event.product_id, event.quantity, status, event.version),
    )
    conn.execute(
        "INSERT INTO shipment_changes (event_id, order_id, type, version) VALUES (%s, %s, %s, %s)",
        (event.event_id, event.order_id, event.type, event.version),
    )


if __name__ == "__main__":
    run_consumer("shipping", change_shipment)
