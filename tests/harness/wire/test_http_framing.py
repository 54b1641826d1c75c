"""Cutting a direction into messages, without their meaning."""

import re
from typing import NamedTuple

import pytest

from harness.wire.http_framing import MOST_HEAD, Body, Framer
from harness.wire.http_head import Framing
from harness.wire.stream import OutOfSync


class Message(NamedTuple):
    """One message, and the first line of its head."""

    start: int
    end: int
    head: bytes
    body_bytes: int


def framer(body: Body) -> tuple[Framer[bytes], list[Message], list[int]]:
    """Every message has such a body; told are messages, and how much was opaque."""
    told: list[Message] = []
    opaque: list[int] = []

    def tell(head: bytes, start: int, end: int, body_bytes: int) -> None:
        told.append(Message(start, end, head, body_bytes))

    begins = re.compile(b"M|\\Z")
    return Framer(lambda lines, _: (lines[0], body), tell, begins, opaque.append), told, opaque


def framed(data: bytes, size: int, body: Body) -> list[Message]:
    """The messages of `data` in chunks of `size`."""
    cut, told, _ = framer(body)
    for at in range(0, len(data), size):
        cut.feed(data[at : at + size])
    return told


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_counted_bodies_end_by_count(size: int) -> None:
    """Two messages."""
    body = Body(framing=Framing.COUNTED, length=3)
    assert framed(b"M1\r\n\r\nabcM2\nh: x\n\nabc", size, body) == [
        Message(start=0, end=9, head=b"M1", body_bytes=3),
        Message(start=9, end=21, head=b"M2", body_bytes=3),
    ]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_chunked_bodies_end_with_their_trailers(size: int) -> None:
    """The chunks' sizes are hexadecimal."""
    data = b"M\r\n\r\na;e\r\n0123456789\r\n1\r\nx\r\n0\r\nT: t\r\n\r\n"
    (message,) = framed(data, size, Body(framing=Framing.CHUNKED))
    assert (message.end, message.body_bytes) == (len(data), 11)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_what_goes_on_to_the_end_is_opaque(size: int) -> None:
    """The message is told with its head."""
    data = b"M\r\n\r\nabcM\r\n\r\n"
    cut, told, opaque = framer(Body(framing=Framing.TO_CLOSE))
    for at in range(0, len(data), size):
        cut.feed(data[at : at + size])
    assert [(message.end, message.body_bytes) for message in told] == [(5, 0)]
    assert (sum(opaque), cut.boundary) == (8, 13)


@pytest.mark.parametrize(
    "tail", [b"x\r\n", b"-1\r\n", b"\r\n", b"f" * 17 + b"\r\n", b"1\r\nab\r\n"]
)
def test_a_chunk_that_is_none_is_out_of_sync(tail: bytes) -> None:
    """Its message began before it."""
    cut, _, _ = framer(Body(framing=Framing.CHUNKED))
    with pytest.raises(OutOfSync):
        cut.feed(b"M\r\n\r\n" + tail)
    assert cut.start == 0


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_head_or_trailers_without_end_are_out_of_sync(size: int) -> None:
    """No more than the most is kept; exactly that much is still a head."""
    body = Body(framing=Framing.CHUNKED)
    fits = b"M" + b"a" * (MOST_HEAD - 5) + b"\r\n\r\n0\r\n\r\n"
    assert len(framed(fits, size, body)) == 1
    with pytest.raises(OutOfSync, match="a head or line"):
        framed(b"Ma" + fits[1:], size, body)
    with pytest.raises(OutOfSync, match="trailers"):
        framed(b"M\r\n\r\n0\r\n" + b"t: abcdefghijkl\r\n" * 5000, size, body)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n"])
def test_a_head_ends_with_an_empty_line_of_any_kind(size: int, end: bytes) -> None:
    """The first one, wherever another stands."""
    data = b"M1\r\nh: x" + end + b"M2\n" + b"h: y\r\n\r\n"
    assert [message.head for message in framed(data, size, Body(Framing.COUNTED))] == [b"M1", b"M2"]
