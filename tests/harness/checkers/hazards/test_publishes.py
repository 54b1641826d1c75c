"""Published beside a transaction: after it, without an outbox, or before it is committed."""

from tests.harness.checkers.watched import PLACED, Make, dual_write, watched
from tests.harness.traffic import Traffic


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
