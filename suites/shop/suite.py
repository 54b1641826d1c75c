"""The shop: one flow from order to stock and shipment, told by event in three patterns."""

from collections.abc import Mapping
from pathlib import Path

from harness.model.outbox import Outbox
from harness.model.scenario import Hop, Pattern
from harness.model.suite import Published, StoreQuery, Suite

from .workload import plan

NAME = "shop"

_COMPOSE_DIR = Path(__file__).resolve().parents[2] / "compose"
COMPOSE = _COMPOSE_DIR / "shop.yaml"
INVARIANTS = Path(__file__).resolve().parent / "invariants"

TOPICS = ("order.events",)
GROUPS = ("inventory", "shipping")

ENTRY = "order"
"""The node that customers talk to."""
ENTRY_PORT = 8080

_WRITER_AND_CONSUMER: Mapping[str, str] = {
    "kill-between-commit-and-publish": "kill:order:after:order/order-db/commit(orders,*)",
    "kill-before-commit": "kill:order:before:order/order-db/commit(orders,*)",
    "kill-between-effect-and-offset-commit": (
        "kill:inventory:after:inventory/inventory-db/commit(stock_movements,*)"
    ),
}
"""Points that every pattern has, for an order is kept and consumed the same way in each."""

PATTERNS = (
    Pattern(
        name="dual-write",
        promises="nothing: commits the order, then publishes; what happens in between is lost",
        writer="order",
        publisher="order",
        environment={"PATTERN": "dual-write"},
        controls={"kill-between-commit-and-publish": "no-event-lost"},
        points=_WRITER_AND_CONSUMER,
    ),
    Pattern(
        name="outbox-polling",
        promises="every committed order is published at least once, in order, by the relay",
        writer="order",
        publisher="relay",
        environment={"PATTERN": "outbox-polling"},
        points={
            **_WRITER_AND_CONSUMER,
            "kill-between-publish-and-mark": "kill:relay:after:relay/kafka-1/produce(order.events)",
        },
    ),
    Pattern(
        name="outbox-cdc",
        promises="every committed order is published at least once, in order, by Debezium",
        writer="order",
        publisher="connect",
        environment={"PATTERN": "outbox-cdc"},
        connectors=(_COMPOSE_DIR / "connectors" / "order-outbox.json",),
        points={
            **_WRITER_AND_CONSUMER,
            "kill-between-publish-and-mark": (
                "kill:connect:after:connect/kafka-1/produce(order.events)"
            ),
            "kill-connect-before-offset-flush": "kill:connect:before:connect/order-db/flush",
        },
    ),
)

_EVERYWHERE = ("none", "kill-between-commit-and-publish", "broker-partition")

DEFAULT_MATRIX: Mapping[str, tuple[str, ...]] = {
    pattern.name: (*_EVERYWHERE, *(("connector-restart",) if pattern.connectors else ()))
    for pattern in PATTERNS
}
"""Pattern → the faults it is run under when nothing else is asked for."""

HOPS = (
    Hop(
        name="request",
        node="order",
        query="""SELECT * FROM "ops" WHERE key = $key ORDER BY index""",
        says="a customer asked for it",
    ),
    Hop(
        name="order",
        node="order-db",
        query="""SELECT * FROM "db.order-db.orders" WHERE order_id = $key""",
        says="the order was committed",
    ),
    Hop(
        name="outbox",
        node="order-db",
        query="""SELECT * FROM "db.order-db.outbox" WHERE aggregateid = $key ORDER BY seq""",
        says="its event was committed with it",
    ),
    Hop(
        name="record",
        node="kafka-1",
        query="""
            SELECT * FROM "kafka.order.events" WHERE key = $key ORDER BY partition, "offset"
        """,
        says="its event was published",
    ),
    Hop(
        name="stock-movement",
        node="inventory-db",
        query="""
            SELECT * FROM "db.inventory-db.stock_movements" WHERE order_id = $key
            ORDER BY applied_at
        """,
        says="the stock was changed",
    ),
    Hop(
        name="shipment-change",
        node="shipping-db",
        query="""
            SELECT * FROM "db.shipping-db.shipment_changes" WHERE order_id = $key
            ORDER BY applied_at
        """,
        says="the shipment was changed",
    ),
)
"""The way of an order; its id is the key everywhere."""

_WITHOUT_OUTBOX = frozenset({"dual-write"})


def hops(pattern: Pattern) -> tuple[Hop, ...]:
    """The hops that a pattern has. The outbox table is there, empty, under dual-write too: a hop
    that no order takes must not look like the one where its way broke."""
    if pattern.name in _WITHOUT_OUTBOX:
        return tuple(hop for hop in HOPS if hop.name != "outbox")
    return HOPS


_UNSENT = StoreQuery(
    name="unsent outbox rows",
    node="order-db",
    database="orders",
    sql="SELECT count(*) FROM outbox WHERE sent_at IS NULL",
)

_CAPTURED = Published(
    events=StoreQuery(
        name="captured outbox rows",
        node="order-db",
        database="orders",
        sql="SELECT id FROM outbox",
    ),
    topic="order.events",
    header="event_id",
)

SUITE = Suite(
    name=NAME,
    about="customers order products; stock and shipments follow by event",
    compose=COMPOSE,
    invariants=INVARIANTS,
    patterns=PATTERNS,
    default_matrix=tuple(
        (name, fault) for name, faults in DEFAULT_MATRIX.items() for fault in faults
    ),
    hops={pattern.name: hops(pattern) for pattern in PATTERNS},
    committed=StoreQuery(
        name="committed orders",
        node="order-db",
        database="orders",
        sql="SELECT order_id, version FROM orders",
    ),
    entry=(ENTRY, ENTRY_PORT),
    plan=plan,
    key_columns=frozenset({"order_id", "aggregateid"}),
    quiet={"outbox-polling": (_UNSENT,)},
    published={"outbox-cdc": (_CAPTURED,)},
    outboxes=(Outbox(node="order-db", table="outbox", sent="sent_at"),),
)
