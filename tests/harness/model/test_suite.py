"""A suite gives its patterns by name."""

from pathlib import Path

import pytest

from harness.model.scenario import Pattern
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

SUITE = Suite(
    name="shop",
    about="a shop",
    compose=Path("shop.yaml"),
    invariants=Path("invariants"),
    patterns=(
        Pattern(name="dual-write", promises="nothing", writer="order", publisher="order"),
        Pattern(name="outbox", promises="at least once", writer="order", publisher="relay"),
    ),
    committed=StoreQuery(name="committed", node="db", database="orders", sql="SELECT 1"),
    entry=("order", 8080),
    plan=lambda _random: (),
)


def test_a_pattern_is_found_by_its_name() -> None:
    """And an unknown one is an error, not a default."""
    assert SUITE.pattern("outbox").publisher == "relay"
    with pytest.raises(KeyError, match="saga"):
        SUITE.pattern("saga")
