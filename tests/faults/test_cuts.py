"""Cuts as evidence, from literal values."""

import json

import pytest

from faults import cuts
from faults.point import Point
from harness.model.address import Address
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import Outcome
from tests.faults.conftest import COMMIT, effect_of

POINT = Point.parse("kill:order:after:order/order-db/commit(orders,*)")
REACHED = Reached(
    effect=effect_of(COMMIT),
    address=Address.parse(COMMIT),
    when=When.AFTER,
    outcome=Outcome.ACKNOWLEDGED,
)


def test_what_was_not_reached_has_no_exact_effect() -> None:
    """What was asked for is known all the same."""
    assert cuts.intended(POINT, None) == {
        "address": None,
        "asked": "order/order-db/commit(orders,*)",
        "when": "after",
        "node": "order",
        "effect": None,
    }
    assert cuts.achieved(None, None) is None


def test_nothing_is_achieved_before_the_store_was_asked() -> None:
    """A point that was reached and not proved has an intended cut only."""
    assert cuts.achieved(REACHED, None) is None


@pytest.mark.parametrize("done, when", [(True, "after"), (False, "before"), (None, None)])
def test_the_side_is_what_the_store_says(done: bool | None, when: str | None) -> None:
    """None where it could not say; both can be stored as JSON."""
    word = Achieved(done=done, says="so", measured={"rows": 1})
    told = cuts.achieved(REACHED, word)
    assert told == {
        "when": when,
        "done": done,
        "says": "so",
        "outcome": "acknowledged",
        "unanswered": [],
        "measured": {"rows": 1},
    }
    assert json.loads(json.dumps([told, cuts.intended(POINT, REACHED)]))[0] == told


@pytest.mark.parametrize(
    "when, outcome, done, says",
    [
        (When.AFTER, Outcome.ACKNOWLEDGED, True, None),
        (When.AFTER, Outcome.REQUESTED, True, None),
        (When.BEFORE, Outcome.REQUESTED, False, None),
        (When.AFTER, Outcome.ACKNOWLEDGED, None, None),
        (When.AFTER, Outcome.FAILED, None, None),
        (
            When.AFTER, Outcome.ACKNOWLEDGED, False,
            f"order was to be struck after {COMMIT}, and was struck before it: so",
        ),
        (
            When.AFTER, Outcome.FAILED, True,
            f"order was to be struck after {COMMIT}, which order-db answered with a failure: so",
        ),
        (
            When.BEFORE, Outcome.REQUESTED, True,
            f"order was to be struck before {COMMIT}, and was struck after it: so",
        ),
    ],
)  # fmt: skip
def test_a_misfire_is_told_with_both_cuts(
    when: When, outcome: Outcome, done: bool | None, says: str | None
) -> None:
    """And only a misfire is: what nobody knows is none."""
    reached = Reached(effect=REACHED.effect, address=REACHED.address, when=when, outcome=outcome)
    assert cuts.misfired("order", reached, Achieved(done=done, says="so")) == says
