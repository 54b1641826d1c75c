"""The inbox: an event's effect happens once, however often and by whatever way the event comes."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from .db import Connection, Pool
from .events import Event
from .process import log

Effect = Callable[[Connection, Event], None]


class Told(Protocol):
    """What an inbox has to know of an event."""

    @property
    def event_id(self) -> str: ...
    @property
    def order_id(self) -> str: ...
    @property
    def type(self) -> str: ...


E = TypeVar("E", bound=Told)


def apply_once(pool: Pool, event: E, effect: Callable[[Connection, E], None]) -> bool:
    """One transaction: the event's id into the inbox and, if it is new there, the effect. Whether
    it was new. Raises Unavailable."""
    with pool.transaction() as conn:
        is_new = conn.execute(
            "INSERT INTO inbox (event_id) VALUES (%s) ON CONFLICT DO NOTHING", (event.event_id,)
        ).rowcount
        if is_new:
            effect(conn, event)
    log(f"order {event.order_id}: {event.type} {'applied' if is_new else 'seen before'}")
    return bool(is_new)
