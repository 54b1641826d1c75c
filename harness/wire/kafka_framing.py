"""Kafka's framing: an int32 size before each message, the same in both directions.

Promises: the same bytes give the same frames however they are cut into chunks; of a message only
as many bytes are kept as the reader of that direction asks for when it has seen the head, the
rest is passed over by count. Knows nothing of what the messages say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from harness.wire.kafka_primitives import Malformed

HEAD_BYTES = 8
"""How much of a message has to be there to tell what it is: a request's api key, version and
correlation id; of a response only the first four are needed, and may be all there is."""

MOST_BYTES = 1 << 28
"""The largest message that is believed in. Brokers refuse requests above socket.request.max.bytes
(100 MiB), consumers ask for 50 MiB (fetch.max.bytes); a TLS record's head read as a size, or any
text, is more than this."""


class OutOfSync(Malformed):
    """The stream is not what it should be, and nothing after it can be found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message. `body` is what follows the size, or as much of it as was to be kept."""

    start: int
    end: int
    body: bytes

    @property
    def cut(self) -> bool:
        """Whether only the beginning was kept."""
        return len(self.body) < self.end - self.start - 4


class _Stage(Enum):
    """What has to be there before the next decision."""

    SIZE = auto()
    HEAD = auto()
    BODY = auto()


Admit = Callable[[bytes], int]
"""Is given a message's head, says how many bytes of the message to keep; raises OutOfSync."""


class Framer:
    """One direction. `at` counts the bytes that were fed and read."""

    def __init__(self, admit: Admit, least_bytes: int) -> None:
        self._admit = admit
        self._least_bytes = least_bytes
        self._kept = bytearray()
        self.start = self.at = 0
        self._restart(0)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that end within `data`. Raises OutOfSync, at the latest when what shows
        it has come; `start` then says where the message began that could not be read."""
        rest = 0
        while True:
            rest = self._gather(data, rest)
            if self._missing():
                return
            if self._stage is _Stage.SIZE:
                self._on_size()
            elif self._stage is _Stage.HEAD:
                self._on_head()
            else:
                frame = Frame(start=self.start, end=self.at, body=bytes(self._kept))
                self._restart(self.at)
                yield frame

    def _gather(self, data: bytes, rest: int) -> int:
        """Takes what is wanted from data[rest:]; the new rest."""
        want = self._want - len(self._kept)
        if want > 0:
            taken = data[rest : rest + want]
            self._kept += taken
            rest += len(taken)
            self.at += len(taken)
        if self._skip and len(self._kept) == self._want:
            passed = min(self._skip, len(data) - rest)
            self._skip -= passed
            rest += passed
            self.at += passed
        return rest

    def _missing(self) -> bool:
        return self._skip > 0 or len(self._kept) < self._want

    def _on_size(self) -> None:
        size = int.from_bytes(self._kept, "big", signed=True)
        if bytes(self._kept[:2]) == b"\x16\x03":
            raise OutOfSync("TLS")
        if not self._least_bytes <= size <= MOST_BYTES:
            raise OutOfSync(f"a message of {size} bytes")
        self._kept.clear()
        self._size = size
        self._want = min(size, HEAD_BYTES)
        self._stage = _Stage.HEAD

    def _on_head(self) -> None:
        keep = self._admit(bytes(self._kept))
        self._want = min(self._size, max(keep, len(self._kept)))
        self._skip = self._size - self._want
        self._stage = _Stage.BODY

    def _restart(self, at: int) -> None:
        self.start = self.at = at
        self._stage = _Stage.SIZE
        self._kept = bytearray()
        self._want = 4
        self._skip = 0
        self._size = 0
