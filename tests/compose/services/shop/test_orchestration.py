"""The orchestrator's table: every way that a saga can take, spelt out."""

import pytest

from compose.services.shop.orchestration import LIMITED, MOVES, State
from compose.services.shop.saga_reactions import REACTIONS

FORWARD = ["order-placed", "stock-done", "payment-done", "shipment-done", "order-completed"]
BACK = ["shipment-undone", "payment-undone", "stock-undone", "order-rejected"]
UNDOING = ["undo-shipment", "undo-payment", "undo-stock", "end-order", "order-rejected"]


def told(messages: list[str]) -> tuple[str, list[str]]:
    """The state that messages lead to, and all that was commanded on the way."""
    state = State.NEW
    commands: list[str] = []
    for message in messages:
        move = MOVES.get((state, message))
        if move is not None:
            state = move.to
            commands += move.commands
    return state.value, commands


def test_a_saga_goes_forward_step_by_step() -> None:
    """And tells the end when the order has it."""
    assert told(FORWARD) == (
        "completed",
        ["do-stock", "do-payment", "do-shipment", "complete-order", "order-completed"],
    )


@pytest.mark.parametrize(
    ("refused", "done", "undone"),
    [("stock-refused", 1, 3), ("payment-refused", 2, 2), ("shipment-refused", 3, 1)],
)
def test_a_refused_step_takes_back_those_before_it(refused: str, done: int, undone: int) -> None:
    """Last first; the refused one left nothing."""
    state, commands = told([*FORWARD[:done], refused, *BACK[undone:]])
    assert (state, commands[done:]) == ("rejected", UNDOING[undone:])


@pytest.mark.parametrize("why", ["timed-out", "order-failing"])
@pytest.mark.parametrize(("done", "undone"), [(1, 2), (2, 1), (3, 0)])
def test_a_saga_given_up_takes_back_the_step_under_way_too(
    why: str, done: int, undone: int
) -> None:
    """It may have been done: who did not do it yet puts up a fence."""
    state, commands = told([*FORWARD[:done], why, *BACK[undone:]])
    assert (state, commands[done:]) == ("rejected", UNDOING[undone:])


def test_a_late_reply_moves_nothing() -> None:
    """The step that it tells of is being undone already."""
    late = [*FORWARD[:2], "timed-out", "payment-done", "payment-refused", *BACK[1:]]
    assert told(late) == told([*FORWARD[:2], "timed-out", *BACK[1:]])


def test_a_cancellation_that_the_order_had_first_turns_the_last_saga_round() -> None:
    """Then the order did not become completed, and says at the end what it became."""
    state, commands = told([*FORWARD[:4], "order-failing", *BACK[:3], "order-cancelled"])
    assert (state, commands[4:]) == ("cancelled", [*UNDOING[:4], "order-cancelled"])


def test_what_is_said_again_moves_nothing() -> None:
    """Every message twice is every message once."""
    assert told([m for m in FORWARD for _ in range(2)]) == told(FORWARD)


def test_every_saga_can_end_and_what_has_ended_stays() -> None:
    """From each state an end can be reached, and nothing leads out of one."""
    ends = {State.COMPLETED, State.REJECTED, State.CANCELLED}
    assert not {state for state, _ in MOVES} & ends
    ending = set(ends)
    for _ in State:
        ending |= {state for (state, _), move in MOVES.items() if move.to in ending}
    assert ending == set(State)


def test_only_what_waits_for_a_step_is_limited_in_time() -> None:
    """Going back is never given up."""
    assert set(LIMITED) == {"reserving", "paying", "arranging"}


def test_every_command_is_somebodys() -> None:
    """And only one service's, the end apart, which is told to whoever wants to know."""
    commands = {command for move in MOVES.values() for command in move.commands}
    heard = [m for reactions in REACTIONS["saga-orchestration"].values() for m in reactions]
    assert commands == set(heard)
    assert sorted(m for m in set(heard) if heard.count(m) > 1) == ["order-completed"]
