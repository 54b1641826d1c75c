"""What a toxic is, and what is heard through a link that may have one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Stream(Enum):
    """One direction of a link's bytes, by Toxiproxy's name."""

    UPSTREAM = "upstream"
    """From the client to the server."""
    DOWNSTREAM = "downstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One thing that Toxiproxy does to one direction of a link."""

    type: str
    """By Toxiproxy's name: `latency`, `limit_data`."""
    stream: Stream
    attributes: Mapping[str, int]
    """As Toxiproxy has them."""


class Ending(Enum):
    """How a connection ended, as its client saw it."""

    CLOSED = "closed"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of one question, or of saying that there will be no more."""

    sent: int
    """Bytes of the question."""
    pieces: tuple[int, ...]
    """Bytes of each reception, in order."""
    seconds: float
    """From the first byte sent to the last one received, or to the connection's end; where
    neither came, how long it was waited for."""
    whole: bool
    """Whether all of the answer came."""
    ending: Ending | None = None

    @property
    def received(self) -> int:
        """Bytes."""
        return sum(self.pieces)
