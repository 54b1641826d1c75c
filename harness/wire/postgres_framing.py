"""PostgreSQL's messages cut out of a stream, in memory that does not grow with them.

A message is told when its last byte has come, with at most `KEPT` bytes of its body; the bodies
of kinds that nobody asked for are never kept. What can't be a message is a loss of sync.
"""

from collections.abc import Callable
from enum import Enum
from struct import Struct
from typing import NamedTuple

KEPT = 64 * 1024
"""Bytes of a body that are kept; the rest is counted and let go."""

_LENGTH = Struct(">I")
_LONGEST = 0x3FFFFFFF  # MaxAllocSize of postgres, the limit of any message
_LONGEST_STARTUP = 10_000  # MAX_STARTUP_PACKET_LENGTH of pqcomm.h
_TLS_HANDSHAKE = 0x16


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
    """One message. `kind` is its type byte, 0 where there is none.

    A tuple: one is made for every message that passes, and a frozen dataclass takes thrice as long.
    """

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


class Framing:
    """One direction of one connection."""

    __slots__ = (
        "_fed",
        "_first",
        "_head",
        "_kept",
        "_left",
        "_wanted",
        "known",
        "phase",
        "skimmed",
    )

    def __init__(self, *, known: bytes, phase: Phase) -> None:
        self.phase = phase
        self.known = frozenset(known)
        """Types that this side may send."""
        self.skimmed: frozenset[int] = frozenset()
        """Types whose messages are passed over without being told."""
        self._fed = 0
        self._first = 0
        self._head = b""
        self._kept: bytearray | None = None
        self._left = 0
        self._wanted = 0

    @property
    def fed(self) -> int:
        """Bytes that have come."""
        return self._fed

    @property
    def forwardable(self) -> int:
        """Bytes that can't be regretted: up to the message that has begun and may still matter.

        Of a message that is too big to be held back all but the last byte.
        """
        if self.phase is Phase.OVER or (self._kept is None and not self._head):
            return self._fed
        if self._kept is not None and (end := self._fed + self._left) - self._first > KEPT:
            return min(self._fed, end - 1)
        return self._first

    def feed(self, data: bytes, tell: Callable[[Frame], None]) -> None:
        """Tell every message that ends in `data`."""
        at, size, base = 0, len(data), self._fed
        self._fed = base + size
        if not self._left and not self._head:
            at = self._take_whole(data, at, base, tell)
        while at < size and self.phase is not Phase.OVER:
            if self._left:
                at = self._take(data, at, base, tell)
                if at < size:
                    at = self._take_whole(data, at, base, tell)
            else:
                at = self._begin(data, at, base, tell)

    def stop(self) -> None:
        """Parse no more."""
        self.phase, self._head, self._kept, self._left = Phase.OVER, b"", None, 0

    def _take_whole(self, data: bytes, at: int, base: int, tell: Callable[[Frame], None]) -> int:
        """The quick way through messages that are here as a whole; returns where it ends."""
        size, unpack, skimmed = len(data), _LENGTH.unpack_from, self.skimmed
        while at + 5 <= size and self.phase is Phase.TYPED:
            kind = data[at]
            after: int = at + 1 + unpack(data, at + 1)[0]
            if not at + 5 <= after <= size:
                break
            if kind not in skimmed:
                if kind not in self.known or after - at - 5 > KEPT:
                    break
                tell(Frame(kind, data[at + 5 : after], base + at, base + after, True))
                skimmed = self.skimmed
            at = after
        return at

    def _begin(self, data: bytes, at: int, base: int, tell: Callable[[Frame], None]) -> int:
        """Read a head from here; returns where it ends."""
        if self.phase is Phase.ANSWER and not self._head:
            tell(Frame(data[at], b"", base + at, base + at + 1, True))
            return at + 1 if data[at] != ord("E") else at
        if not self._head:
            self._first = base + at
        needed = 5 if self.phase is Phase.TYPED else 4
        piece = data[at : at + needed - len(self._head)]
        head = self._head + piece
        self._check_first_byte(head[0])
        if len(head) < needed:
            self._head = head
            return at + len(piece)
        self._head = b""
        self._open(head, tell)
        return at + len(piece)

    def _check_first_byte(self, byte: int) -> None:
        if self.phase is Phase.TYPED:
            if byte not in self.known:
                raise NotAMessage(self._first, f"no message of this side begins with 0x{byte:02x}")
        elif byte == _TLS_HANDSHAKE:
            raise NotAMessage(self._first, "TLS from the first byte")

    def _open(self, head: bytes, tell: Callable[[Frame], None]) -> None:
        """A head is complete: how much of the body is to be kept."""
        kind = head[0] if self.phase is Phase.TYPED else 0
        length = _LENGTH.unpack_from(head, len(head) - 4)[0]
        longest = _LONGEST if kind else _LONGEST_STARTUP
        if not (4 if kind else 8) <= length <= longest:
            raise NotAMessage(self._first, f"a message of {length} bytes")
        self._left = length - 4
        self._wanted = 0 if kind in self.skimmed else min(self._left, KEPT)
        if kind in self.skimmed:
            return
        if not self._left:
            end = self._first + len(head)
            tell(Frame(kind, b"", self._first, end, True))
            return
        self._kept = bytearray((kind,))

    def _take(self, data: bytes, at: int, base: int, tell: Callable[[Frame], None]) -> int:
        """Bytes of a body; returns where they end."""
        size = min(self._left, len(data) - at)
        kept = self._kept
        if kept is not None and (room := self._wanted + 1 - len(kept)) > 0:
            kept += data[at : at + min(size, room)]
        self._left -= size
        at += size
        if not self._left and kept is not None:
            self._kept = None
            end = base + at
            head = 5 if kept[0] else 4
            whole = end - self._first == head + len(kept) - 1
            tell(Frame(kept[0], bytes(kept[1:]), self._first, end, whole))
        return at
