"""Values of parameters, of arrays and of record keys, from literal bytes."""

from struct import pack
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.values import of_array, of_binary, of_param, of_record_key

ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
KEYS = frozenset({"order_id"})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"17", "17"),
        (b"\0\x11", "17"),
        (b"\0\0\0\x11", "17"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xef", "-17"),
        (UUID(ID).bytes, ID),
        (b"order-0000000017", "order-0000000017"),
        ("größe".encode(), "größe"),
        (b"\xff\xfe\xfd", "fffefd"),
        (b"", ""),
        (b"x" * 300, "x" * 200),
    ],
)
def test_binary_values_are_guessed(data: bytes, expected: str) -> None:
    """Printable ones are text, of whatever length."""
    assert of_binary(data) == expected
    assert of_param(data) == expected


def test_text_is_what_it_is() -> None:
    assert (of_param("17"), of_param(None), of_param("")) == ("17", None, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", []),
        ("{17}", ["17"]),
        ("{17,NULL,18}", ["17", None, "18"]),
        ('{"a,b","c\\"d","NULL",x}', ["a,b", 'c"d', "NULL", "x"]),
        ("{17,18,1", ["17", "18"]),
        ('{"17","1', ["17"]),
        ("17", []),
    ],
)
def test_arrays_in_text(text: str, expected: list[str | None]) -> None:
    """What was cut in an array that was cut is left out."""
    assert of_array(text) == expected


def binary_array(*elements: bytes | None) -> bytes:
    """As asyncpg and pgx send it."""
    head = pack(">iiIii", 1, 0, 25, len(elements), 1)
    return head + b"".join(
        pack(">i", -1) if e is None else pack(">i", len(e)) + e for e in elements
    )


def test_arrays_in_binary() -> None:
    """Of one dimension; those elements that are there."""
    data = binary_array(UUID(ID).bytes, None, b"17")
    assert of_array(data) == [ID, None, "17"]
    assert of_array(data[:-1]) == [ID, None]
    assert of_array(data[:-5]) == [ID, None]
    assert of_array(pack(">iiI", 0, 0, 25)) == []
    assert of_array(b"\0\0\0\2" + data[4:]) == []
    assert of_array(None) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"17", "17"),
        (b'"17"', "17"),
        (b'"17', '"17'),
        (b'{"order_id": 17, "line": 2}', "17"),
        (b'{"id": "a"}', "a"),
        (b'{"id": "a", "line": 2}', '{"id": "a", "line": 2}'),
        (b'{"schema": {"type": "string"}, "payload": "17"}', "17"),
        (b'{"schema": null, "payload": {"order_id": "17"}}', "17"),
        (b'{"order_id": {"order_id": 1}}', "1"),
        (b'{"order_id": true}', '{"order_id": true}'),
        (b"{", "{"),
        (b'["c",{"server":"order"}]', '["c",{"server":"order"}]'),
        (b"\0\0\0\0\0\0\0\x11", "17"),
        (b"\x80\x81\x82", "808182"),
        (b"[" * 150, "[" * 150),
    ],
)
def test_record_keys(key: bytes, expected: str) -> None:
    """JSON strings without quotes, of structs the key column, of what is not text the hexadecimal."""
    assert of_record_key(key, KEYS) == expected


def test_deep_structs_are_text() -> None:
    """Nothing is too deep."""
    data = b'{"a":' * 100_000
    assert of_record_key(data, KEYS) == data.decode()[:200]


@given(st.binary(max_size=300))
def test_every_value_has_a_text(data: bytes) -> None:
    """Whatever it is, and none is long."""
    for text in (of_binary(data), of_record_key(data, KEYS)):
        assert len(text) <= 200
    assert all(e is None or len(e) <= 200 for e in of_array(data))
    assert all(e is None or len(e) <= 200 for e in of_array(data.decode("latin-1")))


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)))
def test_arrays_are_read_as_they_are_written(elements: list[str | None]) -> None:
    """In the text form of array_out, with every element that is not NULL quoted."""
    quoted = [
        "NULL" if e is None else '"' + e.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for e in elements
    ]
    assert of_array("{" + ",".join(quoted) + "}") == elements
