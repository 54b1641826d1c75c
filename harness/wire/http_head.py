"""The head of an HTTP/1.1 message: its first line, what its headers say of the body, and those
headers that correlate.

Raises `OutOfSync` for a head by which nobody could tell where the message ends.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from harness.wire.stream import OutOfSync

MOST_VALUE = 256
"""Characters that are kept of a correlating header's value."""
MOST_BODY = 1 << 60

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") (\S+) HTTP/1\.[01]")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?", re.DOTALL)
_HEADER = re.compile(rb"(" + _TOKEN + rb"):[ \t]*(.*?)[ \t]*", re.DOTALL)
_FRAMING = frozenset({"transfer-encoding", "content-length"})
_LONGEST_KNOWN = 256
"""Most lines come again and again: what was read of them is remembered."""
_MOST_KNOWN = 1024
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


class Framing(Enum):
    """How a body ends."""

    COUNTED = "content-length"
    CHUNKED = "chunked"
    TO_CLOSE = "the connection's end"


class Headers(NamedTuple):
    """What a head's headers say."""

    framing: Framing | None
    """None: they don't say."""
    length: int
    kept: tuple[tuple[str, str], ...]


class RequestLine(NamedTuple):
    """Method and target."""

    method: str
    path: str
    query: str | None


def read_request_line(line: bytes) -> RequestLine:
    """Raises OutOfSync. Of a target in absolute form (to a proxy) the path is told."""
    return _known_request_line(line) if len(line) <= _LONGEST_KNOWN else _request_line(line)


def _request_line(line: bytes) -> RequestLine:
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise OutOfSync(f"no request line: {_shown(line)}")
    target = match[2].decode("latin-1")
    path, mark, query = _ABSOLUTE.sub("", target, count=1).partition("?")
    return RequestLine(
        method=match[1].decode("ascii"), path=path or "/", query=query if mark else None
    )


_known_request_line = lru_cache(maxsize=_MOST_KNOWN)(_request_line)


def read_status(line: bytes) -> int:
    """Raises OutOfSync."""
    return _known_status(line) if len(line) <= _LONGEST_KNOWN else _status(line)


def _status(line: bytes) -> int:
    match = _STATUS.fullmatch(line)
    if match is None:
        raise OutOfSync(f"no status line: {_shown(line)}")
    return int(match[1])


_known_status = lru_cache(maxsize=_MOST_KNOWN)(_status)


def read_headers(lines: list[bytes], keep: frozenset[str]) -> Headers:
    """Raises OutOfSync where the length of the body can't be told for sure."""
    codings: list[str] = []
    lengths: set[int] = set()
    kept: list[tuple[str, str]] = []
    for line in lines:
        name, value = _known_lines.get(line) or _header(line)
        if name in _FRAMING:
            if name == "content-length":
                lengths.update(map(_length, value.split(",")))
            else:
                codings += [coding.strip().lower() for coding in value.split(",")]
        if name in keep:
            kept.append((name, value[:MOST_VALUE]))
    if len(lengths) > 1:
        raise OutOfSync("two content-lengths")
    framing = Framing.COUNTED if lengths else None
    if codings:
        framing = Framing.CHUNKED if codings[-1] == "chunked" else Framing.TO_CLOSE
    return Headers(framing, lengths.pop() if lengths else 0, tuple(kept))


_known_lines: dict[bytes, tuple[str, str]] = {}


def _header(line: bytes) -> tuple[str, str]:
    """A header's name in small letters, and its value. Raises OutOfSync."""
    match = _HEADER.fullmatch(line)
    if match is None:
        if line[:1] in (b" ", b"\t"):
            return "", ""  # a folded line (obsolete): a part of the header before it
        raise OutOfSync(f"no header: {_shown(line)}")
    header = match[1].decode("ascii").lower(), match[2].decode("latin-1")
    if len(line) <= _LONGEST_KNOWN:
        if len(_known_lines) >= _MOST_KNOWN:
            _known_lines.clear()
        _known_lines[line] = header
    return header


def _length(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19) or int(text) > MOST_BODY:
        raise OutOfSync(f"a content-length of {text[:40]!r}")
    return int(text)


def _shown(line: bytes) -> str:
    return repr(line[:40].decode("latin-1"))
