"""Rules over traces: each fires on a broken twin with the right keys, and is silent on a sound one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.hazards import Rules, read_rules, watch
from harness.errors import DeclarationError
from harness.model.hazard import Watch
from harness.model.outbox import Outbox
from harness.model.record import ScenarioRecord
from tests.harness.traffic import Traffic

Make = Callable[..., ScenarioRecord]
OUTBOX = Outbox(node="order-db", table="outbox", sent="sent_at")
PLACED = "orders:insert,outbox:insert"


def watched(record: ScenarioRecord, traffic: Traffic) -> dict[str, Watch]:
    traffic.write(record.dir)
    return {w.rule: w for w in watch(replace(record, outboxes=(OUTBOX,)))}


def test_a_run_without_a_trace_has_no_hazards(make: Make) -> None:
    """Nor were any looked for."""
    assert watch(make({})) == ()


def test_an_empty_trace_gives_nothing_to_judge(make: Make) -> None:
    """Every rule was applied, to nothing."""
    found = watched(make({}), Traffic())
    assert {name: (w.judged, w.hazards, w.undecided) for name, w in found.items()} == {
        "dual-write": (0, (), None),
        "flush-beyond-acknowledged": (0, (), None),
        "marked-before-acknowledged": (0, (), None),
        "offset-before-effect": (0, (), None),
        "published-before-commit": (0, (), None),
    }


# --- dual-write -------------------------------------------------------------------------------


def dual_write(t: Traffic, key: str, xid: int, ms: float) -> None:
    t.committed("order", "order-db", "orders:insert", key, xid=xid)
    t.wait(ms - 1)  # the request's own step is the last millisecond
    t.produce("order", "order.events", key).acknowledged(offset=xid)


def test_a_commit_and_a_publish_without_an_outbox_is_a_dual_write(make: Make) -> None:
    """With the width of the window in which a crash loses the event."""
    t = Traffic()
    for n, ms in enumerate((2, 4, 9), start=1):
        dual_write(t, str(n), n, ms)
    found = watched(make({}), t)
    (hazard,) = found["dual-write"].hazards
    assert (hazard.node, hazard.count, hazard.keys) == ("order", 3, ("1", "2", "3"))
    assert [row["ms"] for row in hazard.rows] == [2.0, 4.0, 9.0]
    assert "3 times: for 4.0 ms (median; at most 9.0 ms)" in hazard.summary
    assert hazard.rows[0]["committed"] == "order/order-db/commit(orders:insert)/1#1"
    assert hazard.rows[0]["published"] == "order/kafka-1/produce(order.events)/1#1"
    assert found["dual-write"].judged == 3
    assert [w.rule for w in found.values() if w.hazards] == ["dual-write"]


def test_one_publish_of_each_commit_counts(make: Make) -> None:
    """The second record of the same change is no second window, the second change is one."""
    t = Traffic()
    dual_write(t, "1", 1, 2)
    t.produce("order", "audit", "1").acknowledged(offset=1)
    dual_write(t, "1", 2, 2)
    (hazard,) = watched(make({}), t)["dual-write"].hazards
    assert (hazard.count, hazard.keys) == (2, ("1",))


def outbox_flow(t: Traffic, key: str, xid: int) -> None:
    """An order through the outbox and the relay to a consumer, as it should be."""
    event = f"{xid:08x}"
    t.committed("order", "order-db", PLACED, key, xid=xid, id=event)
    produced = t.produce("relay", "order.events", key)
    produced.acknowledged(offset=xid)
    t.committed("relay", "order-db", "outbox:update", key, xid=xid + 100, sent_at="now")
    t.committed("inventory", "inventory-db", "inbox:insert,stock:update", key, xid=xid)
    t.offset_commit("inventory", "inventory", "order.events", key, offset=xid + 1).acknowledged()


def test_a_sound_outbox_is_silent_under_every_rule_that_applies(make: Make) -> None:
    """And each of these has judged something."""
    t = Traffic()
    for n in range(1, 6):
        outbox_flow(t, str(n), n)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards or w.undecided] == []
    assert {name: w.judged for name, w in found.items()} == {
        "dual-write": 10,
        "flush-beyond-acknowledged": 0,
        "marked-before-acknowledged": 5,
        "offset-before-effect": 5,
        "published-before-commit": 0,
    }


def test_publishing_before_anything_is_committed_is_no_dual_write(make: Make) -> None:
    """Nor is a commit that answers what was published."""
    t = Traffic()
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    t.committed("relay", "order-db", "orders:update", "1", xid=1)
    assert watched(make({}), t)["dual-write"].hazards == ()


def test_a_commit_without_a_publish_owes_the_next_one(make: Make) -> None:
    """As where the node was killed in between: the second change's window is one all the same."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "1", xid=1)
    dual_write(t, "1", 2, 2)
    (hazard,) = watched(make({}), t)["dual-write"].hazards
    assert (hazard.count, hazard.rows[0]["committed"]) == (
        1,
        "order/order-db/commit(orders:insert)/1#2",
    )


