"""What every parser of one connection says about its two directions.

Each direction of a connection is a stream of bytes, counted from 0; an event's `start` and `end`
are such counts, `end` being the first byte that is no longer the message's.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(cls: type[T]) -> type[T]:
    """A frozen, slotted, keyword-only dataclass, frozen for the type checker alone.

    One is made for most messages that pass, and freezing it at run time takes thrice as long.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


class Direction(Enum):
    """Who sent the bytes."""

    CLIENT = "client"
    SERVER = "server"


@event
class LostSync:
    """From `from_byte` on, this direction is not read any more: it is not, or no longer, what the
    parser reads. Said once for each direction; what follows passes and is counted."""

    direction: Direction
    from_byte: int
    reason: str
