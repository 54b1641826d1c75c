"""A replication stream: what a real one says, and what the protocol allows besides."""

from struct import pack

import pytest

from harness.wire.postgres_events import FromServer
from harness.wire.postgres_framing import Frame, NotAMessage
from harness.wire.replication import Replication
from harness.wire.replication_events import (
    Keepalive,
    SlotFlush,
    WalBegin,
    WalCommit,
    WalMessage,
    WalOther,
    WalRelation,
    WalRow,
    WalTruncate,
)
from harness.wire.sql import Operation
from tests.harness.wire.conversations import replayed

RECORDED = replayed("postgres-psycopg-replication")


def test_every_transaction_is_told_with_the_tables_it_wrote() -> None:
    """In the order of their commits."""
    told = [
        sorted(f"{w.table}:{w.operation.value}" for w in e.writes)
        for e in RECORDED
        if isinstance(e, WalCommit)
    ]
    assert told == [
        ["orders:insert", "outbox:insert"],
        ["orders:update"],
        ["orders:update"],
        ["orders:delete"],
        ["moods:insert"],
        ["moods:update"],
        [],
        ["moods:truncate", "orders:truncate"],
    ]


def test_a_commit_has_the_number_and_lsn_of_its_begin() -> None:
    """And an end that a flush must reach."""
    begins = [(e.xid, e.lsn) for e in RECORDED if isinstance(e, WalBegin)]
    commits = [e for e in RECORDED if isinstance(e, WalCommit)]
    assert [(e.xid, e.lsn) for e in commits] == begins
    assert all(e.end_lsn > e.lsn for e in commits)


def test_rows_are_told_by_column() -> None:
    """With the old key where it changed, and the old row where it is sent."""
    rows = [e for e in RECORDED if isinstance(e, WalRow)]
    assert dict(rows[0].new) == {"order_id": "w1", "product_id": "tea", "quantity": "2"}
    moved = rows[3]
    assert (moved.operation, dict(moved.old)["order_id"]) == (Operation.UPDATE, "w1")
    assert dict(moved.new)["order_id"] == "w2"
    assert rows[-1].old == (("id", "1"), ("m", "ok"), ("big", None))


def test_the_other_messages_are_told() -> None:
    """Relations, logical messages, truncation, types by name, keepalives."""
    assert [e.table for e in RECORDED if isinstance(e, WalRelation)][:2] == ["orders", "outbox"]
    emitted = [(e.content, e.is_transactional) for e in RECORDED if isinstance(e, WalMessage)]
    assert emitted == [(b"hello", True), (b"now", False)]
    assert [e.tables for e in RECORDED if isinstance(e, WalTruncate)] == [("moods", "orders")]
    assert {e.name for e in RECORDED if isinstance(e, WalOther)} == {"Type"}
    assert any(isinstance(e, Keepalive) for e in RECORDED)


def test_a_flush_names_its_slot_and_covers_what_was_sent() -> None:
    """The client's status update."""
    (flush,) = [e for e in RECORDED if isinstance(e, SlotFlush)]
    last = [e for e in RECORDED if isinstance(e, WalCommit)][-1]
    assert (flush.slot, flush.lsn) == ("s", last.end_lsn + 1)


def stream(*messages: bytes) -> list[FromServer]:
    replication = Replication(slot="s", is_pgoutput=True)
    events: list[FromServer] = []
    for message in messages:
        event = replication.server(frame(b"w" + pack(">qqq", 1, 2, 3) + message))
        assert event is not None
        events.append(event)
    return events


def frame(body: bytes, *, whole: bool = True) -> Frame:
    return Frame(ord("d"), body, 0, len(body) + 5, whole)


def relation(oid: int, name: bytes, xid: bytes = b"") -> bytes:
    columns = b"d\0\x01\0id\0" + pack(">ii", 23, -1)
    return b"R" + xid + pack(">I", oid) + b"public\0" + name + b"\0" + columns


def insert(oid: int, value: bytes, xid: bytes = b"") -> bytes:
    return b"I" + xid + pack(">I", oid) + b"N\0\x01t" + pack(">i", len(value)) + value


def committed(events: list[FromServer]) -> list[tuple[int, list[str]]]:
    return [(e.xid, sorted(w.table for w in e.writes)) for e in events if isinstance(e, WalCommit)]


def test_streamed_transactions_are_kept_apart() -> None:
    """Their blocks alternate; what a subtransaction wrote is its parent's."""
    ten, eleven, sub = pack(">I", 10), pack(">I", 11), pack(">I", 12)
    end = b"\0" + pack(">qqq", 5, 6, 7)
    events = stream(
        b"S" + ten + b"\x01",
        relation(1, b"a", ten) + b"",
        insert(1, b"x", sub),
        b"E",
        b"S" + eleven + b"\x01",
        relation(2, b"b", eleven),
        insert(2, b"y", eleven),
        b"E",
        b"c" + eleven + end,
        b"c" + ten + end,
    )
    assert committed(events) == [(11, ["b"]), (10, ["a"])]
    assert [e.xid for e in events if isinstance(e, WalRow)] == [12, 11]


def test_a_streamed_transaction_that_is_aborted_wrote_nothing() -> None:
    """Its messages are told by name."""
    ten = pack(">I", 10)
    events = stream(b"S" + ten + b"\x01", insert(1, b"x", ten), b"E", b"A" + ten + ten)
    assert [e.name for e in events if isinstance(e, WalOther)] == [
        "Stream Start",
        "Stream Stop",
        "Stream Abort",
    ]


def test_a_relation_that_was_not_announced_is_told_by_its_number() -> None:
    """As after a connection that was seen too late."""
    (row,) = stream(insert(99, b"v"))
    assert isinstance(row, WalRow)
    assert (row.table, row.new) == ("#99", (("0", "v"),))


def test_another_plug_in_is_told_as_data() -> None:
    """Its payload is not pgoutput."""
    replication = Replication(slot="s", is_pgoutput=False)
    body = b"w" + pack(">qqq", 1, 2, 3) + b"BEGIN 17"
    event = replication.server(frame(body))
    assert isinstance(event, WalOther)
    assert event.name == "Data"


def test_of_a_row_that_was_not_kept_whole_the_table_is_told() -> None:
    """What it wrote is what counts."""
    replication = Replication(slot="s", is_pgoutput=True)
    body = b"w" + pack(">qqq", 1, 2, 3) + insert(99, b"value")[:-2]
    row = replication.server(frame(body, whole=False))
    assert isinstance(row, WalRow)
    assert (row.table, row.new) == ("#99", ())


@pytest.mark.parametrize(
    "body",
    [b"k\0", b"w" + b"\0" * 24 + b"B", b"w" + b"\0" * 24 + b"T\x7f\xff\xff\xff\0", b"w"],
)
def test_what_is_too_short_is_no_message(body: bytes) -> None:
    """The connection tells it as a loss of sync."""
    with pytest.raises(NotAMessage):
        Replication(slot="s", is_pgoutput=True).server(frame(body))


def test_a_status_update_that_is_too_short_is_no_message() -> None:
    """As above, of the client."""
    with pytest.raises(NotAMessage):
        Replication(slot="s", is_pgoutput=True).client(frame(b"r\0"))
