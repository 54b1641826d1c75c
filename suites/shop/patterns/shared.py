"""What the shop's patterns share: points, the way of an order, the outbox."""

from collections.abc import Mapping
from pathlib import Path

from harness.model.outbox import Outbox
from harness.model.scenario import Hop
from harness.model.store_query import StoreQuery
from harness.model.topic import Topic

COMPOSE_DIR = Path(__file__).resolve().parents[3] / "compose"
CONNECTORS = COMPOSE_DIR / "connectors"

BETWEEN, BEFORE = "kill-between-commit-and-publish", "kill-before-commit"
MARK, APPLIED = "kill-between-publish-and-mark", "kill-between-effect-and-offset-commit"
FLUSH = "kill-connect-before-offset-flush"

EVERYWHERE = ("none", BETWEEN, "broker-partition")
"""What every pattern with events is run under when nothing else is asked for."""

WRITER_AND_CONSUMER: Mapping[str, str] = {
    BETWEEN: "kill:order:after:order/order-db/commit(orders,*)",
    BEFORE: "kill:order:before:order/order-db/commit(orders,*)",
    APPLIED: "kill:inventory:after:inventory/inventory-db/commit(stock_movements,*)",
}
"""Points of every pattern in which an order is kept by *order* and consumed from a topic."""

REQUEST = Hop(
    name="request",
    node="order",
    query="""SELECT * FROM "ops" WHERE key = $key ORDER BY index""",
    says="a customer asked for it",
)
ORDER = Hop(
    name="order",
    node="order-db",
    query="""SELECT * FROM "db.order-db.orders" WHERE order_id = $key""",
    says="the order was committed",
)
OUTBOX_ROW = Hop(
    name="outbox",
    node="order-db",
    query="""SELECT * FROM "db.order-db.outbox" WHERE aggregateid = $key ORDER BY seq""",
    says="its event was committed with it",
)
RECORD = Hop(
    name="record",
    node="kafka-1",
    query="""SELECT * FROM "kafka.order.events" WHERE key = $key ORDER BY partition, "offset" """,
    says="its event was published",
)


def _applied(name: str, node: str, table: str, says: str) -> Hop:
    return Hop(
        name=name,
        node=node,
        query=f'SELECT * FROM "db.{node}.{table}" WHERE order_id = $key ORDER BY applied_at',  # noqa: S608 - the suite's own names
        says=says,
    )


STOCK = _applied("stock-movement", "inventory-db", "stock_movements", "the stock was changed")
MONEY = _applied("payment-movement", "payment-db", "payment_movements", "money was moved")
SHIPMENT = _applied(
    "shipment-change", "shipping-db", "shipment_changes", "the shipment was changed"
)
REVIEW = _applied(
    "review-change", "review-db", "review_changes", "the request for a review was changed"
)
PUSH = _applied("push", "notification-db", "pushes", "the customer was notified")
EFFECTS = (STOCK, MONEY, SHIPMENT, REVIEW, PUSH)

WITHOUT_OUTBOX = (REQUEST, ORDER, RECORD, *EFFECTS)
"""The outbox table is there, empty, where events are published without it: a hop that no order
takes must not look like the one where its way broke."""
WITH_OUTBOX = (REQUEST, ORDER, OUTBOX_ROW, RECORD, *EFFECTS)

OUTBOX = Outbox(
    node="order-db",
    table="outbox",
    sent="sent_at",
    id="id",
    key="aggregateid",
    topics=(Topic(name="order.events", field="event_id"),),
)
"""What else is declared of it would ask for guarantees that the shop has of its own."""

UNSENT = StoreQuery(
    name="unsent outbox rows",
    node="order-db",
    database="orders",
    sql="SELECT count(*) FROM outbox WHERE sent_at IS NULL",
)
