"""PostgreSQL's messages cut out of a stream, in memory that does not grow with them.

A message is handed to the reader of its type when its last byte has come, with at most `KEPT`
bytes of its body; messages that nobody reads are jumped over. What can't be a message is a loss
of sync.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class
from typing import NamedTuple, TypeAlias

KEPT = 64 * 1024
"""Bytes of a body that are kept; the rest is counted and let go."""

UNTYPED, ANSWER = 256, 257
"""Where `Framing.readers` has the readers of messages without a type byte."""

_HEAD = Struct(">BI")
_LENGTH = Struct(">I")
_LONGEST = 0x3FFFFFFF  # MaxAllocSize of postgres, the limit of any message
_LONGEST_STARTUP = 10_000  # MAX_STARTUP_PACKET_LENGTH of pqcomm.h
_TLS_HANDSHAKE = 0x16
_MUCH = 1024
"""Bytes that are left of a chunk, from where on there may be many messages of one type."""

Reader: TypeAlias = Callable[[bytes, int, int, int, int, bool], None]
"""Reads data[at:after], the body of the message at [first, end) of the stream, and is told
whether that is all of the body. Six arguments, because a value that holds them takes as long to
make as most readers run."""


class Phase(Enum):
    """What the next bytes of a direction are."""

    UNTYPED = "untyped"
    """A message without a type byte: start-up, a request for encryption, a cancel request."""
    ANSWER = "answer"
    """One byte that answers a request for encryption."""
    TYPED = "typed"
    OVER = "over"
    """Not parsed any more."""


class Frame(NamedTuple):
    """One message, for readers that are seldom called. `kind` is its type byte."""

    kind: int
    body: bytes
    first: int
    end: int
    whole: bool
    """Whether `body` is all of it."""


class NotAMessage(Exception):
    """Raised inside the parser only: what stands from `from_byte` is none."""

    def __init__(self, from_byte: int, reason: str) -> None:
        super().__init__(reason)
        self.from_byte = from_byte
        self.reason = reason


def framed(kind: int, read: Callable[[Frame], None]) -> Reader:
    """A reader that is given its message as one value."""

    def reader(data: bytes, at: int, after: int, first: int, end: int, whole: bool) -> None:
        read(Frame(kind, data[at:after], first, end, whole))

    return reader


def _unknown(data: bytes, at: int, after: int, first: int, end: int, whole: bool) -> None:
    """Stands for the types that a side does not send."""
    del after, end, whole
    raise NotAMessage(first, f"no message of this side begins with 0x{data[at - 5]:02x}")


class Framing:
    """One direction of one connection. `readers` by type byte; `skimmed` types are known and not
    read. What a reader raises ends the feeding."""

    __slots__ = (
        "_body",
        "_first",
        "_head",
        "_kind",
        "_left",
        "_phase",
        "_wanted",
        "between",
        "fed",
        "readers",
    )

    def __init__(self, readers: Mapping[int, Reader], skimmed: Iterable[int], phase: Phase) -> None:
        self.readers: list[Reader | None] = [_unknown] * (ANSWER + 1)
        """None: messages of this type are jumped over."""
        for kind in skimmed:
            self.readers[kind] = None
        for kind, reader in readers.items():
            self.readers[kind] = reader
        self.fed = 0
        """Bytes that have come."""
        self.between = False
        """Whether the next byte begins a message with a type."""
        self._first = 0
        self._head = b""
        self._kind = 0
        self._body: bytearray | None = None
        self._left = 0
        self._wanted = 0
        self.phase = phase

    @property
    def phase(self) -> Phase:
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        self._settle()

    @property
    def forwardable(self) -> int:
        """Bytes that can't be regretted: up to the message that has begun and may still matter.

        Of a message that is too big to be held back all but the last byte.
        """
        if self._phase is Phase.OVER or (self._body is None and not self._head):
            return self.fed
        if self._body is not None and (end := self.fed + self._left) - self._first > KEPT:
            return min(self.fed, end - 1)
        return self._first

    def feed(self, data: bytes) -> None:
        """Have every message read that ends in `data`. Raises NotAMessage."""
        at, size, base = 0, len(data), self.fed
        self.fed = base + size
        while at < size:
            if self.between:
                at = self._walk(data, at, base)
                if at == size:
                    return
            at = self._step(data, at, base)

    def stop(self) -> None:
        """Parse no more."""
        self._head, self._body, self._left = b"", None, 0
        self.phase = Phase.OVER

    def _walk(self, data: bytes, at: int, base: int) -> int:
        """The quick way through messages that are here as a whole; returns where it ends."""
        size, readers, unpack = len(data), self.readers, _HEAD.unpack_from
        while at + 5 <= size:
            kind, length = unpack(data, at)
            after: int = at + 1 + length
            if after > size or length < 4:
                break
            reader = readers[kind]
            if reader is not None:
                if length > KEPT + 4:
                    break
                reader(data, at + 5, after, base + at, base + after, True)
            elif size - after > _MUCH:
                after = _after_all(data, after, kind)
            at = after
        return at

    def _step(self, data: bytes, at: int, base: int) -> int:
        """The next piece of a message that is not here as a whole; returns where it ends."""
        if self._phase is Phase.OVER:
            return len(data)
        at = self._take(data, at, base) if self._left else self._begin(data, at, base)
        self._settle()
        return at

    def _settle(self) -> None:
        self.between = self._phase is Phase.TYPED and not self._left and not self._head

    def _begin(self, data: bytes, at: int, base: int) -> int:
        """Read a head from here; returns where it ends."""
        if self._phase is Phase.ANSWER and not self._head:
            self._read(ANSWER, data[at : at + 1], base + at, base + at + 1, whole=True)
            return at + 1 if data[at] != ord("E") else at
        if not self._head:
            self._first = base + at
        needed = 5 if self._phase is Phase.TYPED else 4
        piece = data[at : at + needed - len(self._head)]
        head = self._head + piece
        self._check_first_byte(head[0])
        if len(head) < needed:
            self._head = head
            return at + len(piece)
        self._head = b""
        self._open(head)
        return at + len(piece)

    def _check_first_byte(self, byte: int) -> None:
        if self._phase is Phase.TYPED:
            if self.readers[byte] is _unknown:
                raise NotAMessage(self._first, f"no message of this side begins with 0x{byte:02x}")
        elif byte == _TLS_HANDSHAKE:
            raise NotAMessage(self._first, "TLS from the first byte")

    def _open(self, head: bytes) -> None:
        """A head is complete: how much of the body is to be kept."""
        is_typed = len(head) == _HEAD.size
        kind = head[0] if is_typed else UNTYPED
        length = _LENGTH.unpack_from(head, len(head) - 4)[0]
        longest = _LONGEST if is_typed else _LONGEST_STARTUP
        if not (4 if is_typed else 8) <= length <= longest:
            raise NotAMessage(self._first, f"a message of {length} bytes")
        self._left = length - 4
        if self.readers[kind] is None:
            return
        if not self._left:
            self._read(kind, b"", self._first, self._first + len(head), whole=True)
            return
        self._kind, self._wanted, self._body = kind, min(self._left, KEPT), bytearray()

    def _take(self, data: bytes, at: int, base: int) -> int:
        """Bytes of a body; returns where they end."""
        size = min(self._left, len(data) - at)
        body = self._body
        if body is not None and (room := self._wanted - len(body)) > 0:
            body += data[at : at + min(size, room)]
        self._left -= size
        at += size
        if not self._left and body is not None:
            self._body = None
            end, head = base + at, 4 if self._kind == UNTYPED else _HEAD.size
            whole = end - self._first == head + len(body)
            self._read(self._kind, bytes(body), self._first, end, whole=whole)
        return at

    def _read(self, kind: int, body: bytes, first: int, end: int, *, whole: bool) -> None:
        reader = self.readers[kind]
        if reader is not None:
            reader(body, 0, len(body), first, end, whole)


def _after_all(data: bytes, at: int, kind: int) -> int:
    """After all messages of one type that follow each other from here as a whole. A COPY has
    hundreds in each chunk: nothing quicker was found in Python (70 ns each)."""
    unpack, length = _HEAD.unpack_from, 0
    try:
        while True:
            found, length = unpack(data, at)
            if found != kind or length < 4:
                return at
            at += length + 1
    except StructError:  # the last one is not here as a whole
        return at if at <= len(data) else at - length - 1
