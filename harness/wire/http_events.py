"""What is seen on an HTTP/1.1 connection, as values.

`start` and `end` are the whole message's place in its direction's stream, body included.
"""

from harness.wire.stream import LostSync, event


@event
class HttpRequested:
    """A request, when its last byte has come."""

    start: int
    end: int
    method: str
    path: str
    query: str | None
    headers: tuple[tuple[str, str], ...]
    """Those that correlate, by small name, in the order of the wire."""
    body_bytes: int
    side_effect: bool
    """Whether the method may change something (it isn't safe: RFC 9110, 9.2.1)."""


@event
class HttpAnswered:
    """A response, when its last byte has come."""

    start: int
    end: int
    status: int
    headers: tuple[tuple[str, str], ...]
    body_bytes: int
    request_start: int | None
    """None: nothing had been asked, as when a server says why it hangs up."""
    final: bool
    """False: another response to the same request follows (100 Continue)."""
    to_close: bool
    """The body ends with the connection, and isn't a part of what is told here: `end` is the
    head's. So it is with a connection that speaks another protocol from here on (101)."""


HttpEvent = HttpRequested | HttpAnswered | LostSync
