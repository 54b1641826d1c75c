"""One HTTP/1.1 connection, read from the bytes of both directions.

Promises: never raises, whatever is fed; the same bytes give the same events however they are cut
into chunks; bodies are passed over by count, heads of up to 64 KiB are kept until they are whole.
TLS, HTTP/2 and garbage are `LostSync`, once for each direction. A connection that changes its
protocol (101, or CONNECT that succeeded) is opaque from there on, and counted.

Responses come in the order of the requests; one may begin before its request has ended.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.wire.http_events import HttpAnswered, HttpEvent, HttpRequested
from harness.wire.http_framing import Body, Framer, Message
from harness.wire.http_head import (
    Framing,
    Headers,
    OutOfSync,
    RequestLine,
    read_headers,
    read_request_line,
    read_status,
)
from harness.wire.stream import Direction, LostSync

H = TypeVar("H")

CORRELATING = frozenset({"x-request-id", "x-correlation-id", "traceparent", "idempotency-key"})
"""Headers that tell which request of a flow this is."""

MOST_IN_FLIGHT = 10_000
"""Requests that may be unanswered; the oldest are forgotten beyond."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BEGINS_REQUEST = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: |\Z)")
_BEGINS_RESPONSE = re.compile(
    rb"HTTP/1\.|" + rb"|".join(re.escape(b"HTTP/1."[:n]) + rb"\Z" for n in range(1, 7))
)


@dataclass(slots=True, kw_only=True)
class Tally:
    """How much of a connection was understood."""

    requests: int = 0
    answers: int = 0
    opaque_bytes: int = 0
    bytes_after_loss: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _InFlight:
    """A request whose final answer has not begun."""

    start: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request's head."""

    line: RequestLine
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    """A response's head, and what it answers."""

    status: int
    headers: Headers
    request: _InFlight | None
    to_close: bool


class HttpParser:
    """One connection. `keep` are the headers that events have, in small letters."""

    def __init__(self, keep: frozenset[str] = CORRELATING) -> None:
        self.tally = Tally()
        self._keep = keep
        self._client = Framer(self._read_request_head, _BEGINS_REQUEST)
        self._server = Framer(self._read_response_head, _BEGINS_RESPONSE)
        self._in_flight: deque[_InFlight] = deque()
        self._lost: set[Direction] = set()

    def feed_client(self, data: bytes) -> list[HttpEvent]:
        """What the client's next bytes complete."""
        return self._feed(Direction.CLIENT, self._client, data, self._on_request)

    def feed_server(self, data: bytes) -> list[HttpEvent]:
        """What the server's next bytes complete."""
        return self._feed(Direction.SERVER, self._server, data, self._on_response)

    def boundary(self, direction: Direction) -> int:
        """Up to where the direction's stream is whole messages; what follows is a part of one. Of
        what is opaque all may go on."""
        return (self._client if direction is Direction.CLIENT else self._server).boundary

    def _feed(
        self,
        direction: Direction,
        framer: Framer[H],
        data: bytes,
        read: Callable[[Message[H]], HttpEvent],
    ) -> list[HttpEvent]:
        events: list[HttpEvent] = []
        if direction in self._lost:
            self.tally.bytes_after_loss += len(data)
            return events
        before = framer.at
        try:
            for message in framer.feed(data):
                events.append(read(message))  # noqa: PERF401 - what came before a loss is kept
        except OutOfSync as error:
            self._lost.add(direction)
            self.tally.bytes_after_loss += before + len(data) - framer.start
            events.append(LostSync(direction=direction, from_byte=framer.start, reason=str(error)))
        self.tally.opaque_bytes = self._client.opaque_bytes + self._server.opaque_bytes
        return events

    def _read_request_head(self, lines: list[bytes], start: int) -> tuple[_Request, Body]:
        line = read_request_line(lines[0])
        headers = read_headers(lines[1:], self._keep)
        if headers.framing is Framing.TO_CLOSE:
            raise OutOfSync("a request whose body is not chunked last")
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            self._in_flight.popleft()
        self._in_flight.append(_InFlight(start=start, method=line.method))
        framing = headers.framing or Framing.COUNTED
        return _Request(line=line, headers=headers), Body(framing=framing, length=headers.length)

    def _on_request(self, message: Message[_Request]) -> HttpEvent:
        self.tally.requests += 1
        line = message.head.line
        return HttpRequested(
            start=message.start,
            end=message.end,
            method=line.method,
            path=line.path,
            query=line.query,
            headers=message.head.headers.kept,
            body_bytes=message.body_bytes,
            side_effect=line.method not in _SAFE,
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
            self._client.go_opaque()
        return (
            _Response(
                status=status,
                headers=headers,
                request=request,
                to_close=body.framing is Framing.TO_CLOSE,
            ),
            body,
        )

    def _on_response(self, message: Message[_Response]) -> HttpEvent:
        self.tally.answers += 1
        head = message.head
        return HttpAnswered(
            start=message.start,
            end=message.end,
            status=head.status,
            headers=head.headers.kept,
            body_bytes=message.body_bytes,
            request_start=head.request.start if head.request else None,
            final=head.status >= 200 or head.status == 101,
            to_close=head.to_close,
        )


def _body(status: int, method: str | None, headers: Headers) -> Body:
    """How a response's body ends: RFC 9112, 6.3."""
    if status == 101 or (method == "CONNECT" and status // 100 == 2):
        return Body(framing=Framing.TO_CLOSE)
    if status < 200 or status in (204, 304) or method == "HEAD":
        return Body(framing=Framing.COUNTED)
    return Body(framing=headers.framing or Framing.TO_CLOSE, length=headers.length)
