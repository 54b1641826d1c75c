"""Offset commits as brokers keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.kafka_offsets import OffsetCommitted, read_commit
from harness.wire.kafka_primitives import Malformed

KEY = b"\0\1\0\x09inventory\0\x0corder.events\0\0\0\2"
"""As Kafka 4.3 writes it."""
HEADS = {
    "version 0": b"\0\0\0\0\0\0\0\0\0\x7e\0\4text\0\0\1\xa2\n\xdfp`",
    "version 1": b"\0\1\0\0\0\0\0\0\0\x7e\0\0\0\0\1\xa2\n\xdfp`\0\0\0\0\0\0\0\0",
    "version 3": b"\0\3\0\0\0\0\0\0\0\x7e\0\0\0\0\0\0\0\0\1\xa2\n\xdfp`",
    "version 4, with the topic's id": b"\0\4\0\0\0\0\0\0\0\x7e\0\0\0\0\1\0\0\1\xa2\n\xdfp`\1\0\x10"
    b"*\xb5\xfe\xff\xc3B@=\x93\xd7\xef-\x90\xc6\xe35",
}


@pytest.mark.parametrize("value", HEADS.values(), ids=HEADS)
def test_a_commit_is_read(value: bytes) -> None:
    """Group, topic, partition, offset and time."""
    assert read_commit(KEY, value) == OffsetCommitted(
        group="inventory", topic="order.events", partition=2, offset=126, at_ms=1795478745184
    )


def test_a_position_that_was_deleted_has_no_offset() -> None:
    """A tombstone."""
    found = read_commit(KEY, None)
    assert found is not None
    assert found.offset is None


@pytest.mark.parametrize("key", [None, b"\0\2\0\1g", b"\0\3\0\1g"])
def test_what_else_the_topic_holds_is_passed_over(key: bytes | None) -> None:
    """Groups and their members."""
    assert read_commit(key, b"\0\3\0\x08consumer") is None


@pytest.mark.parametrize("key, value", [(b"\0\1\0\x09inv", None), (KEY, b"\0\7\0"), (b"", None)])
def test_what_is_cut_short_or_unknown_is_refused(key: bytes, value: bytes | None) -> None:
    """It must not be counted as something else."""
    with pytest.raises(Malformed):
        read_commit(key, value)


@given(st.binary(max_size=40), st.none() | st.binary(max_size=20))
def test_any_bytes_are_read_or_refused(key: bytes, value: bytes | None) -> None:
    """Nothing else comes of them."""
    try:
        found = read_commit(key, value)
    except Malformed:
        return
    assert found is None or isinstance(found.group, str)
