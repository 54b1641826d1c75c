"""A system gives its nodes by name, by role and by profile."""

from pathlib import Path

import pytest

from harness.model.system import Link, Node, Role, System

SHOP = System(
    name="shop",
    path=Path("shop.yaml"),
    nodes=(
        Node(name="order-db", role=Role.POSTGRES),
        Node(name="kafka-1", role=Role.KAFKA),
        Node(name="relay", role=Role.SERVICE, profiles=("outbox-polling",)),
        Node(name="stock-db", role=Role.POSTGRES),
    ),
    extension={"topics": 1},
)


def test_a_node_is_found_by_its_name() -> None:
    """And only by its own."""
    assert SHOP.node("kafka-1").role is Role.KAFKA
    with pytest.raises(KeyError, match="kafka-2"):
        SHOP.node("kafka-2")


def test_nodes_of_a_role_come_in_file_order() -> None:
    """The order is part of what makes a seeded run repeatable."""
    assert [node.name for node in SHOP.with_role(Role.POSTGRES)] == ["order-db", "stock-db"]


def test_a_profile_starts_what_names_it_and_what_names_none() -> None:
    """As Compose does."""
    polling = SHOP.under_profile("outbox-polling")
    assert [node.name for node in polling.nodes] == [node.name for node in SHOP.nodes]
    plain = SHOP.under_profile("dual-write")
    assert [node.name for node in plain.nodes] == ["order-db", "kafka-1", "stock-db"]
    assert (plain.name, plain.path, plain.extension) == (SHOP.name, SHOP.path, SHOP.extension)


def test_a_link_shows_who_dials_whom() -> None:
    """One direction, as in the report."""
    assert str(Link(client="order", server="kafka-1")) == "order→kafka-1"
