"""The overlay that is laid over the user's compose file, which itself is never touched.

Each node gets a sandbox, a container that holds its network, and joins it; so addresses, names and
cuts are ours, and a node that is killed comes back to the same network. What the harness does
itself (restarts, health, order of start) is taken from Compose, and every container carries the
run's labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from harness.environments.docker import names
from harness.environments.tap_links import goes_direct, tap_address
from harness.model.system import Node, System

NETWORK = "aftershock"
IN_SANDBOX = "/run/aftershock"
"""Where a sandbox's socket is, in there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where one run stands in the engine."""

    place: Path
    """The run's own folder, named by its id."""
    subnet: IPv4Network
    network: str
    """The name of the network that the run has made."""
    sockets: Path
    """The folder on this machine in which the sandboxes' sockets appear."""
    sandbox_image: str
    images: Mapping[str, str]
    """Node → the image to run."""
    tapped: bool


class _Reset:
    """Takes what the user's file says of an attribute away (Compose's tag `!reset`)."""


class _Text(yaml.SafeDumper):
    """YAML with that tag, and with every value where it stands."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_Text.add_representer(_Reset, lambda dumper, _: dumper.represent_scalar("!reset", "null"))

RESET = _Reset()


def text(system: System, ground: Ground) -> str:
    """The overlay as YAML."""
    return yaml.dump(document(system, ground), Dumper=_Text, sort_keys=False)


def document(system: System, ground: Ground) -> dict[str, Any]:
    """The overlay; equal ones are interchangeable."""
    services: dict[str, Any] = {}
    for index, node in enumerate(system.nodes):
        services[names.sandbox(node.name)] = _sandbox(
            ground, node.name, names.address_in(ground.subnet, index), _hosts(system, ground, index)
        ) | {"hostname": node.hostname or node.name}
        services[node.name] = _node(ground, node)
    if ground.tapped:
        services[names.TAPS_SANDBOX] = _sandbox(
            ground, names.TAPS_SANDBOX, names.taps_in(ground.subnet), {}
        )
    project = names.project(ground.place.name)
    return {
        "name": project,
        "services": services,
        "networks": {NETWORK: {"name": ground.network, "external": True}},
        # One that the file gives a name of its own may be somebody's data.
        "volumes": {
            volume: {"name": f"{project}_{volume}", "labels": names.run_labels(ground.place)}
            for volume in system.volumes
        },
    }


def _hosts(system: System, ground: Ground, own: int) -> dict[str, str]:
    """A peer's name is its address, or that of the node's tap for it."""
    client = system.nodes[own]
    return {
        node.name: (
            tap_address(own, index)
            if ground.tapped and index != own and not goes_direct(client, node)
            else names.address_in(ground.subnet, index)
        )
        for index, node in enumerate(system.nodes)
    }


def _sandbox(ground: Ground, node: str, address: str, hosts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "image": ground.sandbox_image,
        "command": [f"{IN_SANDBOX}/{node}.sock"],
        "restart": "no",
        "networks": {NETWORK: {"ipv4_address": address}},
        "extra_hosts": dict(hosts),
        # Rules and marks in its own network, and a socket in a folder of this machine's user.
        "cap_drop": ["ALL"],
        "cap_add": ["NET_ADMIN", "DAC_OVERRIDE"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "volumes": [f"{ground.sockets}:{IN_SANDBOX}"],
        "labels": names.labels(ground.place, node, names.SANDBOX),
    }


def _node(ground: Ground, node: Node) -> dict[str, Any]:
    return {
        "image": ground.images[node.name],
        "build": RESET,
        "pull_policy": "never",
        "network_mode": f"service:{names.sandbox(node.name)}",
        # What Compose takes for a variable is text that was filled in already.
        "environment": {k: v.replace("$", "$$") for k, v in node.environment.items()},
        "init": True,
        "restart": "no",
        "healthcheck": {"disable": True},
        "labels": names.labels(ground.place, node.name, names.NODE),
        # What belongs to the sandbox, or to the harness.
        **dict.fromkeys(
            ("container_name", "depends_on", "expose", "hostname", "networks", "ports", "profiles"),
            RESET,
        ),
    }
