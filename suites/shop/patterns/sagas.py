"""Sagas: an order is stock, payment and shipment in three services, all done or all undone."""

from harness.model.outbox import Outbox
from harness.model.scenario import Hop, Pattern
from harness.model.store_query import StoreQuery

from ..saga_workload import saga_plan  # noqa: TID252 - a suite's package has no fixed name
from .shared import (
    APPLIED,
    BEFORE,
    BETWEEN,
    MARK,
    MONEY,
    ORDER,
    PUSH,
    REQUEST,
    REVIEW,
    SHIPMENT,
    STOCK,
)

CHOREOGRAPHY, ORCHESTRATION = "saga-choreography", "saga-orchestration"

_DATABASES = {
    "order-db": "orders",
    "inventory-db": "inventory",
    "payment-db": "payment",
    "shipping-db": "shipping",
}


def _outbox_row(node: str) -> Hop:
    return Hop(
        name=f"outbox-{node.removesuffix('-db')}",
        node=node,
        query=f'SELECT * FROM "db.{node}.outbox" WHERE aggregateid = $key ORDER BY seq',  # noqa: S608 - the suite's own names
        says="its message was committed",
    )


def _records(topic: str) -> Hop:
    return Hop(
        name=f"records-{topic}",
        node="kafka-1",
        query=f'SELECT * FROM "kafka.{topic}" WHERE key = $key ORDER BY partition, "offset"',  # noqa: S608 - the suite's own names
        says="its messages were published",
    )


def _unsent(node: str, database: str) -> StoreQuery:
    return StoreQuery(
        name=f"unsent outbox rows in {node}",
        node=node,
        database=database,
        sql="SELECT count(*) FROM outbox WHERE sent_at IS NULL",
    )


_OPEN = StoreQuery(
    name="orders whose saga goes on",
    node="order-db",
    database="orders",
    sql="SELECT count(*) FROM orders WHERE status NOT IN ('completed', 'rejected', 'cancelled')",
)

SAGA_CHOREOGRAPHY = Pattern(
    name=CHOREOGRAPHY,
    promises="every order ends, all of its steps done or each of those done undone once;"
    " services react to one another",
    writer="order",
    publisher="order",
    environment={"PATTERN": CHOREOGRAPHY},
    points={
        BETWEEN: "kill:order:after:order/order-db/commit(orders,*)",
        BEFORE: "kill:order:before:order/order-db/commit(orders,*)",
        MARK: "kill:inventory:after:inventory/kafka-1/produce(saga.events)",
        APPLIED: "kill:payment:after:payment/payment-db/commit(payment_movements,*)",
    },
    faults=("none", APPLIED),
    hops=(
        REQUEST,
        ORDER,
        *(_outbox_row(node) for node in _DATABASES),
        _records("saga.events"),
        STOCK,
        MONEY,
        SHIPMENT,
        REVIEW,
        PUSH,
    ),
    outboxes=tuple(Outbox(node=node, table="outbox", sent="sent_at") for node in _DATABASES),
    quiet=(_OPEN, *(_unsent(node, database) for node, database in _DATABASES.items())),
    invariants=("sagas",),
    plan=saga_plan,
)
