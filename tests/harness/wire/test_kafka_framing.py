"""Kafka's framing, without its messages."""

from typing import NamedTuple

import pytest

from harness.wire.kafka_framing import Framer
from harness.wire.stream import OutOfSync

TWO = b"\0\0\0\x0b0123456789a" + b"\0\0\0\x08ABCDEFGH"


class Frame(NamedTuple):
    """One message, and what was read of it."""

    start: int
    end: int
    body: bytes


def framer(keep: int) -> tuple[Framer, list[Frame]]:
    """Reads so many bytes of each message."""
    told: list[Frame] = []

    def read(data: bytes, at: int, stop: int, start: int, end: int) -> None:
        told.append(Frame(start, end, data[at:stop]))

    return Framer(lambda *_: keep, read, lambda *_: False, least_bytes=4), told


def framed(data: bytes, size: int, keep: int) -> list[Frame]:
    """The frames of `data` in chunks of `size`."""
    cutter, told = framer(keep)
    for at in range(0, len(data), size):
        cutter.feed(data[at : at + size])
    return told


@pytest.mark.parametrize("size", [1, 3, 15, 100])
def test_messages_are_the_same_in_any_chunks(size: int) -> None:
    """Two of them."""
    assert framed(TWO, size, 100) == [
        Frame(start=0, end=15, body=b"0123456789a"),
        Frame(start=15, end=27, body=b"ABCDEFGH"),
    ]


@pytest.mark.parametrize("size", [1, 3, 15, 100])
def test_only_the_beginning_is_kept_where_no_more_is_wanted(size: int) -> None:
    """The head always is."""
    first, second = framed(TWO, size, 9)
    assert (first.body, second.body) == (b"012345678", b"ABCDEFGH")
    assert [frame.body for frame in framed(TWO, size, 0)] == [b"01234567", b"ABCDEFGH"]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_message_may_end_with_its_head(size: int) -> None:
    """Four bytes are a response."""
    short = b"\0\0\0\x04abcd"
    assert framed(short + TWO + short, size, 100)[::3] == [
        Frame(start=0, end=8, body=b"abcd"),
        Frame(start=35, end=43, body=b"abcd"),
    ]


def test_the_boundary_is_where_a_message_begins_that_has_not_ended() -> None:
    """All bytes are counted."""
    cutter, _ = framer(9)
    for fed, boundary in ((3, 0), (14, 0), (15, 15), (26, 15), (27, 27)):
        cutter.feed(TWO[cutter.fed : fed])
        assert (cutter.fed, cutter.boundary) == (fed, boundary)


@pytest.mark.parametrize("data", [b"\x16\x03\x01\0", b"\0\0\0\x03", b"HTTP", b"\xff\xff\xff\xff"])
@pytest.mark.parametrize("rest", [b"", b"0123456789"])
def test_a_size_that_cannot_be_is_out_of_sync(data: bytes, rest: bytes) -> None:
    """Known from four bytes; where it began is told."""
    cutter, _ = framer(0)
    with pytest.raises(OutOfSync):
        cutter.feed(TWO + data + rest)
    assert cutter.start == len(TWO)
