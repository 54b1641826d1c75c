"""The order event. It is the same on the wire in every pattern, but for those that tell of rows
(`rows.py`)."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

PLACED, AMENDED = "order-placed", "order-amended"
CANCELLED, ERASED = "order-cancelled", "order-erased"
TYPES = frozenset({PLACED, AMENDED, CANCELLED, ERASED})
STANDING = frozenset({PLACED, AMENDED})
"""After one of these the order stands; after the others nothing of it is due any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A record to be published: key, value, and the header `event_id`."""

    key: str
    value: bytes
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to an order, and how it was left. `version` counts its events from 1."""

    event_id: str
    type: str
    order_id: str
    product_id: str
    quantity: int
    version: int

    @classmethod
    def new(cls, kind: str, order_id: str, product_id: str, quantity: int, version: int) -> "Event":
        return cls(
            event_id=str(uuid.uuid4()),
            type=kind,
            order_id=order_id,
            product_id=product_id,
            quantity=quantity,
            version=version,
        )

    def again(self) -> "Event":
        """The same change as another event."""
        return replace(self, event_id=str(uuid.uuid4()))

    def undone(self) -> "Event":
        """What takes the change back: the order's next event, of the other type."""
        kind = CANCELLED if self.type == PLACED else PLACED
        return Event.new(kind, self.order_id, self.product_id, self.quantity, self.version + 1)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def as_message(self) -> Message:
        return Message(key=self.order_id, value=self.as_json().encode(), event_id=self.event_id)


def decode(value: bytes | None) -> Event:
    """The event in a record's value. Raises ValueError or TypeError where it is none."""
    event = Event(**json.loads(value or b"null"))
    if event.type not in TYPES:
        raise ValueError(f"unknown event type {event.type!r}")
    return event


def leading(messages: Sequence[Message]) -> list[Message]:
    """The first messages, up to where a key comes up again."""
    found: dict[str, Message] = {}
    for message in messages:
        if message.key in found:
            break
        found[message.key] = message
    return list(found.values())
