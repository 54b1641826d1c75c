"""What every parser of one connection says about its two directions.

Each direction of a connection is a stream of bytes, counted from 0; an event's `start` and `end`
are such counts, `end` being the first byte that is no longer the message's.
"""

from dataclasses import dataclass
from enum import Enum


class Direction(Enum):
    """Who sent the bytes."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSync:
    """From `from_byte` on, this direction is not read any more: it is not, or no longer, what the
    parser reads. Said once for each direction; what follows passes and is counted."""

    direction: Direction
    from_byte: int
    reason: str
