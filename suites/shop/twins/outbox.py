"""Two relays that claim single rows of the outbox, where they should claim orders."""

from dataclasses import replace

from suites.shop.patterns.outbox import OUTBOX_POLLING_TWO_RELAYS
from suites.shop.workload import every_order_is_cancelled

SLOW = "hold=3:relay-1:before:relay-1/kafka-1/produce(order.events)/*#1"

ROWS_CLAIMED = replace(
    OUTBOX_POLLING_TWO_RELAYS,
    promises="nothing: SKIP LOCKED passes over an order's claimed event and takes the next one",
    environment={**OUTBOX_POLLING_TWO_RELAYS.environment, "CLAIM": "rows"},
    controls={SLOW: "order-per-key"},
    faults=(SLOW,),
    plan=every_order_is_cancelled,
)
