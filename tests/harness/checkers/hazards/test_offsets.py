"""Offsets of consumer groups, and the effects of what they cover."""

import pytest

from tests.harness.checkers.watched import Make, outbox_flow, watched
from tests.harness.traffic import Traffic


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
