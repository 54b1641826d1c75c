"""Messages cut out of a stream."""

import pytest

from harness.wire.postgres_framing import (
    KEPT,
    UNTYPED,
    Frame,
    Framing,
    NotAMessage,
    Phase,
    framed,
)


def framing(phase: Phase = Phase.TYPED, skimmed: bytes = b"") -> tuple[Framing, list[Frame]]:
    told: list[Frame] = []
    kinds = {*b"DQZ", UNTYPED} - set(skimmed)
    return Framing({kind: framed(kind, told.append) for kind in kinds}, skimmed, phase), told


def test_a_message_is_told_at_its_last_byte() -> None:
    """With its place in the stream."""
    cutter, told = framing()
    cutter.feed(b"Z\0\0\0\x05IQ\0\0\0")
    assert told == [Frame(ord("Z"), b"I", 0, 6, True)]
    assert cutter.forwardable == 6
    cutter.feed(b"\x04")
    assert told[1:] == [Frame(ord("Q"), b"", 6, 11, True)]
    assert (cutter.fed, cutter.forwardable) == (11, 11)


def test_of_a_long_message_a_part_is_kept() -> None:
    """And it is told that it was not all."""
    cutter, told = framing()
    size = 10 * KEPT
    cutter.feed(b"Q" + (size + 4).to_bytes(4, "big"))
    for _ in range(10):
        cutter.feed(b"x" * KEPT)
    assert [(len(f.body), f.end, f.whole) for f in told] == [(KEPT, size + 5, False)]


def test_a_message_of_exactly_the_size_that_is_kept_is_whole() -> None:
    """The limit is no cut."""
    cutter, told = framing()
    cutter.feed(b"Q" + (KEPT + 4).to_bytes(4, "big") + b"x" * KEPT)
    assert [(len(f.body), f.whole) for f in told] == [(KEPT, True)]


def test_a_kind_that_nobody_asked_for_is_passed_over() -> None:
    """Whole or in pieces."""
    cutter, told = framing(skimmed=b"D")
    row = b"D\0\0\0\x08aaaa"
    for chunk in (row * 3 + row[:2], row[2:7], row[7:] + b"Z\0\0\0\x05T"):
        cutter.feed(chunk)
    assert told == [Frame(ord("Z"), b"T", 36, 42, True)]


@pytest.mark.parametrize("rows", [1, 100, 3000])
@pytest.mark.parametrize("rest", [0, 1, 4, 5, 8])
def test_many_of_a_kind_are_jumped_over_at_once(rows: int, rest: int) -> None:
    """Whole ones; the one that is cut off at the end goes on in the next chunk."""
    row = b"D" + (4 + 40).to_bytes(4, "big") + b"D" * 40
    ready = b"Z\0\0\0\x05T"
    cutter, told = framing(skimmed=b"D")
    cutter.feed(ready + row * rows + row[:rest])
    cutter.feed(row[rest:] + row * rows + ready)
    end = len(ready) * 2 + len(row) * (2 * rows + 1)
    assert [(f.kind, f.end) for f in told] == [(ord("Z"), 6), (ord("Z"), end)]


@pytest.mark.parametrize("bad", [b"!\0\0\0\x04", b"D\0\0\0\x03"])
def test_what_is_no_message_is_found_among_many_rows(bad: bytes) -> None:
    """At its place."""
    rows = (b"D\0\0\0\x0e" + b"D" * 10) * 1000
    cutter, _ = framing(skimmed=b"D")
    with pytest.raises(NotAMessage) as raised:
        cutter.feed(rows + bad + rows)
    assert raised.value.from_byte == len(rows)


@pytest.mark.parametrize(
    "data, at",
    [
        (b"Z\0\0\0\x05I!", 6),
        (b"Z\0\0\0\x03", 0),
        (b"D\xff\xff\xff\xff", 0),
        (b"D\0\0\0\x04D\0\0\0\x01", 5),
    ],
)
def test_what_is_no_message_says_from_where(data: bytes, at: int) -> None:
    """An unknown type, or a length that can't be."""
    cutter, _ = framing(skimmed=b"D")
    with pytest.raises(NotAMessage) as raised:
        cutter.feed(data)
    assert raised.value.from_byte == at


def test_an_untyped_message_has_a_length_alone() -> None:
    """And is short."""
    cutter, told = framing(Phase.UNTYPED)
    cutter.feed(b"\0\0\0\x08abcd")
    assert told == [Frame(UNTYPED, b"abcd", 0, 8, True)]
    with pytest.raises(NotAMessage):
        cutter.feed(b"\0\0\x7f\xff")


def test_after_a_stop_bytes_are_only_counted() -> None:
    """Nothing is kept."""
    cutter, told = framing()
    cutter.feed(b"Q\0\0")
    cutter.stop()
    cutter.feed(b"anything")
    assert (told, cutter.fed, cutter.forwardable) == ([], 11, 11)
