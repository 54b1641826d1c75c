"""Where taps stand: the address at which a client's tap for a server listens.

The tap process stands in the run's outer namespace and has an address of its own for every pair
of nodes, so that its ports collide with no node's, and its listeners outlive the namespace of a
node that is killed. All these addresses are local there by one route; see `network`.
"""

from collections.abc import Callable, Mapping

from harness.environments.network import address_of
from harness.errors import DeclarationError
from harness.model.system import Node, Role, System, served_ports
from harness.protocols import DirectLink, TapLink, WireProtocol

_FIRST_NODE = 10
_HARNESS = 1
_MOST_NODES = 256 - _FIRST_NODE

_PROTOCOLS: Mapping[Role, WireProtocol] = {
    Role.POSTGRES: "postgres",
    Role.KAFKA: "kafka",
    Role.KAFKA_CONNECT: "http",
    Role.SERVICE: "http",
}


Own = Callable[[int], str]
"""The address of the node at an index (0-based) of the system."""
Tap = Callable[[int | None, int], str]
"""The address of the tap between the nodes at two indices; client None: the harness."""


def tap_address(client: int | None, server: int) -> str:
    """The address of the tap between the nodes at these indices (0-based) of the system. Client
    None: the harness."""
    first = _HARNESS if client is None else _FIRST_NODE + client
    return f"198.19.{first}.{_FIRST_NODE + server}"


def check_size(system: System) -> None:
    """Raises DeclarationError where there are more nodes than taps have addresses for."""
    if len(system.nodes) > _MOST_NODES:
        raise DeclarationError(
            f"{system.path}: {len(system.nodes)} services; taps have addresses for {_MOST_NODES}"
        )


def tap_addresses(system: System, tap: Tap = tap_address) -> dict[tuple[str, str], str]:
    """(client, server) → the address that the client takes for the server's: every pair of nodes
    between which a tap stands."""
    return {
        (client.name, server.name): tap(at, to)
        for at, client in enumerate(system.nodes)
        for to, server in enumerate(system.nodes)
        if client is not server and not goes_direct(client, server)
    }


def tap_links(system: System, own: Own = address_of, tap: Tap = tap_address) -> tuple[TapLink, ...]:
    """What taps serve, the harness's own links last. A server whose definition names no port has
    none; its peers reach it directly, and that is counted."""
    addresses: dict[tuple[str | None, str], str] = dict(tap_addresses(system, tap).items())
    addresses |= {(None, node.name): tap(None, to) for to, node in enumerate(system.nodes)}
    place = {node.name: own(to) for to, node in enumerate(system.nodes)}
    return tuple(
        TapLink(
            client=client,
            server=name,
            listen=listen,
            address=place[name],
            ports=ports,
            protocol=_PROTOCOLS.get(system.node(name).role, "opaque"),
        )
        for (client, name), listen in addresses.items()
        if (ports := served_ports(system.node(name)))
    )


def direct_links(system: System) -> tuple[DirectLink, ...]:
    """Every pair of nodes that is left untapped, and why."""
    return tuple(
        DirectLink(client.name, server.name, "brokers replicate and vote among themselves")
        for client in system.nodes
        for server in system.nodes
        if client is not server and goes_direct(client, server)
    )


def goes_direct(client: Node, server: Node) -> bool:
    """Whether no tap stands between the two."""
    return client.role is server.role is Role.KAFKA
