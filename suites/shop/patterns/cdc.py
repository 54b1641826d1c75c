"""The transactional outbox, read from the write-ahead log by Debezium."""

from dataclasses import replace

from harness.model.scenario import Pattern
from harness.model.store_query import Published, StoreQuery

from .shared import (
    CONNECTORS,
    EVERYWHERE,
    FLUSH,
    MARK,
    OUTBOX,
    WITH_OUTBOX,
    WRITER_AND_CONSUMER,
)

OUTBOX_CDC = Pattern(
    name="outbox-cdc",
    promises="every committed order is published at least once, in order, by Debezium",
    writer="order",
    publisher="connect",
    environment={"PATTERN": "outbox-cdc", "CONNECTOR": "order-outbox"},
    connectors=(CONNECTORS / "order-outbox.json",),
    points={
        **WRITER_AND_CONSUMER,
        MARK: "kill:connect:after:connect/kafka-1/produce(order.events)",
        FLUSH: "kill:connect:before:connect/order-db/flush",
    },
    faults=(*EVERYWHERE, "connector-restart"),
    hops=WITH_OUTBOX,
    # Nothing marks a row: that it was captured only the topic tells.
    outboxes=(replace(OUTBOX, sent=None),),
    published=(
        Published(
            events=StoreQuery(
                name="captured outbox rows",
                node="order-db",
                database="orders",
                sql="SELECT id FROM outbox",
            ),
            topic="order.events",
            header="event_id",
        ),
    ),
    invariants=("events",),
)
