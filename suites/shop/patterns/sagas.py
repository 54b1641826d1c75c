"""Sagas: an order is stock, payment and shipment in three services, all done or all undone."""

from collections.abc import Mapping, Sequence

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
_ENDED_LOG = StoreQuery(
    name="sagas that go on",
    node="saga-db",
    database="sagas",
    sql="SELECT count(*) FROM sagas WHERE state NOT IN ('completed', 'rejected', 'cancelled')",
)


def _outboxes(databases: Mapping[str, str]) -> tuple[Outbox, ...]:
    return tuple(Outbox(node=node, table="outbox", sent="sent_at") for node in databases)


def _hops(
    databases: Mapping[str, str], topics: Sequence[str], log: Sequence[Hop] = ()
) -> list[Hop]:
    return [
        REQUEST,
        ORDER,
        *log,
        *(_outbox_row(node) for node in databases),
        *(_records(topic) for topic in topics),
        STOCK,
        MONEY,
        SHIPMENT,
        REVIEW,
        PUSH,
    ]


SAGA_CHOREOGRAPHY = Pattern(
    name=CHOREOGRAPHY,
    promises="every order ends, with all of its steps done or each of those that were done undone"
    " once; services react to one another",
    writer="order",
    publisher="order",
    environment={"PATTERN": CHOREOGRAPHY},
    points={
        BETWEEN: "kill:order:after:order/order-db/commit(orders,outbox,*)",
        BEFORE: "kill:order:before:order/order-db/commit(orders,outbox,*)",
        MARK: "kill:inventory:after:inventory/kafka-1/produce(saga.events)",
        APPLIED: "kill:payment:after:payment/payment-db/commit(payment_movements,*)",
    },
    faults=(APPLIED,),
    hops=_hops(_DATABASES, ["saga.events"]),
    outboxes=_outboxes(_DATABASES),
    quiet=(_OPEN, *(_unsent(node, database) for node, database in _DATABASES.items())),
    invariants=("sagas",),
    plan=saga_plan,
)

_WITH_LOG = {**_DATABASES, "saga-db": "sagas"}
_LOG = Hop(
    name="saga",
    node="saga-db",
    query="""SELECT * FROM "db.saga-db.saga_history" WHERE order_id = $key ORDER BY applied_at""",
    says="the orchestrator brought its saga on",
)

SAGA_ORCHESTRATION = Pattern(
    name=ORCHESTRATION,
    promises="every order ends, with all of its steps done or each of those that were done undone"
    " once; an orchestrator with a log commands",
    writer="orchestrator",
    publisher="orchestrator",
    environment={"PATTERN": ORCHESTRATION},
    points={
        BETWEEN: "kill:orchestrator:after:orchestrator/saga-db/commit(sagas,outbox,*)",
        BEFORE: "kill:orchestrator:before:orchestrator/saga-db/commit(sagas,outbox,*)",
        MARK: "kill:orchestrator:after:orchestrator/kafka-1/produce(saga.commands)",
        APPLIED: "kill:payment:after:payment/payment-db/commit(payment_movements,*)",
    },
    faults=(BETWEEN,),
    hops=_hops(_WITH_LOG, ["saga.replies", "saga.commands"], [_LOG]),
    outboxes=_outboxes(_WITH_LOG),
    quiet=(_OPEN, _ENDED_LOG, *(_unsent(node, database) for node, database in _WITH_LOG.items())),
    invariants=("sagas",),
    plan=saga_plan,
)
