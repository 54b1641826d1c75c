"""The text of /etc/hosts: nodes find each other by name and in no other way.

With taps a node's name for a peer means the tap that stands between the two; a node's own name is
its own address, and the harness reaches every node directly.
"""

from collections.abc import Mapping

from harness.environments.network import HARNESS_ADDRESS, address_of
from harness.model.system import System


def hosts(system: System, taps: Mapping[str, str]) -> str:
    """The file of the node or harness that has these taps (server → address); every other node
    is at its own address."""
    entries = [("127.0.0.1", "localhost"), (HARNESS_ADDRESS, "aftershock")]
    entries += [
        (taps.get(node.name, address_of(index)), node.name)
        for index, node in enumerate(system.nodes)
    ]
    return "".join(f"{address} {name}\n" for address, name in entries)
