"""A scenario: the shop's own statements and records, and the addresses that they have."""

import pytest

from harness.errors import HarnessBug
from harness.model.address import Address
from harness.model.frame import FROM_CLIENT, FROM_SERVER
from harness.trace.tracer import Tracer
from tests.harness.trace.captures import NAMES, replayed
from tests.harness.trace.links import (
    EVENT,
    KEY_COLUMNS,
    Broker,
    Database,
    asked,
    effects,
    record,
)

ORDERS = (
    "INSERT INTO orders (order_id, product_id, quantity, status, version)"
    " VALUES ($1, $2, $3, 'placed', 1) ON CONFLICT DO NOTHING"
)
OUTBOX = (
    "INSERT INTO outbox (id, aggregatetype, aggregateid, type, version, payload)"
    " VALUES ($1, 'order', $2, $3, $4, $5::jsonb)"
)
CANCEL = (
    "UPDATE orders SET status = 'cancelled', version = $1, updated_at = now() WHERE order_id = $2"
)
INBOX = "INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING"
STOCK = (
    "INSERT INTO stock (product_id, on_hand, initial) VALUES ($1, $2, 0)"
    " ON CONFLICT (product_id) DO UPDATE SET on_hand = stock.on_hand + EXCLUDED.on_hand"
)
MOVEMENTS = (
    "INSERT INTO stock_movements (event_id, order_id, product_id, delta, version)"
    " VALUES ($1, $2, $3, $4, $5)"
)
SENT = "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::uuid[])"
TWO = b"\0\2"


def place(db: Database, key: str, *, outbox: str | None = None) -> list[str]:
    """An order is placed, as the shop's order service does it."""
    db.begin()
    db.execute(ORDERS, key, "anvil", TWO)
    if outbox:
        db.execute(OUTBOX, outbox, key, "order-placed", b"\0\1", "{}")
    return effects(db.commit())


def test_a_dual_write_is_a_commit_and_then_a_record() -> None:
    """Both with the key of the order; cancelling it is another commit, and its second record."""
    tracer = Tracer(KEY_COLUMNS)
    db, broker = Database(tracer, "order", "order-db"), Broker(tracer, "order")
    assert place(db, "17") == [
        "?order/order-db/commit(orders:insert)/17#1",
        "!order/order-db/commit(orders:insert)/17#1",
    ]
    broker.produce_all({("order.events", 0): [record("17", {"event_id": EVENT})]})
    broker.produced("order.events", 5)
    db.begin()
    db.run("SELECT status FROM orders WHERE order_id = '17' FOR UPDATE", "SELECT 1")
    db.execute(CANCEL, TWO, "17")
    told = [*db.commit(), *broker.produce("order.events", "17")]
    assert effects(broker.frames)[:2] == [
        "?order/kafka-1/produce(order.events)/17#1",
        "!order/kafka-1/produce(order.events)/17#1",
    ]
    assert effects(told) == [
        "?order/order-db/commit(orders:update)/17#1",
        "!order/order-db/commit(orders:update)/17#1",
        "?order/kafka-1/produce(order.events)/17#2",
    ]


def test_a_relay_that_knows_only_rows_ids_has_the_keys_through_them() -> None:
    """The ids were seen in the order service's transaction, on another connection."""
    tracer = Tracer(KEY_COLUMNS)
    order, relay = Database(tracer, "order", "order-db"), Database(tracer, "relay", "order-db")
    other = EVENT.replace("01", "02")
    assert place(order, "17", outbox=EVENT)[0] == (
        "?order/order-db/commit(orders:insert,outbox:insert)/17#1"
    )
    place(order, "18", outbox=other)
    relay.begin()
    relay.execute(SENT, f"{{{EVENT},{other}}}", tag="UPDATE 2")
    assert effects(relay.commit())[0] == (
        "?relay/order-db/commit(outbox:update)/17#1 relay/order-db/commit(outbox:update)/18#1"
    )


def test_a_consumer_is_followed_from_record_to_offset() -> None:
    """The inbox's row through the record's header, the offset through the broker's answer."""
    tracer = Tracer(KEY_COLUMNS)
    relay, inventory = Broker(tracer, "relay"), Broker(tracer, "inventory")
    relay.produce_all({("order.events", 2): [record("17", {"event_id": EVENT})]})
    relay.produced("order.events", 40, partition=2)
    db = Database(tracer, "inventory", "inventory-db")
    db.begin()
    assert db.execute(INBOX, EVENT)[0].keys == ("17",)
    db.execute(STOCK, "anvil", b"\xff\xfe")
    db.execute(MOVEMENTS, EVENT, "17", "anvil", b"\xff\xfe", b"\0\1")
    detail = "inbox:insert,stock:insert,stock_movements:insert"
    assert effects(db.commit())[0] == f"?inventory/inventory-db/commit({detail})/17#1"
    offsets = {("order.events", 1): 7, ("order.events", 2): 41}
    inventory.commit_offsets("inventory", offsets)
    inventory.offsets_committed(dict.fromkeys(offsets, 0))
    address = "inventory/kafka-1/offset-commit(inventory:order.events)/17"
    assert effects(inventory.frames) == [f"?{address}#1", f"!{address}#1"]


