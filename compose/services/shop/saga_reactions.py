"""Who does what when it hears what: the two patterns as one table each.

Choreography: services react to one another, and nobody has the whole in hand. The order service
only begins, and gives up (a step was refused, the customer cancelled, time is over); then each
undoes its own, and the order ends when all have said so.
Orchestration: everybody does what the orchestrator commands; what it commands when is another
table, in `orchestration`.
"""

from collections.abc import Mapping
from enum import StrEnum

from .settings import CHOREOGRAPHY, ORCHESTRATION


class Act(StrEnum):
    """What a service can be moved to do."""

    DO = "do the step"
    UNDO = "undo the step"
    COMPLETE = "complete the order"
    FAIL = "give the order up"
    SETTLE = "note that a step is undone; end the order when all are"
    END = "end the order that failed"
    ASK = "ask for a review"
    PUSH = "tell the customer"


Reactions = Mapping[str, Mapping[str, Act]]
"""Service → message → act. What is not listed is none of the service's business."""

_AT_THE_END: Reactions = {
    "review": {"order-completed": Act.ASK},
    "notification": {
        "order-completed": Act.PUSH,
        "order-rejected": Act.PUSH,
        "order-cancelled": Act.PUSH,
    },
}

REACTIONS: Mapping[str, Reactions] = {
    CHOREOGRAPHY: {
        "inventory": {"order-placed": Act.DO, "order-failing": Act.UNDO},
        "payment": {"stock-done": Act.DO, "order-failing": Act.UNDO},
        "shipping": {"payment-done": Act.DO, "order-failing": Act.UNDO},
        "order": {
            "shipment-done": Act.COMPLETE,
            "stock-refused": Act.FAIL,
            "payment-refused": Act.FAIL,
            "shipment-refused": Act.FAIL,
            "stock-undone": Act.SETTLE,
            "payment-undone": Act.SETTLE,
            "shipment-undone": Act.SETTLE,
        },
        **_AT_THE_END,
    },
    ORCHESTRATION: {
        "inventory": {"do-stock": Act.DO, "undo-stock": Act.UNDO},
        "payment": {"do-payment": Act.DO, "undo-payment": Act.UNDO},
        "shipping": {"do-shipment": Act.DO, "undo-shipment": Act.UNDO},
        "order": {"complete-order": Act.COMPLETE, "end-order": Act.END},
        **_AT_THE_END,
    },
}
