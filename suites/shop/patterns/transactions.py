"""Exactly once from topic to topic: consume, transform and produce in one Kafka transaction."""

from harness.model.scenario import Hop, Pattern

from .shared import (
    EFFECTS,
    MARK,
    ORDER,
    OUTBOX,
    OUTBOX_ROW,
    RECORD,
    REQUEST,
    UNSENT,
    WRITER_AND_CONSUMER,
)

BEFORE_END, AFTER_END = (
    f"kill:router:{when}:router/kafka-1/end-txn(commit)" for when in ("before", "after")
)

ROUTED = Hop(
    name="routed-record",
    node="kafka-1",
    query="""SELECT * FROM "kafka.order.routed" WHERE key = $key ORDER BY partition, "offset" """,
    says="it was routed to a warehouse",
)

KAFKA_TRANSACTIONS = Pattern(
    name="kafka-transactions",
    promises="every published event is routed exactly once, whatever befalls the router",
    writer="order",
    publisher="relay",
    environment={"PATTERN": "kafka-transactions", "TOPIC": "order.routed"},
    points={**WRITER_AND_CONSUMER, MARK: "kill:relay:after:relay/kafka-1/produce(order.events)"},
    faults=("none", BEFORE_END),
    hops=(REQUEST, ORDER, OUTBOX_ROW, RECORD, ROUTED, *EFFECTS),
    outboxes=(OUTBOX,),
    quiet=(UNSENT,),
    invariants=(
        "transactions",
        *(
            f"events/{name}"
            for name in (
                "acknowledged-means-durable",
                "databases-converge",
                "effect-exactly-once",
                "no-event-lost",
                "no-phantom-event",
                "order-per-key",
                "payload-intact",
                "terminal-is-final",
            )
        ),
    ),
)