def test_an_event_that_was_seen_before_is_no_effect() -> None:
    """Its transaction has written nothing."""
    tracer = Tracer(KEY_COLUMNS)
    db = Database(tracer, "inventory", "inventory-db")
    db.begin()
    db.execute(INBOX, EVENT, tag="INSERT 0 0")
    assert effects(db.commit()) == []


def test_effects_are_numbered_over_all_connections() -> None:
    tracer = Tracer(KEY_COLUMNS)
    db, broker = Database(tracer, "order", "order-db"), Broker(tracer, "order")
    found = []
    for key in ("1", "2"):
        db.begin()
        db.execute(ORDERS, key, "anvil", TWO)
        found += [asked(db.commit()), asked(broker.produce("order.events", key))]
    assert [effect.number for effect in found] == [1, 2, 3, 4]


def test_patterns_count_what_they_cover() -> None:
    """An effect of several keys is one."""
    tracer = Tracer(KEY_COLUMNS)
    db, broker = Database(tracer, "order", "order-db"), Broker(tracer, "order")
    for key in ("1", "2", "1"):
        place(db, key)
    broker.produce("order.events", "1", "2", "3")
    counts = {
        text: tracer.count(Address.parse(text))
        for text in (
            "order/order-db/commit(orders,*)",
            "order/order-db/commit(orders:insert)/1#9",
            "order/kafka-1/produce",
            "*/*/*/2",
            "order/order-db/commit(outbox)",
        )
    }
    assert list(counts.values()) == [3, 2, 1, 2, 0]


def test_what_is_under_way_belongs_to_both_nodes() -> None:
    tracer = Tracer(KEY_COLUMNS)
    order, relay = Broker(tracer, "order"), Broker(tracer, "relay", "kafka-2")
    first = asked(order.produce("order.events", "1"))
    second = asked(relay.produce("order.events", "2"))
    third = asked(order.produce("order.events", "3"))
    assert tracer.unanswered("order") == (first, third)
    assert tracer.unanswered("kafka-2") == (second,)
    order.produced("order.events", 0, correlation=1)
    assert tracer.unanswered("order") == (third,)
    tracer.withdraw(third)
    assert tracer.unanswered("kafka-1") == ()
    assert tracer.earlier(first, first.addresses[0]) == (0, 0)


def test_a_closed_connection_leaves_doubt() -> None:
    """Of what its server was given, and of nothing else. To close twice is to close once."""
    tracer = Tracer(KEY_COLUMNS)
    gone, later = Broker(tracer, "order"), Broker(tracer, "order")
    told = [*gone.produce("order.events", "1"), *gone.produce("order.events", "1")]
    assert told[0].effect is not None
    for _ in range(2):
        tracer.close(told[0].effect.connection, delivered=told[0].end)
    effect = asked(later.produce("order.events", "1"))
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 1)
    assert tracer.unanswered("order") == (effect,)


def test_a_new_scenario_counts_anew_on_connections_that_stay() -> None:
    """An answer to what was asked before is no answer to what is asked now."""
    tracer = Tracer(frozenset())
    broker = Broker(tracer, "order")
    broker.produce("order.events", "1")
    tracer.begin(KEY_COLUMNS)
    assert effects(broker.produced("order.events", 0)) == []
    effect = asked(broker.produce("order.events", "1"))
    assert (effect.number, effect.addresses[0].occurrence) == (1, 1)
    assert tracer.earlier(effect, effect.addresses[0]) == (0, 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("postgres-")])
def test_in_few_words_effects_are_the_same(name: str) -> None:
    """And what is left out changes nothing."""
    keys = frozenset({"order_id", "key"})
    all_frames = replayed(name, Tracer(keys))
    few = replayed(name, Tracer(keys, terse=True))
    assert effects(few) == effects(all_frames)
    told = {(frame.direction, frame.first, frame.end) for frame in few}
    left_out = [f for f in all_frames if (f.direction, f.first, f.end) not in told]
    assert {frame.kind for frame in left_out} <= {"statement", "completed", "ready"}
    assert len(few) == len(all_frames) - len(left_out)


def test_opaque_links_are_counted_only() -> None:
    reader = Tracer(KEY_COLUMNS).open("a", "b", 1, "opaque")
    assert reader.feed(FROM_CLIENT, b"\x16\x03\x01") == []
    assert (reader.boundary(FROM_CLIENT), reader.boundary(FROM_SERVER)) == (3, 0)


def test_a_protocol_that_nobody_reads_is_a_bug_of_ours() -> None:
    with pytest.raises(HarnessBug, match="'amqp': a link's protocol is one of"):
        Tracer(KEY_COLUMNS).open("a", "b", 1, "amqp")
