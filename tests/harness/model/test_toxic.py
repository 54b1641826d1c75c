"""What is heard, as data."""

from harness.model.toxic import Heard


def test_what_was_received_is_all_pieces_together() -> None:
    """None of them: nothing."""
    assert Heard(sent=1, pieces=(3, 4), seconds=0.1, whole=True).received == 7
    assert Heard(sent=1, pieces=(), seconds=0.1, whole=False).received == 0
