"""The notification service: pushes what became of an order to its customer's phone."""

from .db import Connection
from .endpoint import run_told
from .events import Event
from .saga_member import run_listener
from .settings import SAGAS, Settings


def push(conn: Connection, event: Event) -> None:
    """The row stands for the message: whoever delivers it reads it from there."""
    conn.execute(
        "INSERT INTO pushes (event_id, order_id, type, version) VALUES (%s, %s, %s, %s)",
        (event.event_id, event.order_id, event.type, event.version),
    )


def main() -> None:
    """The whole program."""
    settings = Settings.from_environment()
    if settings.pattern in SAGAS:
        run_listener("notification", settings, push)
    else:
        run_told(settings, "notification", push)


if __name__ == "__main__":
    main()
