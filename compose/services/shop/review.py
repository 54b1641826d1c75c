"""The review service: asks customers for their opinion, unless they have cancelled."""

from .consumer import run_consumer
from .db import Connection
from .events import PLACED, Event


def change_request(conn: Connection, event: Event) -> None:
    """Bring the request to the event's version unless it is newer, and write the ledger."""
    status = "requested" if event.type == PLACED else "withdrawn"
    conn.execute(
        "INSERT INTO review_requests (order_id, status, version) VALUES (%s, %s, %s)"
        " ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status,"
        " version = EXCLUDED.version, updated_at = now()"
        " WHERE review_requests.version < EXCLUDED.version",
        (event.order_id, status, event.version),
    )
    conn.execute(
        "INSERT INTO review_changes (event_id, order_id, type, version) VALUES (%s, %s, %s, %s)",
        (event.event_id, event.order_id, event.type, event.version),
    )


if __name__ == "__main__":
    run_consumer("review", change_request)
