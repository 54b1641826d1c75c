"""What must hold between the services of one compose file: dependencies, ports, disks, network.

Works on nodes as read, with a function that tells the line of a service's attribute.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from harness.environments.compose_yaml import Item, Problem
from harness.model.system import Condition, Node, Role

LineOf = Callable[[str, str], int]
"""(service, attribute) → the line of that attribute, or of the service."""

_ANSWERED_BY_ROLE = frozenset(
    {Role.POSTGRES, Role.MARIADB, Role.KAFKA, Role.KAFKA_CONNECT, Role.TOXIPROXY}
)
"""Roles whose readiness is asked by their recipe, health check or not."""


def check(nodes: Sequence[Node], line_of: LineOf) -> Iterator[Problem]:
    """Every problem between nodes."""
    yield from _names(nodes, line_of)
    yield from _targets(nodes, line_of)
    yield from _cycle(nodes, line_of)
    yield from _host_ports(nodes, line_of)


def _names(nodes: Sequence[Node], line_of: LineOf) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for node in nodes:
        other = seen.setdefault(node.name.casefold(), node.name)
        if other != node.name:
            yield Problem(
                line_of(node.name, ""),
                f"the services {other} and {node.name} differ only in case",
                "rename one: host names have no case",
            )


def _targets(nodes: Sequence[Node], line_of: LineOf) -> Iterator[Problem]:
    by_name = {node.name: node for node in nodes}
    for node in nodes:
        for dependency in node.depends_on:
            server = by_name.get(dependency.node)
            said = f"service {node.name} depends on {dependency.node[:60]}"
            line = line_of(node.name, "depends_on")
            if server is None:
                known = ", ".join(sorted(by_name.keys() - {node.name})) or "none"
                yield Problem(
                    line,
                    f"{said}, which is not declared",
                    f"declare it, or name one of: {known}",
                )
                continue
            if dependency.required and (left_out := _left_out(node, server)):
                yield Problem(
                    line,
                    f"{said}, which is not started {left_out}",
                    f"give {server.name} the profiles of {node.name}, or say required: false",
                )
            if (
                dependency.condition is Condition.HEALTHY
                and server.healthcheck is None
                and server.role not in _ANSWERED_BY_ROLE
            ):
                yield Problem(
                    line,
                    f"{said} being healthy, but {server.name} has no health check",
                    f"give {server.name} a healthcheck, or use service_started",
                )


def _left_out(client: Node, server: Node) -> str | None:
    """When the client is started without the server, in words; None if never."""
    if not server.profiles:
        return None
    if not client.profiles:
        return "without a profile"
    missing = [p for p in client.profiles if p not in server.profiles]
    return f"under the profile {missing[0]}" if missing else None


def _cycle(nodes: Sequence[Node], line_of: LineOf) -> Iterator[Problem]:
    names = {node.name for node in nodes}
    graph = {n.name: [d.node for d in n.depends_on if d.node in names] for n in nodes}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))  # graphlib lists servers before clients
        yield Problem(
            line_of(circle[0], "depends_on"),
            f"the dependencies go round: {' → '.join(circle)}",
            "remove one of them",
        )


def _host_ports(nodes: Sequence[Node], line_of: LineOf) -> Iterator[Problem]:
    taken: dict[int, list[Node]] = {}
    for node in nodes:
        for host in sorted({port.host for port in node.ports if port.host is not None}):
            taken.setdefault(host, []).append(node)
        doubled = [p.host for p in node.ports if p.host is not None]
        for host in sorted({h for h in doubled if doubled.count(h) > 1}):
            yield Problem(
                line_of(node.name, "ports"),
                f"service {node.name} publishes two ports as {host}",
                "choose another host port",
            )
    for host, users in taken.items():
        for one, other in combinations(users, 2):
            if _together(one, other):
                yield Problem(
                    line_of(other.name, "ports"),
                    f"the services {one.name} and {other.name} both publish the host port {host}",
                    "choose another host port for one",
                )
                break


def _together(one: Node, other: Node) -> bool:
    """Whether some profile starts both."""
    if not one.profiles or not other.profiles:
        return True
    return not set(one.profiles).isdisjoint(other.profiles)


def check_volumes(users: Mapping[str, Sequence[tuple[str, Item]]]) -> Iterator[Problem]:
    """A named volume is one node's own disk: volume → (service, where it mounts it)."""
    for volume, mounted in users.items():
        if len(mounted) > 1:
            (first, _), (second, item) = mounted[:2]
            yield Problem(
                item.line,
                f"the services {first} and {second} share the volume {volume}",
                "a node's disk is its own: use a bind mount",
            )


def check_networks(
    users: Mapping[str, tuple[str, int]], declared: frozenset[str]
) -> Iterator[Problem]:
    """All services are on one network: network → (a service on it, the line that says so)."""
    for network, (_, line) in users.items():
        if network != "default" and network not in declared:
            yield Problem(
                line,
                f"the network {network[:60]!r} is not declared",
                "declare it under the top-level networks",
            )
    if len(users) > 1:
        (one, (first, _)), (other, (second, line)) = list(users.items())[:2]
        yield Problem(
            line,
            f"service {first} is on the network {one[:60]}, service {second} on {other[:60]}",
            "put all services on one network",
        )
