"""Cuts one direction of an HTTP/1.1 connection into messages; bodies are passed over by count.

Promises: the same bytes give the same messages however they are cut into chunks; nothing is kept
but a head, or a line of a chunked body, of at most `MOST_HEAD` bytes. How a body ends is decided
by whoever reads the head.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from harness.wire.http_head import MOST_BODY, Framing, OutOfSync

MOST_HEAD = 1 << 16
"""Servers refuse longer heads (8 KiB to 64 KiB by default)."""

H = TypeVar("H")

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """How the body of a message ends. `length` counts if it is counted."""

    framing: Framing
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Generic[H]):
    """One message: its place, what was read of its head, and how long its body was."""

    start: int
    end: int
    head: H
    body_bytes: int


class _Stage(Enum):
    """What comes next."""

    HEAD = auto()
    COUNTED = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    OPAQUE = auto()


class Framer(Generic[H]):
    """One direction. `read_head` is given a head's lines and where the message starts; `begins`
    matches the beginning of a head as far as it is there."""

    def __init__(
        self,
        read_head: Callable[[list[bytes], int], tuple[H, Body]],
        begins: re.Pattern[bytes],
    ) -> None:
        self.start = 0
        self.at = 0
        self.opaque_bytes = 0
        self._read_head = read_head
        self._begins = begins
        self._stage = _Stage.HEAD
        self._kept = bytearray()
        self._left = 0
        self._body_bytes = 0
        self._trailer_bytes = 0
        self._head: H | None = None

    @property
    def boundary(self) -> int:
        """Up to where the stream is whole messages, or, once it is no longer read, all of it."""
        return self.at if self._stage is _Stage.OPAQUE else self.start

    def go_opaque(self) -> None:
        """From here on the connection speaks something else."""
        self._stage = _Stage.OPAQUE
        self._kept.clear()

    def feed(self, data: bytes) -> Iterator[Message[H]]:
        """The messages that end within `data`. Raises OutOfSync; `start` is then where the
        message began that could not be read."""
        view = memoryview(data)
        while view and self._stage is not _Stage.OPAQUE:
            used, message = self._step(view)
            view = view[used:]
            if message is not None:
                yield message
        self.at += len(view)
        self.opaque_bytes += len(view)

    def _step(self, view: memoryview) -> tuple[int, Message[H] | None]:
        """Takes the next thing from the front: how many bytes it took, and a message if it ends
        there. `at` has moved when a message is told."""
        if self._stage is _Stage.HEAD:
            return self._on_head(view)
        if self._stage in (_Stage.COUNTED, _Stage.CHUNK):
            return self._on_body(view)
        return self._on_line(view)

    def _on_head(self, view: memoryview) -> tuple[int, Message[H] | None]:
        if not self._kept and view[0] in b"\r\n":  # RFC 9112, 2.2: empty lines before it
            self.at += 1
            return 1, None
        used, lines = self._gather(view, _HEAD_END, self._begins)
        if lines is None:
            return used, None
        head, body = self._read_head(_LINE_END.split(lines), self.start)
        self._head, self._body_bytes = head, 0
        if body.framing is Framing.CHUNKED:
            self._stage = _Stage.CHUNK_SIZE
        elif body.framing is Framing.TO_CLOSE:
            message = self._end()
            self.go_opaque()
            return used, message
        elif body.length:
            self._stage, self._left = _Stage.COUNTED, body.length
        else:
            return used, self._end()
        return used, None

    def _on_body(self, view: memoryview) -> tuple[int, Message[H] | None]:
        used = min(self._left, len(view))
        self._left -= used
        self._body_bytes += used
        self.at += used
        if self._left:
            return used, None
        if self._stage is _Stage.COUNTED:
            return used, self._end()
        self._stage = _Stage.CHUNK_END
        return used, None

    def _on_line(self, view: memoryview) -> tuple[int, Message[H] | None]:
        used, line = self._gather(view, _LINE_END, None)
        if line is None:
            return used, None
        if self._stage is _Stage.CHUNK_END:
            if line:
                raise OutOfSync("a chunk that is not as long as it says")
            self._stage = _Stage.CHUNK_SIZE
        elif self._stage is _Stage.CHUNK_SIZE:
            self._on_chunk_size(line)
        elif not line:
            return used, self._end()
        else:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MOST_HEAD:
                raise OutOfSync(f"trailers of more than {MOST_HEAD} bytes")
        return used, None

    def _on_chunk_size(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None or int(match[1], 16) > MOST_BODY:
            raise OutOfSync("no chunk size")
        self._left = int(match[1], 16)
        self._stage = _Stage.CHUNK if self._left else _Stage.TRAILER
        self._trailer_bytes = 0

    def _gather(
        self, view: memoryview, ending: re.Pattern[bytes], begins: re.Pattern[bytes] | None
    ) -> tuple[int, bytes | None]:
        """Collects up to `ending`: how much of `view` that took, and the text before the ending
        if it has come."""
        had = len(self._kept)
        self._kept += view[: MOST_HEAD + 1 - had]
        if begins is not None and begins.match(self._kept) is None:
            raise OutOfSync("TLS" if self._kept[0] == 0x16 else "not HTTP/1.1")
        found = ending.search(self._kept, max(had - 3, 0))
        if found is None:
            if len(self._kept) > MOST_HEAD:
                raise OutOfSync(f"a head or line of more than {MOST_HEAD} bytes")
            self.at += len(view)
            return len(view), None
        if found.end() > MOST_HEAD:
            raise OutOfSync(f"a head or line of more than {MOST_HEAD} bytes")
        text = bytes(self._kept[: found.start()])
        self._kept.clear()
        self.at += found.end() - had
        return found.end() - had, text

    def _end(self) -> Message[H]:
        if self._head is None:
            raise OutOfSync("a body without a head")
        message = Message(
            start=self.start, end=self.at, head=self._head, body_bytes=self._body_bytes
        )
        self.start, self._stage, self._head = self.at, _Stage.HEAD, None
        return message