def test_who_publishes_before_each_commit_writes_twice_the_other_way_round(make: Make) -> None:
    """The second event is not charged to the first commit, though nothing tells that its
    transaction was open: it may have written only afterwards."""
    t = Traffic()
    for n in (1, 2, 3):
        t.produce("order", "order.events", "1").acknowledged(offset=n)
        t.committed("order", "order-db", "orders:update", "1", xid=n)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards] == []


def saga_step(t: Traffic, key: str, n: int) -> None:
    """A member of a saga notes a message, and its own relay sends what another one made it say."""
    t.committed("order", "order-db", PLACED, key, xid=n)
    t.committed("order", "order-db", "inbox:insert,steps:insert", key, xid=n + 100)
    t.wait(3)
    t.produce("order", "saga.events", key).acknowledged(offset=n)
    t.committed("order", "order-db", "outbox:update", key, xid=n + 200, sent_at="now")


def test_a_relay_in_the_service_publishes_what_its_outbox_says(make: Make) -> None:
    """Whatever else the service committed before."""
    t = Traffic()
    for n in (1, 2):
        saga_step(t, str(n), n)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards] == []
    assert found["dual-write"].judged == 4


def test_a_service_without_a_relay_that_does_the_same_writes_twice(make: Make) -> None:
    """Nothing marks a row."""
    t = Traffic()
    t.committed("order", "order-db", "inbox:insert,steps:insert", "1", xid=1)
    t.produce("order", "saga.events", "1").acknowledged(offset=1)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards] == ["dual-write"]


# --- published-before-commit ------------------------------------------------------------------


def published_inside(t: Traffic, key: str, n: int) -> None:
    """Writes, publishes, commits, as one thread does."""
    t.statement("order", "order-db", "UPDATE orders SET status = $1", key)
    t.produce("order", "order.events", key).acknowledged(offset=n)
    t.wait(2)
    t.committed("order", "order-db", "orders:update", key, xid=n)


def test_a_record_that_is_out_before_its_transaction_is_committed(make: Make) -> None:
    """With the width of the window in which a crash makes it up; a later one of the key is not
    charged to the commit before it."""
    t = Traffic()
    for n, key in enumerate(("1", "1", "2"), start=1):
        published_inside(t, key, n)
    found = watched(make({}), t)
    (hazard,) = found["published-before-commit"].hazards
    assert (hazard.node, hazard.count, hazard.keys) == ("order", 3, ("1", "2"))
    assert "3 times: for 4.0 ms (median; at most 4.0 ms)" in hazard.summary
    assert hazard.rows[1]["published"] == "order/kafka-1/produce(order.events)/1#2"
    assert hazard.rows[1]["committed"] == "order/order-db/commit(orders:update)/1#2"
    assert found["published-before-commit"].judged == 3
    assert [w.rule for w in found.values() if w.hazards] == ["published-before-commit"]


