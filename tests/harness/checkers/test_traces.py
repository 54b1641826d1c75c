"""What the wire and the write-ahead log know of the rows of an evidence chain."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.checkers.invariant import Invariants
from harness.checkers.snapshot import Snapshot
from harness.checkers.traces import Traces
from harness.model.record import ScenarioRecord, Traced
from harness.model.scenario import Hop
from tests.harness.traffic import Traffic

Make = Callable[..., ScenarioRecord]
ORDER = Hop(name="order", node="order-db", query='FROM "db.order-db.orders" WHERE id = $key')
OUTBOX = Hop(name="outbox", node="order-db", query='FROM "db.order-db.outbox" WHERE id = $key')
RECORD = Hop(name="record", node="kafka-1", query='FROM "kafka.order.events" WHERE key = $key')
STOCK = Hop(
    name="stock", node="inventory-db", query='FROM "db.inventory-db.stock_moves" WHERE id = $key'
)
REQUEST = Hop(name="request", node="order", query='FROM "ops" WHERE key = $key')


def told(
    make: Make, traffic: Traffic, hop: Hop, *rows: dict[str, Any], last: bool = False
) -> list[tuple[str, str]]:
    record = make({})
    traffic.write(record.dir)
    with Snapshot(record, Invariants(all=())) as snapshot:
        traces = Traces(snapshot)
        assert traces.any
        found = traces.last(hop, "17") if last else traces.of(hop, rows, "17")
    return [(t.kind, t.text) for t in found]


def flow(*, published: bool) -> Traffic:
    """Order 16 goes all the way; order 17 is committed, and published or not."""
    t = Traffic(at_s=5.0)
    for key, xid in (("16", 751), ("17", 752)):
        t.committed("order", "order-db", "orders:insert", key, xid=xid, version=1)
        if key == "17" and not published:
            break
        t.produce("order", "order.events", key, partition=2).acknowledged(offset=xid)
        t.committed("inventory", "inventory-db", "stock_moves:insert", key, xid=xid - 700)
        t.offset_commit(
            "inventory", "inv", "order.events", key, offset=xid + 1, partition=2
        ).acknowledged()
    return t


def test_without_a_trace_there_is_nothing_to_ask(make: Make) -> None:
    """As of an older run."""
    with Snapshot(make({}), Invariants(all=())) as snapshot:
        traces = Traces(snapshot)
        assert not traces.any
        assert (traces.of(ORDER, [{"id": "17"}], "17"), traces.last(ORDER, "17")) == ((), ())


def test_a_row_is_told_with_its_transaction(make: Make) -> None:
    """Its place in the log, and who committed it when."""
    ((kind, text),) = told(make, flow(published=True), ORDER, {"order_id": "17", "version": 1})
    by = "committed by order +5.009 s, acknowledged +5.010 s"
    assert (kind, text) == ("commit", f"orders:insert in xid 752 at 0/1A2F000, {by}")


def test_each_row_has_the_transaction_whose_columns_it_has(make: Make) -> None:
    """A version that was written over is none of those that are there."""
    t = Traffic()
    for version, xid in ((1, 1), (2, 2), (3, 3)):
        detail = "outbox:insert" if version > 1 else "outbox:update"
        t.committed(
            "order", "order-db", detail, "17", xid=xid,
            version=version, created_at="2026-11-23 04:45:00+00", payload='{"a": 1}', sent_at=None,
        )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"version": 3, "created_at": "2026-11-23T04:45:00Z", "payload": {"a": 1}, "sent_at": None},
        {"version": 2, "created_at": "2026-11-23T04:45:00Z", "payload": {"a": 1}, "sent_at": None},
    ]
    texts = [text.partition(" at ")[0] for _, text in told(make, t, OUTBOX, *rows)]
    assert texts == [
        "since changed: outbox:update in xid 1",
        "row 2: outbox:insert in xid 2",
        "row 1: outbox:insert in xid 3",
    ]


def test_without_the_log_the_commit_itself_is_told(make: Make) -> None:
    """By its address' detail."""
    t = Traffic()
    t.commit("order", "order-db", "orders:insert", "17").acknowledged()
    t.commit("order", "order-db", "customers:insert", "17").acknowledged()
    assert told(make, t, ORDER, {"id": "17"}) == [
        ("commit", "orders:insert, committed by order +5.001 s, acknowledged +5.002 s")
    ]


