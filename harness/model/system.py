"""The system under test: nodes, the links between them, and the compose file they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any


class Role(Enum):
    """What a node is, which decides how it is started and how its readiness is asked."""

    POSTGRES = "postgres"
    MARIADB = "mariadb"
    KAFKA = "kafka"
    KAFKA_CONNECT = "kafka-connect"
    TOXIPROXY = "toxiproxy"
    SERVICE = "service"


ROLE_PORTS: Mapping[Role, int] = {
    Role.POSTGRES: 5432,
    Role.MARIADB: 3306,
    Role.KAFKA: 9092,
    Role.KAFKA_CONNECT: 8083,
}
"""The port by which peers know a server of the role. A service's own is in its definition."""

READY_LABEL = "aftershock.ready"
"""Where a service answers that it is ready: port and path, as in `8080/health`."""

BUILD_LABEL = "aftershock.build"
"""What to execute once in a service's build context before it runs, as in `npm ci`."""


class Condition(Enum):
    """What `depends_on` waits for (Compose specification)."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One entry of `depends_on`."""

    node: str
    condition: Condition
    required: bool = True
    """False: waited for only where it is started, too; under another profile it may not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One published port: `host` is None where the compose file leaves it open."""

    container: int
    host: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A bind mount: `source` on this machine (absolute) at `target` in the node."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """A command that exits 0 when the node is ready. Durations in seconds."""

    test: tuple[str, ...]
    """argv; a CMD-SHELL test is given as ("/bin/sh", "-c", text)."""
    interval_s: float = 30.0
    timeout_s: float = 30.0
    retries: int = 3
    start_period_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One service of the compose file. Profiles empty: the node belongs to every pattern."""

    name: str
    role: Role
    image: str | None = None
    build: Path | None = None
    """The build context, absolute."""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_dir: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    expose: tuple[int, ...] = ()
    """Ports for peers alone (Compose's `expose`)."""
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    mounts: tuple[Mount, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    hostname: str | None = None
    restart: str = "no"
    """`no`, `always`, `on-failure` or `unless-stopped`."""
    stop_signal: str = "SIGTERM"
    stop_grace_s: float = 10.0


def served_ports(node: Node) -> tuple[int, ...]:
    """The TCP ports on which peers may dial the node, as far as its definition tells: of its role,
    its label, `ports`, `expose` and, of a broker, its listeners. Sorted, each once.

    A broker's controller listeners are left out: there brokers vote among themselves.
    """
    found = {port.container for port in node.ports} | set(node.expose)
    if node.role in ROLE_PORTS:
        found.add(ROLE_PORTS[node.role])
    ready = node.labels.get(READY_LABEL, "").lstrip(":").partition("/")[0]
    if ready.isascii() and ready.isdigit():
        found.add(int(ready))
    if node.role is Role.KAFKA:
        found |= _listener_ports(node.environment)
    return tuple(sorted(found))


def _listener_ports(environment: Mapping[str, str]) -> set[int]:
    """Of `PLAINTEXT://:9092,CONTROLLER://:9093` those that are no controller's."""
    controllers = _words(environment.get("KAFKA_CONTROLLER_LISTENER_NAMES", ""))
    listeners = _words(environment.get("KAFKA_LISTENERS", ""))
    named = ((text.partition("://")[0], text.rpartition(":")[2]) for text in listeners)
    return {int(port) for name, port in named if port.isdigit() and name not in controllers}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One direction of dialling: `client` connects to `server`."""

    client: str
    server: str

    def __str__(self) -> str:
        return f"{self.client}→{self.server}"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A compose file as read: its nodes in file order and our own `x-aftershock` block."""

    name: str
    path: Path
    nodes: tuple[Node, ...]
    extension: Mapping[str, Any] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    """The named volumes that the file declares, each one node's own disk."""

    def node(self, name: str) -> Node:
        """The node of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def with_role(self, role: Role) -> tuple[Node, ...]:
        """All nodes of one role, in file order."""
        return tuple(node for node in self.nodes if node.role is role)

    def under_profile(self, profile: str) -> "System":
        """The part that one profile starts: nodes without profiles, and those that name it."""
        kept = tuple(n for n in self.nodes if not n.profiles or profile in n.profiles)
        return replace(self, nodes=kept)