def test_a_transaction_that_rolls_back_or_dies_after_its_publish_is_no_dual_write(
    make: Make,
) -> None:
    """The event after a commit may be told of too early, but not too late."""
    t = Traffic()
    published_inside(t, "1", 1)
    t.statement("order", "order-db", "UPDATE orders SET status = $1", "1")
    t.produce("order", "order.events", "1").failed("not enough replicas")
    t.frame("order", "order-db", "server", "rolled-back")
    t.statement("order", "order-db", "UPDATE orders SET status = $1", "1")
    t.produce("order", "order.events", "1")
    t.frame("order", "order-db", "client", "close")
    found = watched(make({}), t)
    assert found["dual-write"].hazards == ()
    assert [h.count for h in found["published-before-commit"].hazards] == [1]


def test_a_relay_publishes_while_its_rows_are_locked(make: Make) -> None:
    """They were committed before; what it marks says so."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    t.statement("relay", "order-db", "UPDATE outbox SET tries = tries + 1", "1")
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    t.committed("relay", "order-db", "outbox:update", "1", xid=2, sent_at="now")
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards] == []


def test_a_dual_write_while_another_thread_writes_the_key_stays_one(make: Make) -> None:
    """Its transaction goes on while the record is on its way, so the record is not its own."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "1", xid=1)
    t.statement("order", "order-db", "UPDATE orders SET status = $1", "1")
    produced = t.produce("order", "order.events", "1")
    t.statement("order", "order-db", "INSERT INTO order_changes VALUES ($1)", "1")
    produced.acknowledged(offset=1)
    t.committed("order", "order-db", "order_changes:insert,orders:update", "1", xid=2)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards] == ["dual-write"]


def test_what_is_published_of_another_key_meanwhile_is_none_of_it(make: Make) -> None:
    """Nor is what another connection of the node has open."""
    t = Traffic()
    t.statement("order", "order-db", "UPDATE orders SET status = $1", "1")
    t.produce("order", "order.events", "2").acknowledged(offset=1)
    t.committed("order", "order-db", "orders:update", "1", xid=1)
    assert watched(make({}), t)["published-before-commit"].hazards == ()


def test_a_record_in_a_transaction_of_kafkas_is_not_out_yet(make: Make) -> None:
    """It is when that ends."""
    t = Traffic()
    published_inside(t, "1", 1)
    t.ask("order", "kafka-1", "end-txn", "commit", "order-tx").acknowledged()
    assert watched(make({}), t)["published-before-commit"].hazards == ()


# --- marked-before-acknowledged ---------------------------------------------------------------


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


# --- offset-before-effect ---------------------------------------------------------------------


def too_early(t: Traffic, key: str, n: int) -> None:
    t.produce("relay", "order.events", key).acknowledged(offset=n)
    t.offset_commit("inventory", "inventory", "order.events", key, offset=n + 1).acknowledged()
    t.wait(2)
    t.committed("inventory", "inventory-db", "stock:update", key, xid=n)


def test_an_offset_committed_before_the_effect(make: Make) -> None:
    """With the time in between."""
    t = Traffic()
    too_early(t, "1", 1)
    too_early(t, "2", 2)
    found = watched(make({}), t)["offset-before-effect"]
    (hazard,) = found.hazards
    assert (hazard.node, hazard.count, hazard.keys) == ("inventory", 2, ("1", "2"))
    assert "covered 5.0 ms before inventory had committed its effect" in hazard.summary
    assert found.judged == 2


def test_a_record_whose_effect_never_came_is_not_told(make: Make) -> None:
    """Though others' came late, it may mean nothing to the consumer; what is lost, invariants say."""
    t = Traffic()
    too_early(t, "1", 1)
    t.produce("relay", "order.events", "2").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "2", offset=3).acknowledged()
    (hazard,) = watched(make({}), t)["offset-before-effect"].hazards
    assert hazard.keys == ("1",)


