"""Where taps stand, told from the definition of a system alone."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from harness.environments.network import address_of
from harness.environments.tap_links import (
    check_size,
    direct_links,
    tap_address,
    tap_addresses,
    tap_links,
)
from harness.errors import DeclarationError
from harness.model.system import Node, Role, System
from harness.protocols import TapLink


def system(*nodes: Node) -> System:
    """These nodes."""
    return System(name="test", path=Path("test.yaml"), nodes=nodes)


ORDER = Node(name="order", role=Role.SERVICE, labels={"aftershock.ready": "8080/health"})
RELAY = Node(name="relay", role=Role.SERVICE)
DB = Node(name="db", role=Role.POSTGRES)
KAFKA = Node(name="kafka-1", role=Role.KAFKA)
OTHER_KAFKA = Node(name="kafka-2", role=Role.KAFKA)


def test_every_pair_has_an_address_of_its_own() -> None:
    """In the half of the benchmarks' range that has no nodes in it."""
    most = range(246)
    clients = (None, *most)
    found = {tap_address(client, server) for client in clients for server in most}
    taps = ip_network("198.19.0.0/16")

    assert len(found) == len(clients) * len(most)
    assert all(ip_address(address) in taps for address in found)
    assert not any(ip_address(address_of(index)) in taps for index in most)
    assert (tap_address(0, 1), tap_address(None, 245)) == ("198.19.10.11", "198.19.1.255")


def test_more_nodes_than_addresses_are_refused() -> None:
    """With the numbers."""
    nodes = [Node(name=f"n{number}", role=Role.SERVICE) for number in range(247)]
    check_size(system(*nodes[:246]))
    with pytest.raises(DeclarationError, match=r"test\.yaml: 247 services; .* for 246$"):
        check_size(system(*nodes))


def test_a_tap_stands_on_every_link_to_a_server() -> None:
    """With what it has to know; nobody is a client of himself."""
    links = {(link.client, link.server): link for link in tap_links(system(ORDER, DB))}

    assert set(links) == {("order", "db"), ("db", "order"), (None, "order"), (None, "db")}
    assert links["order", "db"] == TapLink(
        client="order",
        server="db",
        listen="198.19.10.11",
        address="198.18.0.11",
        ports=(5432,),
        protocol="postgres",
    )
    assert (links[None, "order"].listen, links[None, "order"].ports) == ("198.19.1.10", (8080,))


@pytest.mark.parametrize(
    ("role", "protocol"),
    [
        (Role.POSTGRES, "postgres"),
        (Role.KAFKA, "kafka"),
        (Role.KAFKA_CONNECT, "http"),
        (Role.SERVICE, "http"),
        (Role.TOXIPROXY, "opaque"),
    ],
)
def test_the_role_of_a_server_says_what_it_speaks(role: Role, protocol: str) -> None:
    """What no parser reads is opaque."""
    (link,) = tap_links(system(Node(name="server", role=role, expose=(1,))))

    assert (link.client, link.protocol) == (None, protocol)


def test_a_server_without_a_known_port_has_no_tap() -> None:
    """There is no port to listen on."""
    assert {link.server for link in tap_links(system(ORDER, RELAY))} == {"order"}


def test_brokers_reach_one_another_directly() -> None:
    """They are told with the reason; everybody else's links to them are tapped."""
    told = system(KAFKA, ORDER, OTHER_KAFKA)
    why = "brokers replicate and vote among themselves"

    assert direct_links(told) == (("kafka-1", "kafka-2", why), ("kafka-2", "kafka-1", why))
    tapped = {("order", "kafka-1"), ("order", "kafka-2"), ("kafka-1", "order"),
              ("kafka-2", "order")}  # fmt: skip
    assert set(tap_addresses(told)) == tapped
    assert {(link.client, link.server) for link in tap_links(told) if link.client} == tapped
