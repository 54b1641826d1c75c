"""The overlay, from literal systems."""

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from harness.environments.docker import overlay
from harness.model.system import Node, Port, Role, System

DB = Node(name="db", role=Role.POSTGRES, image="postgres:18", environment={"POSTGRES_USER": "a$b"})
ORDER = Node(name="order", role=Role.SERVICE, ports=(Port(container=8080),), restart="always")
KAFKA = Node(name="kafka-1", role=Role.KAFKA)
OTHER = Node(name="kafka-2", role=Role.KAFKA, hostname="second")
SYSTEM = System(name="test", path=Path("/x/test.yaml"), nodes=(DB, ORDER, KAFKA, OTHER))
GROUND = overlay.Ground(
    place=Path("/cache/runs/0a1b"),
    subnet=IPv4Network("198.18.4.0/23"),
    network="aftershock-0a1b",
    sockets=Path("/cache/runs/0a1b/nodes/sockets"),
    sandbox_image="aftershock/sandbox:1",
    images={"db": "postgres:18", "order": "aftershock/services:1", "kafka-1": "k", "kafka-2": "k"},
    tapped=True,
)


class _Reading(yaml.SafeLoader):
    """Compose's tags as what they mean."""


_Reading.add_constructor("!reset", lambda _loader, _node: "RESET")


def services(**changes: Any) -> dict[str, Any]:
    """As Compose reads the text."""
    text = overlay.text(SYSTEM, replace(GROUND, **changes))
    found: dict[str, Any] = yaml.load(text, _Reading)["services"]  # noqa: S506 - a safe loader
    return found


def test_the_project_is_the_runs_own() -> None:
    """And its network is one that the run has made, by its own name."""
    told = yaml.load(overlay.text(SYSTEM, GROUND), _Reading)  # noqa: S506 - a safe loader

    assert told["name"] == "aftershock-0a1b"
    assert told["networks"] == {"aftershock": {"name": "aftershock-0a1b", "external": True}}


def test_a_node_joins_its_sandbox() -> None:
    """Whatever the user's file says of its network is the sandbox's now."""
    order = services()["order"]

    assert order["network_mode"] == "service:aftershock-sandbox-order"
    for attribute in ("networks", "ports", "hostname", "expose", "container_name", "profiles"):
        assert order[attribute] == "RESET"


def test_what_the_harness_does_is_taken_from_compose() -> None:
    """Restarts, health and the order of start; no image is built or pulled under way."""
    order = services()["order"]

    assert (order["restart"], order["healthcheck"]) == ("no", {"disable": True})
    assert (order["depends_on"], order["build"], order["pull_policy"]) == (
        "RESET",
        "RESET",
        "never",
    )
    assert order["image"] == "aftershock/services:1"


def test_values_are_text_and_not_filled_in_again() -> None:
    """A dollar stays one."""
    assert services()["db"]["environment"] == {"POSTGRES_USER": "a$$b"}


def test_with_taps_a_peers_name_is_the_nodes_tap_for_it() -> None:
    """Its own name is its own address, and brokers meet without a tap."""
    found = services()

    assert found["aftershock-sandbox-order"]["extra_hosts"] == {
        "db": "198.19.11.10", "order": "198.18.4.11", "kafka-1": "198.19.11.12",
        "kafka-2": "198.19.11.13",
    }  # fmt: skip
    assert found["aftershock-sandbox-kafka-1"]["extra_hosts"]["kafka-2"] == "198.18.4.13"
    assert "aftershock-taps" in found


def test_without_taps_a_peers_name_is_its_address() -> None:
    """And nobody stands for the workload."""
    found = services(tapped=False)

    assert found["aftershock-sandbox-order"]["extra_hosts"]["db"] == "198.18.4.10"
    assert "aftershock-taps" not in found


def test_a_sandbox_may_do_what_it_must_in_its_own_network() -> None:
    """And nothing besides."""
    sandbox = services()["aftershock-sandbox-kafka-2"]

    assert (sandbox["cap_drop"], sandbox["cap_add"]) == (["ALL"], ["NET_ADMIN", "DAC_OVERRIDE"])
    assert sandbox["read_only"] is True
    assert sandbox["hostname"] == "second"
    assert sandbox["networks"] == {"aftershock": {"ipv4_address": "198.18.4.13"}}


def test_every_container_carries_the_runs_labels() -> None:
    """Those of sandboxes too."""
    for name, service in services().items():
        assert service["labels"]["aftershock.run"] == "0a1b", name


def test_a_volume_is_the_runs_own_whatever_the_file_calls_it() -> None:
    """`name: production` would be somebody's data."""
    text = overlay.text(replace(SYSTEM, volumes=("data",)), GROUND)
    (volume,) = yaml.load(text, _Reading)["volumes"].values()  # noqa: S506 - a safe loader

    assert volume["name"] == "aftershock-0a1b_data"
    assert volume["labels"]["aftershock.run"] == "0a1b"
