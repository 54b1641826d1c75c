"""What every parser of one connection says about its two directions, and how most are fed.

Each direction of a connection is a stream of bytes, counted from 0; an event's `start` and `end`
are such counts, `end` being the first byte that is no longer the message's.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(cls: type[T]) -> type[T]:
    """A frozen, slotted, keyword-only dataclass, frozen for the type checker alone.

    One is made for most messages that pass, and freezing it at run time takes thrice as long.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


class Direction(Enum):
    """Who sent the bytes."""

    __hash__ = object.__hash__  # each is one object; Enum's own hash is a call of Python's

    CLIENT = "client"
    SERVER = "server"


@event
class LostSync:
    """From `from_byte` on, this direction is not read any more: it is not, or no longer, what the
    parser reads. Said once for each direction; what follows passes and is counted."""

    direction: Direction
    from_byte: int
    reason: str


class OutOfSync(Exception):
    """The stream is not what it should be, and nothing after it can be found again; the text says
    why."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How much of a connection was understood."""

    requests: int = 0
    answers: int = 0
    bytes_after_loss: int = 0


class Framer(Protocol):
    """Cuts one direction into messages and has each of them read."""

    fed: int
    """Bytes that have come."""
    start: int
    """Where the message begins that has not ended."""

    @property
    def boundary(self) -> int:
        """Up to where the stream is whole messages; what follows is a part of one."""

    def feed(self, data: bytes, /) -> None:
        """Raises OutOfSync, at the latest when what shows it has come."""


E = TypeVar("E")
C = TypeVar("C", bound=Tally)


class Feeding(Generic[E, C]):
    """Both directions of a connection, each of which may lose sync by itself.

    What its framers have read adds to `_events`.
    """

    def __init__(self, client: Framer, server: Framer, tally: C) -> None:
        self.tally = tally
        self._client = client
        self._server = server
        self._events: list[E | LostSync] = []
        self._lost: set[Direction] = set()

    def feed_client(self, data: bytes) -> list[E | LostSync]:
        """What the client's next bytes complete."""
        if self._lost and Direction.CLIENT in self._lost:
            return self._pass(data)
        try:
            self._client.feed(data)
        except OutOfSync as error:
            self._lose(Direction.CLIENT, self._client, str(error))
        return self._told() if self._events else []

    def feed_server(self, data: bytes) -> list[E | LostSync]:
        """What the server's next bytes complete."""
        if self._lost and Direction.SERVER in self._lost:
            return self._pass(data)
        try:
            self._server.feed(data)
        except OutOfSync as error:
            self._lose(Direction.SERVER, self._server, str(error))
        return self._told() if self._events else []

    def boundary(self, direction: Direction) -> int:
        """Up to where the direction's stream is whole messages; what follows is a part of one. Of
        what is opaque all may go on."""
        return (self._client if direction is Direction.CLIENT else self._server).boundary

    def _told(self) -> list[E | LostSync]:
        events, self._events = self._events, []
        return events

    def _lose(self, direction: Direction, framer: Framer, reason: str) -> None:
        self._lost.add(direction)
        self.tally.bytes_after_loss += framer.fed - framer.start
        self._events.append(LostSync(direction=direction, from_byte=framer.start, reason=reason))

    def _pass(self, data: bytes) -> list[E | LostSync]:
        self.tally.bytes_after_loss += len(data)
        return []
