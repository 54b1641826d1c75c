"""Kafka's framing, without its messages."""

import pytest

from harness.wire.kafka_framing import Frame, Framer, OutOfSync

TWO = b"\0\0\0\x0b0123456789a" + b"\0\0\0\x08ABCDEFGH"


def framed(data: bytes, size: int, keep: int) -> list[Frame]:
    """The frames of `data` in chunks of `size`."""
    framer = Framer(lambda _: keep, least_bytes=4)
    return [f for at in range(0, len(data), size) for f in framer.feed(data[at : at + size])]


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
    assert (first.body, first.cut, second.cut) == (b"012345678", True, False)


@pytest.mark.parametrize("data", [b"\x16\x03\x01\0", b"\0\0\0\x03", b"HTTP", b"\xff\xff\xff\xff"])
def test_a_size_that_cannot_be_is_out_of_sync(data: bytes) -> None:
    """Known from four bytes; where it began is told."""
    framer = Framer(lambda _: 0, least_bytes=4)
    with pytest.raises(OutOfSync):
        list(framer.feed(TWO + data))
    assert framer.start == len(TWO)
