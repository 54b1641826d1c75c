"""The transactional outbox with a relay that polls, and with two that share the work."""

from harness.model.scenario import Pattern

from .shared import EVERYWHERE, MARK, OUTBOX, UNSENT, WITH_OUTBOX, WRITER_AND_CONSUMER

OUTBOX_POLLING = Pattern(
    name="outbox-polling",
    promises="every committed order is published at least once, in order, by the relay",
    writer="order",
    publisher="relay",
    environment={"PATTERN": "outbox-polling"},
    points={**WRITER_AND_CONSUMER, MARK: "kill:relay:after:relay/kafka-1/produce(order.events)"},
    faults=EVERYWHERE,
    hops=WITH_OUTBOX,
    outboxes=(OUTBOX,),
    quiet=(UNSENT,),
    invariants=("events",),
)

OUTBOX_POLLING_TWO_RELAYS = Pattern(
    name="outbox-polling-two-relays",
    promises="every committed order is published at least once, in order, by whichever relay",
    writer="order",
    publisher="relay-1",
    environment={"PATTERN": "outbox-polling-two-relays"},
    points={
        **WRITER_AND_CONSUMER,
        MARK: "kill:relay-1:after:relay-1/kafka-1/produce(order.events)",
    },
    faults=("pause:relay-1:after:relay-1/kafka-1/produce(order.events)",),
    hops=WITH_OUTBOX,
    outboxes=(OUTBOX,),
    quiet=(UNSENT,),
    invariants=("events",),
)
