"""The notification service: pushes what became of an order to its customer's phone."""

from .consumer import run_consumer
from .db import Connection
from .events import Event


def push(conn: Connection, event: Event) -> None:
    """The row stands for the message: whoever delivers it reads it from there."""
    conn.execute(
        "INSERT INTO pushes (event_id, order_id, type, version) VALUES (%s, %s, %s, %s)",
        (event.event_id, event.order_id, event.type, event.version),
    )


if __name__ == "__main__":
    run_consumer("notification", push)
