"""Kafka's primitives: values, and bytes that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.kafka_primitives import Malformed, Reader, Truncated


def test_numbers_are_signed_and_big_endian() -> None:
    """One after the other."""
    reader = Reader(b"\xfe\xff\xfe\xff\xff\xff\xfe" + b"\xff" * 7 + b"\xfe\x01")
    assert [reader.int8(), reader.int16(), reader.int32(), reader.int64()] == [-2] * 4
    assert reader.boolean()


def test_varints_are_zigzag() -> None:
    """As records write their lengths."""
    reader = Reader(b"\x00\x01\x02\xac\x02\xac\x02")
    assert [reader.varint(), reader.varint(), reader.varint(), reader.varint()] == [0, -1, 1, 150]
    assert reader.uvarint() == 300


def test_a_varint_ends() -> None:
    """32 bits fit into five bytes."""
    with pytest.raises(Malformed, match="longer than 5 bytes"):
        Reader(b"\xff" * 9).uvarint()


@pytest.mark.parametrize(
    ("flexible", "data"), [(False, b"\0\x02hi\xff\xff"), (True, b"\x03hi\0")], ids=["old", "new"]
)
def test_strings_have_either_form(flexible: bool, data: bytes) -> None:
    """int16, or compact."""
    reader = Reader(data, flexible=flexible)
    assert (reader.string(), reader.nullable_string()) == ("hi", None)


def test_null_is_no_string() -> None:
    """Where the schema says that there has to be one."""
    with pytest.raises(Malformed, match="null"):
        Reader(b"\xff\xff").string()


def test_arrays_and_tags_are_passed_over() -> None:
    """In flexible versions."""
    reader = Reader(b"\x02\0\0\0\x07\x01\x00\x02hi!", flexible=True)
    reader.skip_int32s()
    reader.tags()
    assert reader.take(1) == b"!"


def test_a_uuid_has_kafkas_text_form() -> None:
    """URL-safe base64."""
    assert Reader(bytes(range(16))).uuid() == "AAECAwQFBgcICQoLDA0ODw"


def test_a_length_that_lies_is_truncated() -> None:
    """Nothing is allocated for it."""
    with pytest.raises(Truncated):
        Reader(b"\x7f\xff\xff\xff").skip_int32s()
    with pytest.raises(Malformed):
        Reader(b"\x80\0\0\0").count()


@given(st.binary(max_size=40), st.booleans())
def test_no_bytes_raise_anything_else(data: bytes, flexible: bool) -> None:
    """Every read is a value or Malformed."""
    reads = ("uuid", "string", "count", "tags", "varint", "int64", "skip_int32s", "skip_string")
    for read in reads:
        try:
            getattr(Reader(data, flexible=flexible), read)()
        except Malformed:
            continue
