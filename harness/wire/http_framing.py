"""Cuts one direction of an HTTP/1.1 connection into messages; bodies are passed over by count.

Promises: the same bytes give the same messages however they are cut into chunks; nothing is kept
but a head, or a line of a chunked body, of at most `MOST_HEAD` bytes. How a body ends is decided
by whoever reads the head.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

from harness.wire.http_head import MOST_BODY, Framing
from harness.wire.stream import OutOfSync

MOST_HEAD = 1 << 16
"""Servers refuse longer heads (8 KiB to 64 KiB by default)."""

H = TypeVar("H")

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_CRLF = b"\r\n"
_EMPTY_LINE = b"\r\n\r\n"


class Body(NamedTuple):
    """How the body of a message ends. `length` counts if it is counted."""

    framing: Framing
    length: int = 0


class _Stage(Enum):
    """What comes next."""

    HEAD = auto()
    COUNTED = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    OPAQUE = auto()


# An enum's member is slow to look up.
_HEAD, _COUNTED, _CHUNK_SIZE, _IN_CHUNK, _CHUNK_END, _TRAILER, _OPAQUE = _Stage
_CHUNKED, _TO_CLOSE = Framing.CHUNKED, Framing.TO_CLOSE


class Framer(Generic[H]):
    """One direction. `read_head` is given a head's lines and where the message starts; `tell` what
    that read, the message's place and the size of its body. `begins` matches the beginning of a
    head as far as it is there. `pass_opaque` is told how many bytes pass that are no messages."""

    def __init__(
        self,
        read_head: Callable[[list[bytes], int], tuple[H, Body]],
        tell: Callable[[H, int, int, int], None],
        begins: re.Pattern[bytes],
        pass_opaque: Callable[[int], None],
    ) -> None:
        self.start = 0
        """Where the message begins that has not ended."""
        self.fed = 0
        """Bytes that have come."""
        self._read_head = read_head
        self._tell = tell
        self._begins = begins
        self._pass_opaque = pass_opaque
        self._stage = _HEAD
        self._kept = bytearray()
        self._left = 0
        self._body_bytes = 0
        self._trailer_bytes = 0
        self._head: H | None = None

    @property
    def boundary(self) -> int:
        """Up to where the stream is whole messages, or, once it is no longer read, all of it."""
        return self.fed if self._stage is _OPAQUE else self.start

    def go_opaque(self) -> None:
        """From here on the connection speaks something else."""
        self._stage = _OPAQUE
        self._kept.clear()

    def feed(self, data: bytes) -> None:
        """Have every message told that ends within `data`. Raises OutOfSync; `start` is then where
        the message began that could not be read."""
        at, size, base = 0, len(data), self.fed
        self.fed = base + size
        while at < size:
            stage = self._stage
            if stage is _HEAD:
                at = self._on_head(data, at, base)
            elif stage is _COUNTED or stage is _IN_CHUNK:
                at = self._on_body(data, at, base)
            elif stage is _OPAQUE:
                self._pass_opaque(size - at)
                return
            else:
                at = self._on_line(data, at, base)

    def _on_head(self, data: bytes, at: int, base: int) -> int:
        """A head, or a piece of it; returns where that ends."""
        if not self._kept:
            if data[at] in _CRLF:  # RFC 9112, 2.2: empty lines before it
                return at + 1
            after = data.find(_EMPTY_LINE, at) + len(_EMPTY_LINE)
            if len(_EMPTY_LINE) <= after <= at + MOST_HEAD:
                text = data[at : after - len(_EMPTY_LINE)]
                if text.count(b"\n") == text.count(_CRLF):
                    self._check_beginning(data, at)
                    self._open(text.split(_CRLF), base + after)
                    return after
        after, head = self._gather(data, at, _HEAD_END)
        if head is not None:
            self._open(_LINE_END.split(head), base + after)
        return after

    def _check_beginning(self, data: bytes | bytearray, at: int) -> None:
        if self._begins.match(data, at) is None:
            raise OutOfSync("TLS" if data[at] == 0x16 else "not HTTP/1.1")

    def _open(self, lines: list[bytes], end: int) -> None:
        """A head is complete, and ends at `end` in the stream."""
        head, body = self._read_head(lines, self.start)
        framing, length = body
        self._head, self._body_bytes = head, 0
        if framing is _CHUNKED:
            self._stage = _CHUNK_SIZE
        elif framing is _TO_CLOSE:
            self._end(end)
            self.go_opaque()
        elif length:
            self._stage, self._left = _COUNTED, length
        else:
            self._end(end)

    def _on_body(self, data: bytes, at: int, base: int) -> int:
        used = min(self._left, len(data) - at)
        self._left -= used
        self._body_bytes += used
        at += used
        if not self._left:
            if self._stage is _COUNTED:
                self._end(base + at)
            else:
                self._stage = _CHUNK_END
        return at

    def _on_line(self, data: bytes, at: int, base: int) -> int:
        after, line = self._gather(data, at, _LINE_END)
        if line is None:
            return after
        if self._stage is _CHUNK_END:
            if line:
                raise OutOfSync("a chunk that is not as long as it says")
            self._stage = _CHUNK_SIZE
        elif self._stage is _CHUNK_SIZE:
            self._on_chunk_size(line)
        elif not line:
            self._end(base + after)
        else:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MOST_HEAD:
                raise OutOfSync(f"trailers of more than {MOST_HEAD} bytes")
        return after

    def _on_chunk_size(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None or int(match[1], 16) > MOST_BODY:
            raise OutOfSync("no chunk size")
        self._left = int(match[1], 16)
        self._stage = _IN_CHUNK if self._left else _TRAILER
        self._trailer_bytes = 0

    def _gather(self, data: bytes, at: int, ending: re.Pattern[bytes]) -> tuple[int, bytes | None]:
        """Collects up to `ending`: where what that took of `data` ends, and the text before the
        ending if it has come."""
        had = len(self._kept)
        self._kept += data[at : at + MOST_HEAD + 1 - had]
        if self._stage is _HEAD:
            self._check_beginning(self._kept, 0)
        found = ending.search(self._kept, max(had - 3, 0))
        if found is None:
            if len(self._kept) > MOST_HEAD:
                raise OutOfSync(f"a head or line of more than {MOST_HEAD} bytes")
            return len(data), None
        if found.end() > MOST_HEAD:
            raise OutOfSync(f"a head or line of more than {MOST_HEAD} bytes")
        text = bytes(self._kept[: found.start()])
        self._kept.clear()
        return at + found.end() - had, text

    def _end(self, end: int) -> None:
        head, start = self._head, self.start
        if head is None:
            raise OutOfSync("a body without a head")
        self.start, self._stage, self._head = end, _HEAD, None
        self._tell(head, start, end, self._body_bytes)
