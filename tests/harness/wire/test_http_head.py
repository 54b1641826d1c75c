"""Heads of HTTP/1.1 messages, line by line."""

import pytest

from harness.wire.http_head import (
    Framing,
    read_headers,
    read_request_line,
    read_status,
)
from harness.wire.stream import OutOfSync


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/orders?x=1?y", "/orders", "x=1?y"),
        (b"/orders?", "/orders", ""),
        (b"http://shop:8080/orders", "/orders", None),
        (b"http://shop", "/", None),
        (b"*", "*", None),
        (b"/\xff", "/\xff", None),
    ],
)
def test_a_target_has_a_path_and_a_query(target: bytes, path: str, query: str | None) -> None:
    """In each of its forms."""
    line = read_request_line(b"GET " + target + b" HTTP/1.1")
    assert (line.method, line.path, line.query) == ("GET", path, query)


@pytest.mark.parametrize("line", [b"GET /", b"GET / HTTP/2.0", b"GET  / HTTP/1.1", b""])
def test_other_lines_are_no_requests(line: bytes) -> None:
    """Told with what was there."""
    with pytest.raises(OutOfSync, match="no request line"):
        read_request_line(line)


def test_a_status_needs_no_reason() -> None:
    """RFC 9112 wants a space, servers don't all."""
    assert [read_status(b"HTTP/1.1 204"), read_status(b"HTTP/1.0 404 Not Found")] == [204, 404]
    with pytest.raises(OutOfSync):
        read_status(b"HTTP/1.1 OK")


@pytest.mark.parametrize(
    ("lines", "framing", "length"),
    [
        ([], None, 0),
        ([b"Content-Length:5 "], Framing.COUNTED, 5),
        ([b"content-length: 5", b"Content-Length: 5"], Framing.COUNTED, 5),
        ([b"Transfer-Encoding: gzip", b"Transfer-Encoding: Chunked"], Framing.CHUNKED, 0),
        ([b"Transfer-Encoding: gzip"], Framing.TO_CLOSE, 0),
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], Framing.CHUNKED, 5),
        ([b"X: a", b" Content-Length: 5"], None, 0),
    ],
)
def test_headers_say_how_the_body_ends(
    lines: list[bytes], framing: Framing | None, length: int
) -> None:
    """Chunked goes before a length; a folded line is no header."""
    headers = read_headers(lines, frozenset())
    assert (headers.framing, headers.length) == (framing, length)


def test_only_what_is_asked_for_is_kept() -> None:
    """By small name, and not too much of it."""
    lines = [b"X-Request-Id: 7", b"Cookie: secret", b"Traceparent: " + b"0" * 999]
    headers = read_headers(lines, frozenset({"x-request-id", "traceparent"}))
    assert headers.kept == (("x-request-id", "7"), ("traceparent", "0" * 256))


@pytest.mark.parametrize("length", [b"1 2", b"+1", b"", b"9" * 30, b"1, 2", "²".encode("latin-1")])
def test_a_length_that_cannot_be_trusted_is_out_of_sync(length: bytes) -> None:
    """Nobody could tell where the message ends."""
    with pytest.raises(OutOfSync):
        read_headers([b"Content-Length: " + length], frozenset())
