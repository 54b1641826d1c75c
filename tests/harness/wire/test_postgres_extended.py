"""Bodies of Parse and Bind messages."""

from collections.abc import Callable
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.fields import EndOfFields
from harness.wire.postgres_extended import LONGEST_PARAM, check, params, parse
from harness.wire.sql import Kind


def bound(formats: list[int], values: list[bytes | None]) -> bytes:
    """A Bind's body behind its names."""
    told = b"".join(
        pack(">i", -1) if value is None else pack(">i", len(value)) + value for value in values
    )
    return pack(f">h{len(formats)}hh", len(formats), *formats, len(values)) + told + b"\0\0"


@pytest.mark.parametrize(
    "formats, expected",
    [
        ([], ("17", None, "\\xff")),
        ([0], ("17", None, "\\xff")),
        ([1], (b"17", None, b"\xff")),
        ([0, 0, 1], ("17", None, b"\xff")),
        ([1, 0], (b"17", None, b"\xff")),
    ],
)
def test_a_parameter_is_text_or_bytes(
    formats: list[int], expected: tuple[str | bytes | None, ...]
) -> None:
    """One format for all, one for each, or none: text. Beyond the last one the first counts."""
    assert params(bound(formats, [b"17", None, b"\xff"]), 0, whole=True) == expected


def test_of_a_long_parameter_the_beginning_is_told() -> None:
    """And the next one is found."""
    first, second = params(bound([1], [b"x" * 50_000, b"y"]), 0, whole=True)
    assert (first, second) == (b"x" * LONGEST_PARAM, b"y")


@pytest.mark.parametrize(
    ("oid", "value", "expected"),
    [
        (21, b"12", "12594"),
        (23, b"\0\0\0\x11", "17"),
        (20, b"\xff" * 8, "-1"),
        (2950, bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (25, b"17", "17"),
        (1043, b"\xff", "\\xff"),
        (0, b"17", b"17"),
        (3802, b"\1{}", b"\1{}"),
        (23, b"123", b"123"),
        (2950, b"123", b"123"),
    ],
)
def test_a_binary_parameter_whose_type_is_said_is_text(
    oid: int, value: bytes, expected: str | bytes
) -> None:
    """If a key may be of it; in text format it is text whatever its type."""
    body = b"s\0SELECT $1\0" + pack(">hI", 1, oid)
    _, statement = parse(body, whole=True)
    assert statement.types == ((oid,) if oid else ())
    assert params(bound([1], [value, value]), 0, whole=True, types=statement.types) == (
        expected,
        value,
    )
    assert params(bound([0], [b"17"]), 0, whole=True, types=statement.types) == ("17",)


def test_types_that_are_not_here_are_not_said() -> None:
    """Of a Parse that was cut, or that has very many."""
    body = b"\0SELECT $1\0" + pack(">hI", 1, 23)
    assert parse(body[:-1], whole=False)[1].types == ()
    body = b"\0SELECT $1\0" + pack(">h", 2000) + pack(">I", 23) * 2000
    assert parse(body, whole=True)[1].types == (23,) * 256


def test_parameters_that_are_not_here_are_left_out_or_missed() -> None:
    """As the body is whole or not."""
    body = bound([], [b"17", b"18"])[:-4]
    assert params(body, 0, whole=False) == ("17",)
    with pytest.raises(EndOfFields):
        params(body, 0, whole=True)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 1), max_size=3),
    st.lists(st.none() | st.binary(max_size=4), max_size=3),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 255)), max_size=3),
    st.integers(0, 40),
)
def test_a_body_is_checked_as_it_is_read(
    formats: list[int], values: list[bytes | None], places: list[tuple[int, int]], length: int
) -> None:
    """What one refuses the other refuses."""
    body = bytearray(bound(formats, values))
    for place, value in places:
        body[place % len(body)] = value
    data = bytes(body[:length])
    assert refuses(lambda: check(data, 0)) == refuses(lambda: params(data, 0, whole=True))


def refuses(read: Callable[[], object]) -> bool:
    try:
        read()
    except EndOfFields:
        return True
    return False


def test_a_parse_has_a_name_and_at_most_one_statement() -> None:
    """The same body gives the same value."""
    body = b"S_1\0COMMIT\0\0\0"
    name, statement = parse(body, whole=True)
    assert (name, statement.kind) == (b"S_1", Kind.COMMIT)
    assert parse(body, whole=True)[1] is statement
    assert parse(b"\0\0\0\0", whole=True)[1].kind is Kind.EMPTY


def test_a_parse_that_was_not_kept_whole_has_the_beginning_of_its_text() -> None:
    """Without its name it has nothing."""
    assert parse(b"s\0SELECT 'x", whole=False)[1].sql == "SELECT 'x"
    for body, whole in ((b"s\0SELECT", True), (b"s", True), (b"s", False)):
        with pytest.raises(EndOfFields):
            parse(body, whole=whole)
