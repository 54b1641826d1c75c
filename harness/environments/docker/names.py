"""What everything of one run in containers is called, and how it is known again: by its labels.

The label with the run's id is the only thing by which a container, a network or a volume is taken
for ours; a name alone never is.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, collapse_addresses, ip_network
from pathlib import Path

from harness.errors import EnvironmentFailed

RUN_LABEL = "aftershock.run"
PLACE_LABEL = "aftershock.place"
"""The folder of the run, whose lock the run holds while it lives."""
NODE_LABEL = "aftershock.node"
KIND_LABEL = "aftershock.kind"
NODE, SANDBOX, TOXIPROXY = "node", "sandbox", "toxiproxy"
"""Kinds of containers."""
TAPS_SANDBOX = "aftershock-taps"
"""The service in whose network the taps listen: in the node's own a server could not listen on every
address, where a tap has the same port on one. The workload's own links begin there, too."""
_RANGE = ip_network("198.18.0.0/16")
"""Of what is reserved for benchmarks (RFC 2544) the half that has no taps in it."""
_PREFIX_LENGTH = 23
_FIRST_NODE = 10
MOST_NODES = 256 - _FIRST_NODE


def project(run: str) -> str:
    """The name of the run's Compose project."""
    return f"aftershock-{run}"


def sandbox(node: str) -> str:
    """The name of the service that holds the node's network."""
    return f"aftershock-sandbox-{node}"


def run_labels(place: Path) -> dict[str, str]:
    """What everything of the run carries whose place this is."""
    return {RUN_LABEL: place.name, PLACE_LABEL: str(place)}


def labels(place: Path, node: str, kind: str) -> dict[str, str]:
    """What a container of the run carries."""
    return {**run_labels(place), NODE_LABEL: node, KIND_LABEL: kind}


def free_subnets(taken: Iterable[str]) -> list[IPv4Network]:
    """The run's possible networks, in order: parts of the range that overlap with none of those
    taken. Raises EnvironmentFailed where there is none."""
    used = [ip_network(text, strict=False) for text in taken]
    merged = list(collapse_addresses(net for net in used if isinstance(net, IPv4Network)))
    found = [
        net
        for net in _RANGE.subnets(new_prefix=_PREFIX_LENGTH)
        if isinstance(net, IPv4Network) and not any(net.overlaps(other) for other in merged)
    ]
    if not found:
        raise EnvironmentFailed(
            f"no network of {_RANGE} is free for this run; `aftershock clean` removes what dead "
            "runs have left, `docker network ls` shows the rest"
        )
    return found


def taps_in(subnet: IPv4Network) -> str:
    """The address of the taps' sandbox."""
    return str(subnet[2])


def address_in(subnet: IPv4Network, index: int) -> str:
    """The address of the node at `index` (0-based) of the system."""
    return str(subnet[_FIRST_NODE + index])


def client_tap_in(subnet: IPv4Network, index: int) -> str:
    """Where the workload's tap for the node at `index` listens: in the network's second half."""
    return str(subnet[256 + _FIRST_NODE + index])
