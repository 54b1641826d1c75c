"""Messages without a type."""

import pytest

from harness.wire.postgres_events import CancelRequested, EncryptionRequested, Started
from harness.wire.postgres_framing import UNTYPED, Frame, NotAMessage
from harness.wire.postgres_startup import first_message


def frame(body: str) -> Frame:
    data = bytes.fromhex(body)
    return Frame(UNTYPED, data, 0, len(data) + 4, True)


def test_encryption_may_be_asked_for_in_two_ways() -> None:
    """TLS and GSS."""
    told = [first_message(frame(code)) for code in ("04d2162f", "04d21630")]
    assert [e.method for e in told if isinstance(e, EncryptionRequested)] == ["ssl", "gss"]


def test_a_cancel_request_names_a_backend() -> None:
    """Whose key has any length."""
    told = first_message(frame("04d2162e 00000007" + "aa" * 32))
    assert told == CancelRequested(first=0, end=44, backend=7)


def test_a_start_has_a_version_and_parameters() -> None:
    """What stands behind the last of them is passed over."""
    told = first_message(frame("00030002" + b"user\0shop\0\0".hex()))
    assert told == Started(first=0, end=19, version=(3, 2), parameters=(("user", "shop"),))


@pytest.mark.parametrize("body", ["00020000", "0003", "00030000" + b"user\0shop".hex()])
def test_what_is_none_of_these_is_no_message(body: str) -> None:
    """An old version, too short, without an end."""
    with pytest.raises(NotAMessage):
        first_message(frame(body))
