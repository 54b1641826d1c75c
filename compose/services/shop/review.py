"""The review service: asks customers for their opinion, unless they have nothing to judge any more."""

from .db import Connection
from .endpoint import run_told
from .events import STANDING, Event
from .saga_member import run_listener
from .saga_messages import ORDER_COMPLETED
from .settings import SAGAS, Settings


def change_request(conn: Connection, event: Event) -> None:
    """Bring the request to the event's version unless it is newer, and write the ledger."""
    status = "requested" if event.type in STANDING | {ORDER_COMPLETED} else "withdrawn"
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


def main() -> None:
    """The whole program."""
    settings = Settings.from_environment()
    if settings.pattern in SAGAS:
        run_listener("review", settings, change_request)
    else:
        run_told(settings, "review", change_request)


if __name__ == "__main__":
    main()
