"""One HTTP/1.1 connection, read from the bytes of both directions.

Promises: never raises, whatever is fed; the same bytes give the same events however they are cut
into chunks; bodies are passed over by count, heads of up to 64 KiB are kept until they are whole.
TLS, HTTP/2 and garbage are `LostSync`, once for each direction. A connection that changes its
protocol (101, or CONNECT that succeeded) is opaque from there on, and counted.

Responses come in the order of the requests; one may begin before its request has ended.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from harness.wire import stream
from harness.wire.http_events import HttpAnswered, HttpEvent, HttpRequested
from harness.wire.http_framing import Body, Framer
from harness.wire.http_head import (
    Framing,
    Headers,
    RequestLine,
    read_headers,
    read_request_line,
    read_status,
)
from harness.wire.stream import Direction, OutOfSync

CORRELATING = frozenset({"x-request-id", "x-correlation-id", "traceparent", "idempotency-key"})
"""Headers that tell which request of a flow this is."""

MOST_IN_FLIGHT = 10_000
"""Requests that may be unanswered; the oldest are forgotten beyond."""

_COUNTED, _TO_CLOSE = Framing.COUNTED, Framing.TO_CLOSE
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BEGINS_REQUEST = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: |\Z)")
_BEGINS_RESPONSE = re.compile(
    rb"HTTP/1\.|" + rb"|".join(re.escape(b"HTTP/1."[:n]) + rb"\Z" for n in range(1, 7))
)


@dataclass(slots=True, kw_only=True)
class Tally(stream.Tally):
    """How much of a connection was understood."""

    opaque_bytes: int = 0


class _InFlight(NamedTuple):
    """A request whose final answer has not begun."""

    start: int
    method: str


class _Request(NamedTuple):
    """A request's head."""

    line: RequestLine
    headers: Headers


class _Response(NamedTuple):
    """A response's head, and what it answers."""

    status: int
    headers: Headers
    request: _InFlight | None
    to_close: bool


class HttpParser(stream.Feeding[HttpEvent, Tally]):
    """One connection. `keep` are the headers that events have, in small letters.

    With `terse` nothing is told of what has no effect: no request that is safe, and of its answers
    only what failed, or changed the protocol.
    """

    def __init__(self, keep: frozenset[str] = CORRELATING, *, terse: bool = False) -> None:
        self._requests = Framer(
            self._read_request_head, self._on_request, _BEGINS_REQUEST, self._pass_opaque
        )
        self._responses = Framer(
            self._read_response_head, self._on_response, _BEGINS_RESPONSE, self._pass_opaque
        )
        super().__init__(self._requests, self._responses, Tally())
        self._keep = keep
        self._terse = terse
        self._in_flight: deque[_InFlight] = deque()

    def _pass_opaque(self, count: int) -> None:
        self.tally.opaque_bytes += count

    def _read_request_head(self, lines: list[bytes], start: int) -> tuple[_Request, Body]:
        line = read_request_line(lines[0])
        headers = read_headers(lines[1:], self._keep)
        if headers.framing is _TO_CLOSE:
            raise OutOfSync("a request whose body is not chunked last")
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            self._in_flight.popleft()
        self._in_flight.append(_InFlight(start, line.method))
        return _Request(line, headers), Body(headers.framing or _COUNTED, headers.length)

    def _on_request(self, head: _Request, start: int, end: int, body_bytes: int) -> None:
        self.tally.requests += 1
        (method, path, query), headers = head
        side_effect = method not in _SAFE
        if side_effect or not self._terse:
            self._events.append(
                HttpRequested(
                    start=start,
                    end=end,
                    method=method,
                    path=path,
                    query=query,
                    headers=headers.kept,
                    body_bytes=body_bytes,
                    side_effect=side_effect,
                )
            )

    def _read_response_head(self, lines: list[bytes], start: int) -> tuple[_Response, Body]:
        del start
        status = read_status(lines[0])
        headers = read_headers(lines[1:], self._keep)
        request = self._in_flight[0] if self._in_flight else None
        if request is None and Direction.CLIENT in self._lost:
            raise OutOfSync("the requests are no longer read")
        if request is not None and (status >= 200 or status == 101):
            self._in_flight.popleft()
        method = request.method if request else None
        body = _body(status, method, headers)
        if status == 101 or (method == "CONNECT" and status // 100 == 2):
            self._requests.go_opaque()
        return _Response(status, headers, request, body.framing is _TO_CLOSE), body

    def _on_response(self, head: _Response, start: int, end: int, body_bytes: int) -> None:
        self.tally.answers += 1
        status, headers, request, to_close = head
        is_safe = request is not None and request.method in _SAFE
        if self._terse and is_safe and status < 400 and status != 101:
            return
        self._events.append(
            HttpAnswered(
                start=start,
                end=end,
                status=status,
                headers=headers.kept,
                body_bytes=body_bytes,
                request_start=request.start if request else None,
                final=status >= 200 or status == 101,
                to_close=to_close,
            )
        )


def _body(status: int, method: str | None, headers: Headers) -> Body:
    """How a response's body ends: RFC 9112, 6.3."""
    if status == 101 or (method == "CONNECT" and status // 100 == 2):
        return Body(_TO_CLOSE)
    if status < 200 or status in (204, 304) or method == "HEAD":
        return Body(_COUNTED)
    return Body(headers.framing or _TO_CLOSE, headers.length)
