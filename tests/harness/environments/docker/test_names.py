"""Names, labels and addresses of a run in containers."""

from ipaddress import IPv4Network, ip_address
from pathlib import Path

import pytest

from harness.environments.docker import names
from harness.errors import EnvironmentFailed

PLACE = Path("/cache/runs/0a1b2c")


def test_everything_of_a_run_carries_its_id_and_its_place() -> None:
    """By which it is known again, and by nothing else."""
    labels = names.labels(PLACE, "order", names.NODE)

    assert labels.items() > names.run_labels(PLACE).items()
    assert names.run_labels(PLACE) == {
        "aftershock.run": "0a1b2c", "aftershock.place": "/cache/runs/0a1b2c"
    }  # fmt: skip
    assert (labels["aftershock.node"], labels["aftershock.kind"]) == ("order", "node")
    assert names.project("0a1b2c") == "aftershock-0a1b2c"


def test_a_run_takes_a_network_that_nobody_has() -> None:
    """The first part of the benchmarks' range, past what overlaps with any other."""
    free = names.free_subnets([])
    assert str(free[0]) == "198.18.0.0/23"
    assert all(net.subnet_of(IPv4Network("198.18.0.0/16")) for net in free)

    left = names.free_subnets(["198.18.0.0/24", "198.18.3.0/28", "172.17.0.0/16", "fd00::/8"])
    assert str(left[0]) == "198.18.4.0/23"


def test_where_all_is_taken_it_is_said() -> None:
    """With what helps."""
    with pytest.raises(EnvironmentFailed, match="aftershock clean"):
        names.free_subnets(["198.16.0.0/12"])


def test_addresses_are_each_somebodys() -> None:
    """Of nodes and of the workload's taps, at most as many as are allowed; the gateway's is not
    among them."""
    subnet = IPv4Network("198.18.4.0/23")
    most = range(names.MOST_NODES)
    found = [names.address_in(subnet, i) for i in most] + [
        names.client_tap_in(subnet, i) for i in most
    ]

    assert len(set(found)) == 2 * names.MOST_NODES
    assert all(ip_address(a) in subnet for a in found)
    assert not {"198.18.4.0", "198.18.4.1", "198.18.4.2"} & set(found)
    assert (found[0], found[names.MOST_NODES]) == ("198.18.4.10", "198.18.5.10")


def test_a_sandbox_is_called_by_its_node() -> None:
    """And the taps' has an address that no node has."""
    assert names.sandbox("order") == "aftershock-sandbox-order"
    assert names.taps_in(IPv4Network("198.18.4.0/23")) == "198.18.4.2"
