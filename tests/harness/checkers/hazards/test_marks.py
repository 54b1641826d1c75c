"""Rows of an outbox marked as sent, and when."""

import pytest

from tests.harness.checkers.watched import PLACED, Make, outbox_flow, watched
from tests.harness.traffic import Traffic


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_row_marked_before_its_record_is_acknowledged(make: Make, operation: str) -> None:
    """Set sent or deleted, it comes to the same."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    outbox_flow(t, "2", 2)
    t.committed("relay", "order-db", f"outbox:{operation}", "1", xid=3, sent_at="now")
    t.wait(4)
    t.produce("relay", "order.events", "1").acknowledged(offset=9)
    found = watched(make({}), t)["marked-before-acknowledged"]
    (hazard,) = found.hazards
    assert (hazard.node, hazard.keys, found.judged) == ("relay", ("1",), 2)
    assert ", once: relay committed outbox" in hazard.summary
    assert "only 7.0 ms later" in hazard.summary
    assert hazard.rows[0]["xid"] == 3


def test_a_row_marked_while_its_record_is_on_its_way(make: Make) -> None:
    """Asked for is not acknowledged."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    produced = t.produce("relay", "order.events", "1")
    t.committed("relay", "order-db", "outbox:update", "1", xid=2, sent_at="now")
    produced.acknowledged(offset=1)
    (hazard,) = watched(make({}), t)["marked-before-acknowledged"].hazards
    assert hazard.keys == ("1",)


def test_an_earlier_record_of_the_key_excuses_nothing(make: Make) -> None:
    """The second change of an order has a row of its own."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.committed("order", "order-db", "orders:update,outbox:insert", "1", xid=5)
    t.committed("relay", "order-db", "outbox:update", "1", xid=6, sent_at="now")
    (hazard,) = watched(make({}), t)["marked-before-acknowledged"].hazards
    assert "no record of it was acknowledged after that" in hazard.summary


def test_rows_of_one_key_marked_in_turn_are_sound(make: Make) -> None:
    """Also where the second row was written before the first was marked."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    first = t.produce("relay", "order.events", "1")
    t.committed("order", "order-db", "orders:update,outbox:insert", "1", xid=2)
    first.acknowledged(offset=1)
    t.committed("relay", "order-db", "outbox:update", "1", xid=3, sent_at="now")
    t.produce("relay", "order.events", "1").acknowledged(offset=2)
    t.committed("relay", "order-db", "outbox:update", "1", xid=4, sent_at="now")
    t.committed("relay", "order-db", "outbox:delete", "1", xid=5)
    found = watched(make({}), t)["marked-before-acknowledged"]
    assert (found.hazards, found.judged) == ((), 3)


def test_claiming_a_row_is_no_mark(make: Make) -> None:
    """The write-ahead log tells that the column which says sent stayed empty."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    t.committed("relay", "order-db", "outbox:update", "1", xid=2, claimed_by="relay", sent_at=None)
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    found = watched(make({}), t)["marked-before-acknowledged"]
    assert (found.hazards, found.judged) == ((), 0)


def test_a_row_deleted_in_its_own_transaction_is_no_mark(make: Make) -> None:
    """So do those who let the write-ahead log be the outbox."""
    t = Traffic()
    t.committed("order", "order-db", "outbox:delete,outbox:insert", "1", xid=1)
    t.produce("order", "order.events", "2").acknowledged(offset=1)
    found = watched(make({}), t)["marked-before-acknowledged"]
    assert (found.hazards, found.judged) == ((), 0)


def test_who_cleans_up_marks_nothing(make: Make) -> None:
    """A node that publishes nothing cannot be the one that should have."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    t.committed("janitor", "order-db", "outbox:delete", "1", xid=2)
    assert watched(make({}), t)["marked-before-acknowledged"].hazards == ()
