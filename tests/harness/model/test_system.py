"""A system gives its nodes by name, by role and by profile."""

from pathlib import Path

import pytest

from harness.model.system import Link, Node, Port, Role, System, served_ports

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


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Node(name="db", role=Role.POSTGRES), (5432,)),
        (Node(name="db", role=Role.POSTGRES, ports=(Port(container=5432, host=1),)), (5432,)),
        (Node(name="connect", role=Role.KAFKA_CONNECT, expose=(9404,)), (8083, 9404)),
        (Node(name="silent", role=Role.SERVICE), ()),
        (
            Node(
                name="order",
                role=Role.SERVICE,
                labels={"aftershock.ready": "8080/health"},
                ports=(Port(container=8081), Port(container=8080)),
                expose=(80, 8081),
            ),
            (80, 8080, 8081),
        ),
        (Node(name="a", role=Role.SERVICE, labels={"aftershock.ready": ":81/up"}), (81,)),
        (Node(name="a", role=Role.SERVICE, labels={"aftershock.ready": "/up"}), ()),
    ],
)
def test_ports_of_a_node_come_from_all_that_is_said_of_them(
    node: Node, expected: tuple[int, ...]
) -> None:
    """Sorted, each once."""
    assert served_ports(node) == expected


@pytest.mark.parametrize(
    ("listeners", "controllers", "expected"),
    [
        ("PLAINTEXT://:9092,CONTROLLER://:9093", "CONTROLLER", (9092,)),
        ("PLAINTEXT://0.0.0.0:19092, INTERNAL://kafka-1:29092", "", (9092, 19092, 29092)),
        ("A://[::]:1,B://[::]:2,C://[::]:3", "A, C", (2, 9092)),
        ("nonsense,PLAINTEXT://kafka-1", "", (9092,)),
    ],
)
def test_a_brokers_listeners_are_ports_but_its_controllers_are_not(
    listeners: str, controllers: str, expected: tuple[int, ...]
) -> None:
    """Brokers vote among themselves."""
    said = {"KAFKA_LISTENERS": listeners, "KAFKA_CONTROLLER_LISTENER_NAMES": controllers}
    assert served_ports(Node(name="kafka-1", role=Role.KAFKA, environment=said)) == expected
