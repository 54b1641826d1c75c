"""Names and addresses, as the text of a file."""

from pathlib import Path

from harness.environments.hosts import hosts
from harness.model.system import Node, Role, System

SHOP = System(
    name="shop",
    path=Path("shop.yaml"),
    nodes=(Node(name="order", role=Role.SERVICE), Node(name="order-db", role=Role.POSTGRES)),
)


def test_without_taps_every_name_is_the_nodes_own_address() -> None:
    """And the harness has a name too."""
    assert hosts(SHOP, {}) == (
        "127.0.0.1 localhost\n198.18.0.1 aftershock\n198.18.0.10 order\n198.18.0.11 order-db\n"
    )


def test_a_peer_with_a_tap_is_where_the_tap_listens() -> None:
    """Others, such as the node itself, stay where they are."""
    assert hosts(SHOP, {"order-db": "198.19.10.11"}).splitlines()[2:] == [
        "198.18.0.10 order",
        "198.19.10.11 order-db",
    ]
