"""A suite gives its patterns by name."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from harness.model.request import Request
from harness.model.scenario import ANY_FAULT, Pattern
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

OURS = StoreQuery(name="committed", node="db", database="orders", sql="SELECT 1")
THEIRS = StoreQuery(name="committed rows", node="db", database="orders", sql="SELECT 2")


def our_plan(_chance: Random) -> tuple[Request, ...]:
    """Nobody comes."""
    return ()


def their_plan(_chance: Random) -> tuple[Request, ...]:
    """Nobody else does."""
    return ()


SUITE = Suite(
    name="shop",
    about="a shop",
    compose=Path("shop.yaml"),
    invariants=Path("invariants"),
    patterns=(
        Pattern(
            name="dual-write",
            promises="nothing",
            writer="order",
            publisher="order",
            faults=("none", "kill"),
        ),
        Pattern(
            name="outbox",
            promises="at least once",
            writer="order",
            publisher="relay",
            plan=their_plan,
            committed=THEIRS,
        ),
    ),
    committed=OURS,
    entry=("order", 8080),
    plan=our_plan,
)


def test_a_pattern_is_found_by_its_name() -> None:
    """And an unknown one is an error, not a default."""
    assert SUITE.pattern("outbox").publisher == "relay"
    with pytest.raises(KeyError, match="saga"):
        SUITE.pattern("saga")


def test_the_default_matrix_is_what_each_pattern_asks_for() -> None:
    """In the order of the patterns; one that says nothing is run undisturbed."""
    assert SUITE.default_matrix == (
        ("dual-write", "none"),
        ("dual-write", "kill"),
        ("outbox", "none"),
    )


def test_what_a_pattern_says_of_its_own_goes_before_what_the_suite_says() -> None:
    """Its workload, and what counts as committed."""
    plain, own = SUITE.patterns
    assert SUITE.committed_under(plain) is OURS
    assert SUITE.committed_under(own) is THEIRS
    assert SUITE.plan_under(plain) is our_plan
    assert SUITE.plan_under(own) is their_plan


def test_a_pattern_may_be_a_control_under_one_fault_or_under_any() -> None:
    """What is named for a fault comes before what is named for any."""
    plain = replace(SUITE.pattern("outbox"), controls={"kill": "no-event-lost"})
    assert [plain.control_under(fault) for fault in ("kill", "none")] == ["no-event-lost", None]
    always = replace(plain, controls={"kill": "order-per-key", ANY_FAULT: "no-event-lost"})
    assert [always.control_under(fault) for fault in ("kill", "none")] == [
        "order-per-key",
        "no-event-lost",
    ]
