"""Kafka's framing: an int32 size before each message, the same in both directions.

Promises: the same bytes give the same messages however they are cut into chunks; a message that is
in one chunk is read where it stands; of others only as many bytes are kept as the reader of that
direction asks for when it has seen the head, the rest is passed over by count. Knows nothing of
what the messages say.
"""

from collections.abc import Callable
from struct import Struct

from harness.wire.stream import OutOfSync

HEAD_BYTES = 8
"""How much of a message has to be there to tell what it is: a request's api key, version and
correlation id; of a response only the first four are needed, and may be all there is."""

_LARGE = 4096
"""Bytes of a piece that is not copied until the message is here; its chunk is kept so long."""

MOST_BYTES = 1 << 28
"""The largest message that is believed in. Brokers refuse requests above socket.request.max.bytes
(100 MiB), consumers ask for 50 MiB (fetch.max.bytes); a TLS record's head read as a size, or any
text, is more than this."""

_SIZE = Struct(">i")

Admit = Callable[[bytes, int], int]
"""Is given where a message's head stands in some bytes, says how many bytes of the message to
read; raises OutOfSync."""
Read = Callable[[bytes, int, int, int, int], None]
"""Reads data[at:stop], as much of a message as was to be read, without its size. The message is
[start, end) in the stream."""
Quick = Callable[[bytes, int, int, int, int], bool]
"""As `Read`, of whole messages; False: this one is to be admitted and read as others are."""


class Framer:
    """One direction."""

    __slots__ = (
        "_admit",
        "_have",
        "_is_admitted",
        "_least_bytes",
        "_pieces",
        "_quick",
        "_read",
        "_size",
        "_skip",
        "_want",
        "fed",
        "start",
    )

    def __init__(self, admit: Admit, read: Read, quick: Quick, least_bytes: int) -> None:
        self._admit = admit
        self._quick = quick
        self._read = read
        self._least_bytes = least_bytes
        self.fed = 0
        """Bytes that have come."""
        self.start = 0
        """Where the message begins that has not ended."""
        self._pieces: list[bytes | bytearray | memoryview] = []
        """Of that message, first its size and then what comes behind it."""
        self._have = 0
        """Bytes in them."""
        self._size = 0
        """Of that message, as soon as it is known."""
        self._is_admitted = False
        self._want = _SIZE.size
        """Bytes that are to be kept before the next decision."""
        self._skip = 0
        """Bytes to be passed over behind those."""

    @property
    def boundary(self) -> int:
        """Up to where the stream is whole messages; what follows is a part of one."""
        return self.start

    def feed(self, data: bytes) -> None:
        """Have every message read that ends within `data`. Raises OutOfSync, at the latest when
        what shows it has come; `start` then says where the message began that could not be read."""
        at, size, base = 0, len(data), self.fed
        self.fed = base + size
        while at < size:
            if not self._size and not self._have:
                at = self._walk(data, at, base)
            if at < size:
                at = self._gather(data, at, base)

    def _walk(self, data: bytes, at: int, base: int) -> int:
        """Through messages that are here as a whole; returns where the first that isn't begins."""
        size, unpack, least = len(data), _SIZE.unpack_from, self._least_bytes
        while at + 12 <= size:
            (length,) = unpack(data, at)
            body = at + 4
            after: int = body + length
            if after > size or not least <= length <= MOST_BYTES:
                break
            if not self._quick(data, body, after, base + at, base + after):
                keep = max(self._admit(data, body), HEAD_BYTES)
                stop = after if keep >= length else body + keep
                self._read(data, body, stop, base + at, base + after)
            at = after
            self.start = base + at
        return at

    def _gather(self, data: bytes, at: int, base: int) -> int:
        """More of a message that is not here as a whole; returns where that ends."""
        while True:
            want = min(self._want - self._have, len(data) - at)
            if want > 0:
                self._keep(data, at, want)
                at += want
            if self._skip and self._have == self._want:
                passed = min(self._skip, len(data) - at)
                self._skip -= passed
                at += passed
            if self._skip or self._have < self._want:
                return at
            if self._is_admitted:
                self._end(base + at)
                return at
            if self._size:
                self._on_head()
            else:
                self._on_size()

    def _keep(self, data: bytes, at: int, count: int) -> None:
        """Large pieces as they are; small ones in one, as there may be very many."""
        self._have += count
        if count >= _LARGE:
            self._pieces.append(memoryview(data)[at : at + count])
        elif self._pieces and isinstance(self._pieces[-1], bytearray):
            self._pieces[-1] += data[at : at + count]
        else:
            self._pieces.append(bytearray(data[at : at + count]))

    def _taken(self) -> bytes:
        return b"".join(self._pieces)

    def _on_size(self) -> None:
        head = self._taken()
        (size,) = _SIZE.unpack(head)
        if head.startswith(b"\x16\x03"):
            raise OutOfSync("TLS")
        if not self._least_bytes <= size <= MOST_BYTES:
            raise OutOfSync(f"a message of {size} bytes")
        self._pieces.clear()
        self._have = 0
        self._size = size
        self._want = min(size, HEAD_BYTES)

    def _on_head(self) -> None:
        keep = self._admit(self._taken(), 0)
        self._want = min(self._size, max(keep, self._have))
        self._skip = self._size - self._want
        self._is_admitted = True

    def _end(self, end: int) -> None:
        start, size, body = self.start, self._size, self._taken()
        self.start = end
        self._pieces.clear()
        self._have = self._size = self._skip = 0
        self._want = _SIZE.size
        self._is_admitted = False
        if len(body) < size or not self._quick(body, 0, size, start, end):
            self._read(body, 0, len(body), start, end)
