"""Fields of a body."""

import pytest

from harness.wire.fields import EndOfFields, Fields, decoded


def test_fields_are_read_one_after_another() -> None:
    """In the order of the message."""
    fields = Fields(b"\x01\x00\x02\x00\x00\x00\x03\xff\xff\xff\xffname\0rest")
    assert fields.byte() == 1
    assert fields.int16() == 2
    assert fields.int32() == 3
    assert fields.uint32() == 0xFFFFFFFF
    assert fields.text() == "name"
    assert fields.left == 4
    assert fields.rest() == b"rest"


def test_an_int64_has_its_sign() -> None:
    """LSNs and times."""
    assert Fields(b"\xff" * 8).int64() == -1


@pytest.mark.parametrize("size", [5, -1])
def test_a_field_that_is_not_there_is_an_end(size: int) -> None:
    """Also one whose length is negative."""
    with pytest.raises(EndOfFields):
        Fields(b"four").take(size)


def test_a_text_without_its_zero_is_an_end() -> None:
    """Nothing is guessed."""
    with pytest.raises(EndOfFields):
        Fields(b"name").text()


def test_what_is_no_utf_8_is_kept_escaped() -> None:
    """A database may have any encoding."""
    assert decoded(b"caf\xe9") == "caf\\xe9"