def test_a_record_is_told_with_its_request_and_what_covered_it(make: Make) -> None:
    """The first offset commit of each group."""
    t = flow(published=True)
    t.offset_commit(
        "inventory", "inv", "order.events", "99", offset=900, partition=2
    ).acknowledged()
    assert told(make, t, RECORD, {"partition": 2, "offset": 752}) == [
        (
            "produce",
            "order sent it to order.events/2 at offset 752 +5.011 s, acknowledged +5.012 s",
        ),
        (
            "offset-commit",
            "inventory committed offset 753 of order.events/2 for group inv, +5.015 s",
        ),
    ]


def test_a_flush_is_told_beside_the_table_that_was_captured(make: Make) -> None:
    """And not beside the others of the transaction."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert,outbox:insert", "17", xid=1)
    past = t.wal("connect", "order-db", 1, "outbox", "17")
    t.flush("connect", "order-db", "order_outbox", "17", past=past)
    record = make({})
    t.write(record.dir)
    with Snapshot(record, Invariants(all=())) as snapshot:
        traces = Traces(snapshot)
        assert [told.kind for told in traces.of(ORDER, [], "17")] == ["commit"]
        flushed = traces.of(OUTBOX, [], "17")[-1]
    says = "connect flushed slot order_outbox to 0/1A00130, +5.005 s"
    assert flushed == Traced(kind="flush", text=says)


def test_a_request_between_nodes_is_told_where_it_arrived(make: Make) -> None:
    """A hop that reads neither table nor topic is one."""
    t = Traffic()
    t.ask("shop", "order", "http", "POST:/orders/{}", "17").failed("409")
    assert told(make, t, REQUEST) == [
        ("http", "shop sent POST:/orders/{}, +5.001 s, refused +5.002 s")
    ]


def test_where_it_broke_the_last_thing_seen_is_told(make: Make) -> None:
    """And what never was, by whom it would have been."""
    seen = "order-db committed xid 752 at 0/1A2F000 for order, +5.010 s"
    missed = "no PRODUCE of key 17 to order.events ever left order"
    found = told(make, flow(published=False), RECORD, last=True)
    assert found == [("last", f"{seen}; {missed}")]


@pytest.mark.parametrize(
    "outcome, says",
    [
        (None, "order asked kafka-1 for PRODUCE order.events +5.003 s and nothing answered"),
        ("7", "kafka-1 refused order's PRODUCE order.events, +5.004 s"),
    ],
)
def test_what_was_asked_for_in_vain_is_told_as_such(
    make: Make, outcome: str | None, says: str
) -> None:
    """It was seen, so it is not missed."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "17", xid=1)
    produced = t.produce("order", "order.events", "17")
    if outcome is not None:
        produced.failed(outcome)
    assert told(make, t, RECORD, last=True) == [("last", says)]


def test_what_no_node_ever_did_is_told_without_a_name(make: Make) -> None:
    """Nobody is known who should have."""
    t = Traffic()
    t.produce("order", "order.events", "17").acknowledged(offset=4)
    seen = "kafka-1 acknowledged order's record in order.events/0 at offset 4, +5.002 s"
    missed = "no COMMIT of key 17 to inventory-db's stock_moves was ever seen"
    assert told(make, t, STOCK, last=True) == [("last", f"{seen}; {missed}")]


def test_a_key_that_the_wire_never_saw_has_no_last_words(make: Make) -> None:
    """Nothing is invented."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "1", xid=1)
    assert told(make, t, RECORD, last=True) == []