def test_a_record_that_means_nothing_to_the_consumer_is_no_hazard(make: Make) -> None:
    """It has no effect to come before."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.produce("relay", "order.events", "2").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "2", offset=3).acknowledged()
    found = watched(make({}), t)["offset-before-effect"]
    assert (found.hazards, found.judged) == ((), 2)


def test_a_record_seen_before_is_no_hazard(make: Make) -> None:
    """It comes again, does nothing, and the order's next event does something later."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.produce("relay", "order.events", "1").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=3).acknowledged()
    t.produce("relay", "order.events", "1").acknowledged(offset=3)
    t.committed("inventory", "inventory-db", "stock:update", "1", xid=7)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=4).acknowledged()
    assert watched(make({}), t)["offset-before-effect"].hazards == ()


def test_a_position_that_is_committed_again_covers_nothing_new(make: Make) -> None:
    """A consumer that got no answer says it again, when the key's next record is there already."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.produce("relay", "order.events", "1").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=2).acknowledged()
    t.committed("inventory", "inventory-db", "stock:update", "1", xid=7)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=3).acknowledged()
    found = watched(make({}), t)["offset-before-effect"]
    assert (found.hazards, found.judged) == ((), 3)


def test_a_record_whose_place_is_not_known_is_not_judged(make: Make) -> None:
    """Its producer never got an answer."""
    t = Traffic()
    t.produce("relay", "order.events", "1")
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=1).acknowledged()
    t.committed("inventory", "inventory-db", "stock:update", "1", xid=7)
    assert watched(make({}), t)["offset-before-effect"].hazards == ()


def test_a_retry_is_of_the_record_that_its_first_try_made(make: Make) -> None:
    """The consumer had it, and its effect, before the producer asked again."""
    t = Traffic()
    t.produce("relay", "order.events", "1")
    t.committed("inventory", "inventory-db", "stock:update", "1", xid=1)
    again = t.produce("relay", "order.events", "1")
    for effect in t.effects[again.number]:
        effect |= {"address": t.effects[1][0]["address"], "occurrence": 1}
    again.acknowledged(offset=1)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=2).acknowledged()
    t.committed("inventory", "inventory-db", "stock:update", "1", xid=2)
    assert watched(make({}), t)["offset-before-effect"].hazards == ()


def test_another_member_of_the_group_may_have_done_it(make: Make) -> None:
    """Partitions move on, and their offsets with them."""
    t = Traffic()
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    t.committed("worker-1", "inventory-db", "stock:update", "1", xid=1)
    t.offset_commit("worker-2", "workers", "order.events", "1", offset=2).acknowledged()
    t.produce("relay", "order.events", "2").acknowledged(offset=2)
    t.committed("worker-2", "inventory-db", "stock:update", "2", xid=2)
    t.offset_commit("worker-1", "workers", "order.events", "2", offset=3).acknowledged()
    found = watched(make({}), t)["offset-before-effect"]
    assert (found.hazards, found.judged) == ((), 2)


def test_a_message_that_is_passed_over_is_not_covered_by_what_marks_the_outbox(
    make: Make,
) -> None:
    """A member of a saga reads its own message back; its relay marks the row afterwards."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.committed("inventory", "order-db", "inbox:insert,outbox:insert", "1", xid=2)
    t.produce("inventory", "order.events", "1").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "1", offset=3).acknowledged()
    t.committed("inventory", "order-db", "outbox:update", "1", xid=3, sent_at="now")
    found = watched(make({}), t)["offset-before-effect"]
    assert (found.hazards, found.judged) == ((), 2)


@pytest.mark.parametrize("key", ["1", "2"])
def test_what_a_request_did_is_no_late_effect(make: Make, key: str) -> None:
    """A customer cancels what the consumer had nothing to do for; of another order it is nothing."""
    t = Traffic()
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    t.offset_commit("order", "order", "order.events", "1", offset=2).acknowledged()
    request = t.ask("client", "order", "http", "POST:/orders/{}/cancel", key)
    t.committed("order", "order-db", "orders:update,outbox:insert", "1", xid=1)
    request.acknowledged(name="202")
    hazards = watched(make({}), t)["offset-before-effect"].hazards
    assert [h.keys for h in hazards] == ([] if key == "1" else [("1",)])


