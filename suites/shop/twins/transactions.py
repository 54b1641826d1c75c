"""Exactly once, but for one thing: the router's offsets, or what its consumers read."""

from dataclasses import replace

from suites.shop.patterns.transactions import AFTER_END, BEFORE_END, KAFKA_TRANSACTIONS

OFFSETS_OUTSIDE = replace(
    KAFKA_TRANSACTIONS,
    promises="nothing: the router commits its offsets after the transaction; in between it repeats",
    environment={**KAFKA_TRANSACTIONS.environment, "OFFSETS_IN_TRANSACTION": "no"},
    controls={AFTER_END: "routed-exactly-once"},
    faults=(AFTER_END,),
)

READ_UNCOMMITTED = replace(
    KAFKA_TRANSACTIONS,
    promises="nothing: consumers read uncommitted, and act on what is aborted",
    environment={**KAFKA_TRANSACTIONS.environment, "ISOLATION": "read_uncommitted"},
    controls={BEFORE_END: "no-effect-of-the-aborted"},
    faults=(BEFORE_END,),
)
