"""The transactional outbox with a relay that polls."""

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
    invariants=("events", "outbox"),
)
