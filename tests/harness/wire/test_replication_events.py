"""Events of a replication stream."""

from harness.wire.replication_events import lsn_number, lsn_text


def test_an_lsn_is_written_as_servers_do() -> None:
    """Two halves in hexadecimal."""
    assert lsn_text(0x16_B374D848) == "16/B374D848"
    assert lsn_text(0x1805AC0) == "0/1805AC0"


def test_an_lsn_is_a_number() -> None:
    """Its two halves are the high and the low 32 bits."""
    assert [lsn_number(text) for text in ("0/0", "0/15F3A28", "1/0")] == [0, 23018024, 1 << 32]
