"""Harmless questions to a server whose size, and whose answers' size, can be chosen.

Each dialect knows one protocol: a question without effect, and when all of the answer is there.
"""

import re
import struct
from math import ceil
from typing import Protocol

from harness.errors import EnvironmentFailed

_API_VERSIONS = 18
_MOST_KAFKA = 20_000
"""Bytes of a client's name: its length is a signed 16-bit number."""
_MOST_HTTP = 2_000
"""Bytes of a header: servers take 8 kB of all of them, at least."""
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_NO_BODY = re.compile(rb"HTTP/1\.\d (1\d\d|204|304) ")
_LAST_CHUNK = b"0\r\n\r\n"


class Dialect(Protocol):
    """One protocol. A dialect is of one connection, and learns from its answers."""

    def question(self, up: int, down: int) -> bytes:
        """At least `up` bytes, for an answer of about `down` bytes or more, once the size of one
        is known."""
        ...

    def answered(self, heard: bytes) -> bool:
        """Whether that is all of the answer to the last question. Raises EnvironmentFailed where
        it is none in this protocol."""
        ...


class _Repeating:
    """A dialect whose answers have one size: a longer one takes several questions at once."""

    most: int
    """Bytes that a question can be made longer by."""

    def __init__(self) -> None:
        self._asked = 1
        self._answer_bytes = 0
        """Of one answer, once there was one."""

    def question(self, up: int, down: int) -> bytes:
        for_answers = ceil(down / self._answer_bytes) if self._answer_bytes else 1
        self._asked = max(1, ceil(up / self.most), for_answers)
        return self.one(ceil(up / self._asked)) * self._asked

    def answered(self, heard: bytes) -> bool:
        at, answers = 0, 0
        while answers < self._asked:
            end = self.end(heard, at)
            if end is None:
                return False
            self._answer_bytes = end - at
            at, answers = end, answers + 1
        return True

    def one(self, up: int) -> bytes:
        raise NotImplementedError

    def end(self, heard: bytes, at: int) -> int | None:
        raise NotImplementedError


class Kafka(_Repeating):
    """ApiVersions, version 0, which a broker answers to everybody."""

    most = _MOST_KAFKA

    def one(self, up: int) -> bytes:
        """The client's name makes it as long as is wanted."""
        name = b"aftershock".ljust(min(up, self.most), b".")
        body = struct.pack(">hhih", _API_VERSIONS, 0, 0, len(name)) + name
        return struct.pack(">i", len(body)) + body

    def end(self, heard: bytes, at: int) -> int | None:
        if len(heard) < at + 4:
            return None
        (length,) = struct.unpack_from(">i", heard, at)
        if length < 4:
            raise EnvironmentFailed("what answered is no Kafka broker")
        end = at + 4 + int(length)
        return end if len(heard) >= end else None


class Http(_Repeating):
    """GET of the path by which the node tells that it is ready."""

    most = _MOST_HTTP

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def one(self, up: int) -> bytes:
        padding = "." * min(up, self.most)
        return f"GET {self._path} HTTP/1.1\r\nHost: aftershock\r\nX-Padding: {padding}\r\n\r\n".encode()

    def end(self, heard: bytes, at: int) -> int | None:
        head = heard.find(b"\r\n\r\n", at)
        if head < 0:
            return None
        body = head + 4
        if not heard.startswith(b"HTTP/1.", at):
            raise EnvironmentFailed("what answered does not speak HTTP/1.1")
        if _NO_BODY.match(heard, at):
            return body
        if _CHUNKED.search(heard, at, body):
            last = heard.find(_LAST_CHUNK, body)
            return None if last < 0 else last + len(_LAST_CHUNK)
        length = _CONTENT_LENGTH.search(heard, at, body)
        if length is None:
            raise EnvironmentFailed(
                "an HTTP answer without its length: it can't be told from the next"
            )
        end = body + int(length[1])
        return end if len(heard) >= end else None


class Postgres:
    """A query for a text, on a session that has been logged in."""

    def question(self, up: int, down: int) -> bytes:
        query = f"SELECT repeat('.', {down}) /* {'.' * up} */".encode() + b"\0"
        return b"Q" + struct.pack(">i", len(query) + 4) + query

    def answered(self, heard: bytes) -> bool:
        """ReadyForQuery is the last message."""
        at = 0
        while len(heard) >= at + 5:
            kind, length = struct.unpack_from(">ci", heard, at)
            at += 1 + int(length)
            if kind == b"Z":
                return len(heard) >= at
        return False


class PostgresGreeting:
    """An SSLRequest, which is answered by one byte, logged in or not."""

    def question(self, _up: int, _down: int) -> bytes:
        return struct.pack(">ii", 8, 80877103)

    def answered(self, heard: bytes) -> bool:
        return bool(heard)
