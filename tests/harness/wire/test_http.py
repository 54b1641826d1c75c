"""An HTTP/1.1 connection, read from captures of real clients and from damaged ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.http import HttpParser
from harness.wire.http_events import HttpAnswered, HttpEvent, HttpRequested
from harness.wire.stream import Direction, LostSync

CAPTURES = Path(__file__).parent / "captures"
NAMES = sorted(p.stem for p in CAPTURES.glob("http-*.txt"))

T = TypeVar("T")
Chunk = tuple[str, bytes]


def load(name: str) -> list[Chunk]:
    """`>` from the client or `<` from the server, and what one read gave."""
    lines = (CAPTURES / f"{name}.txt").read_text(encoding="ascii").splitlines()
    return [(line[0], bytes.fromhex(line[2:])) for line in lines]


ODD = [
    (">", b"\r\nGET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n"),
    (">", b"5;x=y\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"),
    ("<", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc"),
    ("<", b"HTTP/1.1 500\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    (">", b"GET http://shop/c?d=e HTTP/1.0\r\n\r\n"),
    ("<", b"HTTP/1.0 200 OK\r\n\r\nuntil the end, HTTP/1.1 200 OK\r\n\r\n"),
]
"""What the captures don't have, all of it allowed."""

CHUNKS = {name: load(name) for name in NAMES} | {"odd": ODD}


def play(chunks: Sequence[Chunk], parser: HttpParser | None = None) -> list[HttpEvent]:
    """All events of a connection."""
    parser = parser or HttpParser()
    events: list[HttpEvent] = []
    for direction, data in chunks:
        events += (parser.feed_client if direction == ">" else parser.feed_server)(data)
    return events


def recut(chunks: Sequence[Chunk], sizes: Sequence[int]) -> list[Chunk]:
    """The same bytes in the same order, in pieces of these sizes over and over."""
    cut: list[Chunk] = []
    for direction, data in chunks:
        at = 0
        while at < len(data):
            size = sizes[len(cut) % len(sizes)]
            cut.append((direction, data[at : at + size]))
            at += size
    return cut


def only(kind: type[T], events: Sequence[HttpEvent]) -> list[T]:
    """The events of this kind."""
    return [event for event in events if isinstance(event, kind)]


def asked(name: str) -> list[tuple[str, str, bool, int]]:
    """Method, path, side effect and size of the body, of every request."""
    found = only(HttpRequested, play(CHUNKS[name]))
    return [(e.method, e.path, e.side_effect, e.body_bytes) for e in found]


def answered(name: str) -> list[tuple[int, int]]:
    """Status and size of the body, of every response."""
    return [(e.status, e.body_bytes) for e in only(HttpAnswered, play(CHUNKS[name]))]


@pytest.mark.parametrize("name", CHUNKS)
def test_every_answer_finds_its_request(name: str) -> None:
    """In order, and nothing is lost."""
    events = play(CHUNKS[name])
    assert only(LostSync, events) == []
    starts = [e.start for e in only(HttpRequested, events)]
    assert [e.request_start for e in only(HttpAnswered, events) if e.final] == starts


@pytest.mark.parametrize("name", CHUNKS)
def test_events_cover_each_direction_without_a_gap(name: str) -> None:
    """A tap can hold exactly one message, and the next begins where it ends."""
    events = play(CHUNKS[name])
    for kind in (HttpRequested, HttpAnswered):
        places = [(e.start, e.end) for e in events if isinstance(e, kind)]
        assert [start for start, _ in places] == [0, *(end for _, end in places[:-1])]


@pytest.mark.parametrize("name", CHUNKS)
def test_a_byte_at_a_time_gives_the_same_events(name: str) -> None:
    """The smallest chunks there are."""
    assert play(CHUNKS[name]) == play(recut(CHUNKS[name], [1]))


