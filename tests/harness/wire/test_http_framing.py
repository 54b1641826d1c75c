"""Cutting a direction into messages, without their meaning."""

import re

import pytest

from harness.wire.http_framing import MOST_HEAD, Body, Framer, Message
from harness.wire.http_head import Framing, OutOfSync


def framer(body: Body) -> Framer[bytes]:
    """Every message has such a body; of the head the first line is told."""
    return Framer(lambda lines, _: (lines[0], body), re.compile(b"M|\\Z"))


def framed(data: bytes, size: int, body: Body) -> list[Message[bytes]]:
    """The messages of `data` in chunks of `size`."""
    cut = framer(body)
    return [m for at in range(0, len(data), size) for m in cut.feed(data[at : at + size])]


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
    (message,) = framed(b"M\r\n\r\nabcM\r\n\r\n", size, Body(framing=Framing.TO_CLOSE))
    assert (message.end, message.body_bytes) == (5, 0)


@pytest.mark.parametrize(
    "tail", [b"x\r\n", b"-1\r\n", b"\r\n", b"f" * 17 + b"\r\n", b"1\r\nab\r\n"]
)
def test_a_chunk_that_is_none_is_out_of_sync(tail: bytes) -> None:
    """Its message began before it."""
    cut = framer(Body(framing=Framing.CHUNKED))
    with pytest.raises(OutOfSync):
        list(cut.feed(b"M\r\n\r\n" + tail))
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
