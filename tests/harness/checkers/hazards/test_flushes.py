"""Replication slots, and the records of what they are flushed beyond."""

from tests.harness.checkers.watched import PLACED, Make, watched
from tests.harness.traffic import Traffic


def captured(t: Traffic, key: str, xid: int, *, flush_first: bool) -> None:
    t.committed("order", "order-db", PLACED, key, xid=xid)
    past = t.wal("connect", "order-db", xid, "outbox", key)
    if flush_first:
        t.flush("connect", "order-db", "order_outbox", key, past=past)
    t.produce("connect", "order.events", key).acknowledged(offset=xid)
    if not flush_first:
        t.flush("connect", "order-db", "order_outbox", key, past=past)


def test_a_flush_beyond_what_the_broker_acknowledged(make: Make) -> None:
    """By slot, position and transaction."""
    t = Traffic()
    captured(t, "1", 1, flush_first=False)
    captured(t, "2", 2, flush_first=True)
    found = watched(make({}), t)["flush-beyond-acknowledged"]
    (hazard,) = found.hazards
    assert (hazard.node, hazard.keys, found.judged) == ("connect", ("2",), 2)
    (row,) = hazard.rows
    assert (row["slot"], row["xid"], row["lsn"]) == ("order_outbox", 2, "0/1A00230")
    assert "covers key 2 of xid 2 and its record was acknowledged 2.0 ms later" in hazard.summary


def test_an_earlier_record_of_the_key_does_not_cover_a_flush(make: Make) -> None:
    """The second change needs a record of its own."""
    t = Traffic()
    captured(t, "1", 1, flush_first=False)
    captured(t, "1", 2, flush_first=True)
    (hazard,) = watched(make({}), t)["flush-beyond-acknowledged"].hazards
    assert [row["xid"] for row in hazard.rows] == [2]


def test_a_sound_connector_is_silent(make: Make) -> None:
    """Also where it is sent again what it had published before its restart."""
    t = Traffic()
    captured(t, "1", 1, flush_first=False)
    t.committed("order", "order-db", PLACED, "2", xid=2)
    t.wal("connect", "order-db", 2, "outbox", "2")
    t.produce("connect", "order.events", "2").acknowledged(offset=2)
    past = t.wal("connect", "order-db", 2, "outbox", "2")
    t.flush("connect", "order-db", "order_outbox", "2", past=past)
    found = watched(make({}), t)["flush-beyond-acknowledged"]
    assert (found.hazards, found.judged) == ((), 2)


def test_changes_that_a_connector_leaves_out_are_no_hazard(make: Make) -> None:
    """Though the key's next change is published."""
    t = Traffic()
    past = t.wal("connect", "order-db", 1, "orders", "1")
    t.flush("connect", "order-db", "s", "1", past=past)
    captured(t, "1", 2, flush_first=False)
    assert watched(make({}), t)["flush-beyond-acknowledged"].hazards == ()