@given(st.sampled_from(sorted(CHUNKS)), st.lists(st.integers(1, 200), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_chunking_changes_the_events(name: str, sizes: list[int]) -> None:
    """Also the tally stays the same."""
    whole, cut = HttpParser(), HttpParser()
    assert play(CHUNKS[name], whole) == play(recut(CHUNKS[name], sizes), cut)
    assert whole.tally == cut.tally


@given(
    st.sampled_from(sorted(CHUNKS)),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=6),
    st.lists(st.integers(1, 200), min_size=1, max_size=5),
)
@settings(max_examples=200, deadline=None)
def test_damage_is_told_and_never_raised(
    name: str, places: list[tuple[int, int]], sizes: list[int]
) -> None:
    """Nor does damage let the chunking show, or lose sync twice."""
    chunks = [(direction, bytearray(data)) for direction, data in CHUNKS[name]]
    for where, value in places:
        data = chunks[where % len(chunks)][1]
        data[where % len(data)] = value
    damaged = [(direction, bytes(data)) for direction, data in chunks]
    events = play(damaged)
    assert events == play(recut(damaged, sizes))
    lost = [event.direction for event in only(LostSync, events)]
    assert len(lost) == len(set(lost))


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_garbage_is_never_raised(client: bytes, server: bytes) -> None:
    """Bytes of nothing."""
    play([(">", client), ("<", server), (">", client)])


def in_few_words(events: Sequence[HttpEvent]) -> list[HttpEvent]:
    """Those that are told to whoever wants no more."""
    safe = {"GET", "HEAD", "OPTIONS", "TRACE"}
    asked = only(HttpRequested, events)
    harmless = {e.start for e in asked if e.method in safe}
    return [
        event
        for event in events
        if not (isinstance(event, HttpRequested) and event.start in harmless)
        and not (
            isinstance(event, HttpAnswered)
            and event.request_start in harmless
            and event.status < 400
            and event.status != 101
        )
    ]


@pytest.mark.parametrize("name", CHUNKS)
def test_in_few_words_what_has_an_effect_is_told_all_the_same(name: str) -> None:
    """No safe request, and of its answers failures only; all else as ever, the tally too."""
    full, terse = HttpParser(), HttpParser(terse=True)
    events = play(CHUNKS[name], full)
    assert play(CHUNKS[name], terse) == in_few_words(events)
    assert terse.tally == full.tally


def test_in_few_words_a_failure_is_told() -> None:
    """Of a request that changes nothing."""
    parser = HttpParser(terse=True)
    assert parser.feed_client(b"GET /a HTTP/1.1\r\n\r\n" * 2) == []
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    (failed,) = parser.feed_server(ok + ok.replace(b"200 OK", b"503 No"))
    assert isinstance(failed, HttpAnswered)
    assert (failed.status, failed.request_start) == (503, 19)


def test_requests_tell_what_they_ask_and_what_correlates_them() -> None:
    """aiohttp, one connection kept alive: JSON, chunks in both directions, 100-continue, HEAD."""
    assert asked("http-aiohttp") == [
        ("POST", "/orders", True, 17),
        ("POST", "/orders", True, 17),
        ("GET", "/health", False, 0),
        ("GET", "/stream", False, 0),
        ("DELETE", "/orders/1", True, 0),
        ("POST", "/orders/17/cancel", True, 2),
        ("HEAD", "/health", False, 0),
        ("GET", "/nowhere", False, 0),
    ]
    assert answered("http-aiohttp") == [
        (201, 12),
        (201, 12),
        (200, 2),
        (200, 24),
        (204, 0),
        (100, 0),
        (201, 12),
        (200, 0),
        (404, 14),
    ]
    first, *_ = only(HttpRequested, play(CHUNKS["http-aiohttp"]))
    assert dict(first.headers).keys() == {"x-request-id", "idempotency-key", "traceparent"}
    assert dict(first.headers)["x-request-id"] == "r0"


def test_a_request_may_be_told_after_its_interim_answer() -> None:
    """curl waits for 100 Continue before it sends the body."""
    interim, request, final, *_ = play(CHUNKS["http-curl"])
    assert isinstance(interim, HttpAnswered) and isinstance(final, HttpAnswered)
    assert isinstance(request, HttpRequested)
    assert (interim.status, interim.final, final.status, final.final) == (100, False, 201, True)
    assert interim.request_start == final.request_start == request.start == 0


def test_pipelined_requests_are_told_apart() -> None:
    """Three in one read; the answer to HEAD has a length and no body."""
    assert asked("http-pipelined") == [
        ("GET", "/health", False, 0),
        ("HEAD", "/health", False, 0),
        ("GET", "/health", False, 0),
    ]
    assert answered("http-pipelined") == [(200, 2), (200, 0), (200, 2)]


def test_an_upgraded_connection_is_opaque() -> None:
    """A WebSocket: both directions are counted, and only counted."""
    parser = HttpParser()
    events = play(CHUNKS["http-websocket"], parser)
    (answer,) = only(HttpAnswered, events)
    assert (answer.status, answer.to_close, len(events)) == (101, True, 2)
    total = sum(len(data) for _, data in CHUNKS["http-websocket"])
    (request,) = only(HttpRequested, events)
    assert parser.tally.opaque_bytes == total - answer.end - request.end > 0
    assert parser.boundary(Direction.CLIENT) + parser.boundary(Direction.SERVER) == total


def test_what_rfc_9112_allows_is_read() -> None:
    """Empty lines before a request, chunk extensions, trailers, bare newlines, bodies to the end."""
    assert asked("odd") == [
        ("GET", "/a", False, 0),
        ("POST", "/b", True, 15),
        ("GET", "/c", False, 0),
    ]
    assert answered("odd") == [(102, 0), (200, 3), (500, 3), (200, 0)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no request line: 'PRI * HTTP/2.0'"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", "not HTTP/1.1"),
        (b"A" * 40, "not HTTP/1.1"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "two content-lengths",
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "a content-length of '-1'"),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "a request whose body is not chunked last",
        ),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", "no header: 'no header'"),
        (b"GET /" + b"a" * 70_000, "a head or line of more than 65536 bytes"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_is_not_http_is_lost_from_its_first_byte(data: bytes, reason: str, size: int) -> None:
    """Once, with the reason; and what follows is counted."""
    parser = HttpParser()
    events = play(recut([(">", data)], [size]), parser)
    assert events == [LostSync(direction=Direction.CLIENT, from_byte=0, reason=reason)]
    assert parser.tally.bytes_after_loss == len(data)


def test_a_loss_in_a_body_says_where_its_message_began() -> None:
    """A chunk that is longer than it says."""
    parser = HttpParser()
    good = b"GET / HTTP/1.1\r\n\r\n"
    bad = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"
    _, lost = parser.feed_client(good + bad)
    assert lost == LostSync(
        direction=Direction.CLIENT,
        from_byte=len(good),
        reason="a chunk that is not as long as it says",
    )


def test_without_the_requests_the_answers_are_lost() -> None:
    """Whether they have a body depends on what was asked."""
    parser = HttpParser()
    parser.feed_client(b"\x16\x03\x01")
    (lost,) = parser.feed_server(b"HTTP/1.1 200 OK\r\n\r\n")
    assert isinstance(lost, LostSync) and lost.direction is Direction.SERVER


def test_a_server_may_speak_first() -> None:
    """408 to a connection that says nothing."""
    (event,) = HttpParser().feed_server(b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(event, HttpAnswered)
    assert (event.status, event.request_start) == (408, None)


def test_bodies_are_passed_over() -> None:
    """A gigabyte is announced, and none of it kept."""
    parser = HttpParser()
    parser.feed_client(b"PUT /big HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(1023):
        assert parser.feed_client(bytes(1 << 20)) == []
    assert parser.boundary(Direction.CLIENT) == 0
    (event,) = parser.feed_client(bytes(1 << 20))
    assert isinstance(event, HttpRequested) and event.body_bytes == 1 << 30
    assert parser.boundary(Direction.CLIENT) == event.end
