"""Kafka's framing: an int32 size before each message, the same in both directions.

Promises: the same bytes give the same frames however they are cut into chunks; of a message only
as many bytes are kept as the reader of that direction asks for when it has seen the head, the
rest is passed over by count. Knows nothing of what the messages say.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto

from harness.wire.kafka_primitives import Malformed
from harness.wire.stream import event

HEAD_BYTES = 8
"""How much of a message has to be there to tell what it is: a request's api key, version and
correlation id; of a response only the first four are needed, and may be all there is."""

_LARGE = 4096
"""Bytes of a piece that is worth an object of its own."""

MOST_BYTES = 1 << 28
"""The largest message that is believed in. Brokers refuse requests above socket.request.max.bytes
(100 MiB), consumers ask for 50 MiB (fetch.max.bytes); a TLS record's head read as a size, or any
text, is more than this."""


class OutOfSync(Malformed):
    """The stream is not what it should be, and nothing after it can be found again."""


@event
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
        self.start = self.at = 0
        self._restart(0)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that end within `data`. Raises OutOfSync, at the latest when what shows
        it has come; `start` then says where the message began that could not be read."""
        rest = 0
        if not self._have and self._stage is _Stage.SIZE:
            base, end = self.at, self._whole(data, 0)
            while end:
                body = self._body(data, rest, end)
                frame = Frame(start=base + rest, end=base + end, body=body)
                self.start = self.at = base + end
                yield frame
                rest, end = end, self._whole(data, end)
        while True:
            rest = self._gather(data, rest)
            if self._missing():
                return
            if self._stage is _Stage.SIZE:
                self._on_size()
            elif self._stage is _Stage.HEAD:
                self._on_head()
            else:
                frame = Frame(start=self.start, end=self.at, body=self._taken())
                self._restart(self.at)
                yield frame

    def _whole(self, data: bytes, at: int) -> int:
        """Where the message ends that begins here, if all of it is here; otherwise 0."""
        if len(data) - at < 4 + HEAD_BYTES:
            return 0
        size = int.from_bytes(data[at : at + 4], "big", signed=True)
        end = at + 4 + size
        return end if self._least_bytes <= size and end <= len(data) else 0

    def _body(self, data: bytes, at: int, end: int) -> bytes:
        """What is to be kept of a whole message."""
        at += 4
        head = data[at : min(at + HEAD_BYTES, end)]
        return data[at : min(end, at + max(self._admit(head), len(head)))]

    def _gather(self, data: bytes, rest: int) -> int:
        """Takes what is wanted from data[rest:]; the new rest."""
        want = self._want - self._have
        if want > 0:
            taken = data[rest : rest + want]
            self._keep(taken)
            self._have += len(taken)
            rest += len(taken)
            self.at += len(taken)
        if self._skip and self._have == self._want:
            passed = min(self._skip, len(data) - rest)
            self._skip -= passed
            rest += passed
            self.at += passed
        return rest

    def _keep(self, piece: bytes) -> None:
        """Large pieces as they are; small ones in one, as there may be very many."""
        if len(piece) >= _LARGE:
            self._pieces.append(piece)
        elif self._pieces and isinstance(self._pieces[-1], bytearray):
            self._pieces[-1] += piece
        else:
            self._pieces.append(bytearray(piece))

    def _missing(self) -> bool:
        return self._skip > 0 or self._have < self._want

    def _taken(self) -> bytes:
        return b"".join(self._pieces)

    def _on_size(self) -> None:
        head = self._taken()
        size = int.from_bytes(head, "big", signed=True)
        if head[:2] == b"\x16\x03":
            raise OutOfSync("TLS")
        if not self._least_bytes <= size <= MOST_BYTES:
            raise OutOfSync(f"a message of {size} bytes")
        self._pieces.clear()
        self._have = 0
        self._size = size
        self._want = min(size, HEAD_BYTES)
        self._stage = _Stage.HEAD

    def _on_head(self) -> None:
        keep = self._admit(self._taken())
        self._want = min(self._size, max(keep, self._have))
        self._skip = self._size - self._want
        self._stage = _Stage.BODY

    def _restart(self, at: int) -> None:
        self.start = self.at = at
        self._stage = _Stage.SIZE
        self._pieces: list[bytes | bytearray] = []
        self._have = 0
        self._want = 4
        self._skip = 0
        self._size = 0
