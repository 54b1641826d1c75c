"""The shipping service: keeps a shipment for each order, at the order's newest version."""

from .db import Connection
from .endpoint import run_told
from .events import STANDING, Event
from .saga_member import run_participant
from .saga_messages import SHIPMENT
from .saga_step import Step
from .settings import SAGAS, Settings

_MOST_KILOGRAMS = 75
"""What a carrier takes."""


def change_shipment(conn: Connection, event: Event) -> None:
    """Bring the shipment to the event's version unless it is newer, and write the ledger."""
    status = "placed" if event.type in STANDING else "cancelled"
    _change(conn, event, event.type, status, event.version)


def arrange(conn: Connection, event: Event) -> str | None:
    """Have it shipped, or say why not."""
    row = conn.execute(
        "SELECT kilograms FROM weights WHERE product_id = %s", (event.product_id,)
    ).fetchone()
    kilograms = event.quantity * (1 if row is None else int(row[0]))
    if kilograms > _MOST_KILOGRAMS:
        return f"{kilograms} kg are too heavy"
    _change(conn, event, "arranged", "arranged", 1)
    return None


def call_off(conn: Connection, event: Event) -> None:
    """Have it not shipped after all."""
    _change(conn, event, "called-off", "cancelled", 2)


def _change(conn: Connection, event: Event, kind: str, status: str, version: int) -> None:
    conn.execute(
        "INSERT INTO shipments (order_id, product_id, quantity, status, version)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status,"
        " quantity = EXCLUDED.quantity,"
        " version = EXCLUDED.version, updated_at = now()"
        " WHERE shipments.version < EXCLUDED.version",
        (event.order_id, event.product_id, event.quantity, status, version),
    )
    conn.execute(
        "INSERT INTO shipment_changes (event_id, order_id, type, version) VALUES (%s, %s, %s, %s)",
        (event.event_id, event.order_id, kind, version),
    )


def main() -> None:
    """The whole program."""
    settings = Settings.from_environment()
    if settings.pattern in SAGAS:
        step = Step(name=SHIPMENT, attempt=arrange, revert=call_off)
        run_participant("shipping", settings, step)
    else:
        run_told(settings, "shipping", change_shipment)


if __name__ == "__main__":
    main()
