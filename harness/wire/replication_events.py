"""What is told of a replication stream. An LSN is a number; `lsn_text` writes it as servers do."""

from harness.wire.postgres_events import FromClient, FromServer
from harness.wire.sql import Operation, Write
from harness.wire.stream import event

Columns = tuple[tuple[str, str | bytes | None], ...]
"""Name and value of each column that was sent; an unchanged TOASTed value is not among them."""


def lsn_text(lsn: int) -> str:
    """`0/1805AC0`."""
    return f"{lsn >> 32 & 0xFFFFFFFF:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """`0/1805AC0` → 25189056. Raises ValueError."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


@event
class WalBegin(FromServer):
    """A transaction's changes follow. `lsn` is the one of its commit record."""

    xid: int
    lsn: int


@event
class WalCommit(FromServer):
    """A transaction was sent to its end."""

    xid: int
    lsn: int
    end_lsn: int
    """A flush up to here covers it."""
    writes: frozenset[Write]


@event
class WalRelation(FromServer):
    """What a relation's number means from here on."""

    oid: int
    table: str
    columns: tuple[str, ...]


@event
class WalRow(FromServer):
    """One row changed. Values as text, or bytes if they were sent in binary."""

    xid: int
    lsn: int
    table: str
    operation: Operation
    new: Columns = ()
    old: Columns = ()
    """The old key, or the old row, if it was sent."""


@event
class WalTruncate(FromServer):
    """Tables emptied."""

    xid: int
    lsn: int
    tables: tuple[str, ...]


@event
class WalMessage(FromServer):
    """pg_logical_emit_message."""

    lsn: int
    prefix: str
    content: bytes
    is_transactional: bool


@event
class WalOther(FromServer):
    """Any other message, by its name in protocol-logicalrep-message-formats."""

    name: str
    xid: int | None = None


@event
class Keepalive(FromServer):
    """The server's end of WAL."""

    lsn: int
    wants_reply: bool


@event
class SlotFlush(FromClient):
    """Standby status update: all before `lsn` may be forgotten by the slot."""

    slot: str
    lsn: int
    written: int
    applied: int
    wants_reply: bool
