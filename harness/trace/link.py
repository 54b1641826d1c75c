"""One connection of a scenario, read in both directions: bytes in, frames out."""

from typing import Protocol

from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.wire.stream import Direction, LostSync

LONGEST_NAME = 200
"""Characters of a frame's name."""

DIRECTIONS = {FROM_CLIENT: Direction.CLIENT, FROM_SERVER: Direction.SERVER}


class LinkReader(Protocol):
    """What passes on a connection. Never raises, whatever is fed.

    Frames come when their last byte does; the same bytes give the same frames however they are
    cut into chunks, as long as requests are fed before their answers.
    """

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        """What is complete with these bytes of FROM_CLIENT or FROM_SERVER."""
        ...

    def boundary(self, direction: str) -> int:
        """How many bytes of the direction are whole messages: forwarded up to there, none is cut.
        All of them once they can't be read any more."""
        ...

    def close(self, delivered: int | None = None) -> None:
        """The connection has ended: what awaits an answer is in doubt; apart from what was asked
        for beyond the first `delivered` bytes of the client, which its server never got."""
        ...

    def forget(self) -> None:
        """A new scenario: what was asked for before is none of its effects."""
        ...


class OpaqueReader:
    """Bytes that nobody reads."""

    __slots__ = ("__weakref__", "_fed")

    def __init__(self) -> None:
        self._fed = {FROM_CLIENT: 0, FROM_SERVER: 0}

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        self._fed[direction] += len(data)
        return []

    def boundary(self, direction: str) -> int:
        return self._fed[direction]

    def close(self, delivered: int | None = None) -> None:
        del delivered

    def forget(self) -> None:
        pass


def lost(event: LostSync) -> Frame:
    """From here on the direction is only counted."""
    return Frame(
        direction=event.direction.value,
        first=event.from_byte,
        end=event.from_byte,
        kind="lost-sync",
        error=event.reason,
    )
