"""Two ways of publishing without an outbox, and so two controls: see `order.py` of the services."""

from harness.model.scenario import Pattern

from .shared import BEFORE, BETWEEN, WITHOUT_OUTBOX, WRITER_AND_CONSUMER

DUAL_WRITE = Pattern(
    name="dual-write",
    promises="nothing: commits the order, then publishes; what happens in between is lost",
    writer="order",
    publisher="order",
    environment={"PATTERN": "dual-write"},
    controls={BETWEEN: "no-event-lost"},
    points=WRITER_AND_CONSUMER,
    faults=("none", BETWEEN),
    hops=WITHOUT_OUTBOX,
    invariants=("events",),
)

EVENT_DRIVEN = Pattern(
    name="event-driven",
    promises="nothing: publishes, then commits the order; what happens in between was made up",
    writer="order",
    publisher="order",
    environment={"PATTERN": "event-driven"},
    controls={BEFORE: "no-phantom-event"},
    points=WRITER_AND_CONSUMER,
    faults=("none", BEFORE),
    hops=WITHOUT_OUTBOX,
    invariants=("events",),
)
