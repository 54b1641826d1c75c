"""What the members of a saga say to each other, and where.

Under saga-choreography everything is an event on one topic. Under saga-orchestration the
orchestrator commands and is replied to. A step's outcome is called the same in both.
"""

import json
from dataclasses import replace

from .db import Connection
from .events import Event
from .settings import CHOREOGRAPHY, ORCHESTRATION, Settings

EVENTS, COMMANDS, REPLIES = "saga.events", "saga.commands", "saga.replies"
"""Topics. Every record's key is the order's id, so all of a saga is in one partition, in order."""

STOCK, PAYMENT, SHIPMENT = "stock", "payment", "shipment"
STEPS = (STOCK, PAYMENT, SHIPMENT)
DONE, REFUSED, UNDONE = "done", "refused", "undone"

ORDER_PLACED, ORDER_FAILING = "order-placed", "order-failing"
ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED = (
    "order-completed",
    "order-rejected",
    "order-cancelled",
)
ENDS = (ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED)

LISTENS = {CHOREOGRAPHY: EVENTS, ORCHESTRATION: COMMANDS}
"""Pattern → where a participant hears what there is to do."""
SPEAKS = {CHOREOGRAPHY: EVENTS, ORCHESTRATION: REPLIES}
"""Pattern → where a participant tells what it did."""


def outcome(step: str, how: str) -> str:
    """The message that a step is done, refused or undone."""
    return f"{step}-{how}"


def listening(settings: Settings) -> Settings:
    """A participant's, for its consumer."""
    return replace(settings, topic=LISTENS[settings.pattern])


def speaking(settings: Settings) -> Settings:
    """A participant's, for its relay."""
    return replace(settings, topic=SPEAKS[settings.pattern])


def read(value: bytes | None) -> Event:
    """The message in a record's value. Raises ValueError or TypeError where it is none."""
    return Event(**json.loads(value or b"null"))


def tell(conn: Connection, kind: str, about: Event, version: int | None = None) -> None:
    """Write a message about the same order into the outbox, within the caller's transaction."""
    event = Event.new(
        kind, about.order_id, about.product_id, about.quantity, version or about.version
    )
    conn.execute(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, version, payload)"
        " VALUES (%s, 'order', %s, %s, %s, %s::jsonb)",
        (event.event_id, event.order_id, event.type, event.version, event.as_json()),
    )