@pytest.mark.parametrize(
    ("wrote", "late"), [("orders:update", []), ("inbox:insert,stock:update", [("2",)])]
)
def test_of_a_consumer_that_is_in_time_only_what_is_like_its_effects_can_be_late(
    make: Make, wrote: str, late: list[tuple[str, ...]]
) -> None:
    """A timer writes other tables than messages do."""
    t = Traffic()
    outbox_flow(t, "1", 1)
    t.produce("relay", "order.events", "2").acknowledged(offset=2)
    t.offset_commit("inventory", "inventory", "order.events", "2", offset=3).acknowledged()
    t.wait(5000)
    t.committed("inventory", "inventory-db", wrote, "2", xid=7)
    hazards = watched(make({}), t)["offset-before-effect"].hazards
    assert [h.keys for h in hazards] == late


# --- flush-beyond-acknowledged ----------------------------------------------------------------


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


# --- what all rules share ---------------------------------------------------------------------


def test_a_node_that_could_not_be_read_to_the_end_is_accused_of_nothing(make: Make) -> None:
    """What was not seen may have been done."""
    t = Traffic()
    dual_write(t, "1", 1, 2)
    t.lost_sync("order", "kafka-1")
    found = watched(make({}), t)
    assert (found["dual-write"].hazards, found["dual-write"].judged) == ((), 0)


def test_without_transactions_every_update_of_the_outbox_is_a_mark(make: Make) -> None:
    """A server's log that was not read tells nothing."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    t.committed("relay", "order-db", "outbox:update", "1", xid=2, sent_at=None)
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    record = make({})
    t.write(record.dir)
    (record.dir / "snapshot" / "transactions.parquet").unlink()
    found = {w.rule: w for w in watch(replace(record, outboxes=(OUTBOX,)))}
    assert [h.keys for h in found["marked-before-acknowledged"].hazards] == [("1",)]


def test_names_are_text_and_never_sql(make: Make) -> None:
    """Nodes, tables and keys are foreign data."""
    t = Traffic()
    for key in ("1' OR '1'='1", '"x"'):
        t.committed("o'rder", "d'b", "orders:insert", key, xid=1)
        t.produce("o'rder", "t'opic", key).acknowledged(offset=1)
    record = replace(make({}), outboxes=(Outbox(node="d'b", table="o'x", sent='s"'),))
    t.write(record.dir)
    (hazard,) = [h for w in watch(record) for h in w.hazards]
    assert (hazard.node, hazard.count) == ("o'rder", 2)


def test_a_rule_that_fails_is_undecided(make: Make, tmp_path: Path) -> None:
    """And the others are applied all the same."""
    folder = tmp_path / "rules"
    folder.mkdir()
    head = "-- rule: {}\n-- says: s\n-- summary: {{node}}\n-- needs: trace\n-- scope:\n{}\n"
    (folder / "a.sql").write_text(head.format("a", "SELECT nope") + "-- hazards:\nSELECT 1\n")
    none = "-- hazards:\nSELECT node, '1' AS key FROM trace WHERE false\n"
    (folder / "b.sql").write_text(head.format("b", "SELECT 7") + none)
    record = make({})
    Traffic().write(record.dir)
    first, second = watch(record, read_rules(folder))
    assert "nope" in (first.undecided or "")
    assert (second.judged, second.undecided) == (7, None)


def test_the_rules_read_like_sentences() -> None:
    """They are shown to people."""
    rules = read_rules()
    assert isinstance(rules, Rules)
    assert len(rules.all) == 5
    assert [r.id for r in rules.all if not r.says.endswith(".") or r.summary.endswith(".")] == []


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """By the files' names."""
    text = "-- rule: a\n-- says: s\n-- summary: x\n-- scope:\nSELECT 1\n-- hazards:\nSELECT 1\n"
    (tmp_path / "a.sql").write_text(text)
    (tmp_path / "b.sql").write_text(text)
    with pytest.raises(DeclarationError, match=r"b\.sql:1: `a` is defined in a\.sql"):
        read_rules(tmp_path)
