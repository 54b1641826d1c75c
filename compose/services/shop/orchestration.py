"""What the orchestrator does: one table, from a saga's state and a message to the next state and the
commands that go out.

A saga goes forward step by step; given up, it goes back the way it came. It goes back only over
what was begun: what is asked to be undone was commanded before, and commands arrive in order.
Telling the order that it is completed comes last: from then on only the customer's cancellation,
where the order had it first, turns the saga round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

TIMED_OUT = "timed-out"
"""No message from outside: the orchestrator says it to itself."""


class State(StrEnum):
    """Where a saga is: what it waits for, or how it ended."""

    NEW = "new"
    RESERVING = "reserving"
    PAYING = "paying"
    ARRANGING = "arranging"
    COMPLETING = "completing"
    CALLING_OFF = "calling-off"
    REFUNDING = "refunding"
    RELEASING = "releasing"
    ENDING = "ending"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Move:
    """The next state, and what is commanded with it."""

    to: State
    commands: tuple[str, ...]


MOVES: Mapping[tuple[State, str], Move] = {
    (State.NEW, "order-placed"): Move(State.RESERVING, ("do-stock",)),
    (State.RESERVING, "stock-done"): Move(State.PAYING, ("do-payment",)),
    (State.PAYING, "payment-done"): Move(State.ARRANGING, ("do-shipment",)),
    (State.ARRANGING, "shipment-done"): Move(State.COMPLETING, ("complete-order",)),
    (State.COMPLETING, "order-completed"): Move(State.COMPLETED, ("order-completed",)),
    # A step is refused.
    (State.RESERVING, "stock-refused"): Move(State.ENDING, ("end-order",)),
    (State.PAYING, "payment-refused"): Move(State.RELEASING, ("undo-stock",)),
    (State.ARRANGING, "shipment-refused"): Move(State.REFUNDING, ("undo-payment",)),
    # The customer cancelled.
    (State.RESERVING, "order-failing"): Move(State.RELEASING, ("undo-stock",)),
    (State.PAYING, "order-failing"): Move(State.REFUNDING, ("undo-payment",)),
    (State.ARRANGING, "order-failing"): Move(State.CALLING_OFF, ("undo-shipment",)),
    (State.COMPLETING, "order-failing"): Move(State.CALLING_OFF, ("undo-shipment",)),
    # It takes too long.
    (State.RESERVING, TIMED_OUT): Move(State.RELEASING, ("undo-stock",)),
    (State.PAYING, TIMED_OUT): Move(State.REFUNDING, ("undo-payment",)),
    (State.ARRANGING, TIMED_OUT): Move(State.CALLING_OFF, ("undo-shipment",)),
    # Back.
    (State.CALLING_OFF, "shipment-undone"): Move(State.REFUNDING, ("undo-payment",)),
    (State.REFUNDING, "payment-undone"): Move(State.RELEASING, ("undo-stock",)),
    (State.RELEASING, "stock-undone"): Move(State.ENDING, ("end-order",)),
    (State.ENDING, "order-rejected"): Move(State.REJECTED, ("order-rejected",)),
    (State.ENDING, "order-cancelled"): Move(State.CANCELLED, ("order-cancelled",)),
}
"""What is not listed moves nothing: a late reply of a step that is being undone, say."""

LIMITED = tuple(sorted(state for state, message in MOVES if message == TIMED_OUT))
"""States in which a saga may not be for ever."""
