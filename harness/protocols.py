"""Where a system runs, its nodes and links, as small protocols. What faults may do there is in `stage`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, Protocol

from harness.model.system import System


class Reach(Enum):
    """How an attempt to connect ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    TIMED_OUT = "timed out"


class NodeState(Enum):
    """What a node is doing, as the environment sees its process."""

    ABSENT = "absent"
    STARTING = "starting"
    READY = "ready"
    FROZEN = "frozen"
    HELD_DOWN = "held down"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The end of a node's process. `signal` is None where it exited by itself."""

    node: str
    pid: int
    code: int
    signal: int | None
    survivors: int
    """Processes of its tree still there after it was reaped; 0 unless something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A pair of nodes that cannot hear each other; packets is what the cut has swallowed."""

    client: str
    server: str
    packets: int


TAP_MARK = 0x4153
"""SO_MARK of every socket that the taps, or the harness, make in a node's network: a connection
from there to a peer without it goes round the taps."""

WireProtocol = Literal["postgres", "kafka", "http", "opaque"]
"""What a server speaks; `opaque`: what taps forward without looking into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapLink:
    """One client, one server, and the tap that stands between them."""

    client: str | None
    """None: the harness."""
    server: str
    listen: str
    """The address, in the run's outer network, that is this tap's alone."""
    address: str
    """The server's own, which the tap dials from inside the client's network."""
    ports: tuple[int, ...]
    """To listen on, and to dial."""
    protocol: WireProtocol


class DirectLink(NamedTuple):
    """One pair of nodes without a tap between them."""

    client: str
    server: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTap:
    """Attempts of a client to connect to a server's own address."""

    client: str
    server: str
    packets: int
    """SYNs, those sent again included."""


class TapControl(Protocol):
    """Who is told what becomes of the networks in which the taps hold connections.

    Raises EnvironmentFailed, from every method, where the taps are gone.
    """

    async def node_gone(self, node: str) -> None:
        """The node's process has ended and its network is about to go: close the connections
        held on its behalf while their servers can still hear it."""
        ...

    async def node_network(self, node: str, descriptor: int) -> None:
        """The node has another network namespace, behind this descriptor, which stays the
        environment's; the node starts after the return."""
        ...


class Environment(Protocol):
    """Where a system runs."""

    @property
    def system(self) -> System: ...

    def address(self, node: str) -> str:
        """The node's IPv4 address, reachable by the harness even while links are cut."""
        ...

    def state(self, node: str) -> NodeState: ...

    def pid(self, node: str) -> int | None:
        """The pid of the node's first process, None while it is down."""
        ...

    def exists(self, pid: int) -> bool:
        """Whether the kernel still knows a process of that pid."""
        ...

    async def start(self, nodes: Sequence[str]) -> None:
        """Start and await readiness, in dependency order. Raises EnvironmentFailed."""
        ...

    async def wait_ready(self, node: str, timeout_s: float) -> None:
        """Await the node's own answer. Raises EnvironmentFailed naming what it last said."""
        ...

    async def stop(self, nodes: Sequence[str]) -> None:
        """Ask, wait, insist: no process of theirs is left afterwards."""
        ...

    async def kill(self, node: str) -> Death:
        """SIGKILL the whole tree, await its end and hold it down until `release`."""
        ...

    async def release(self, node: str) -> None:
        """Let a held node start again. Idempotent."""
        ...

    async def freeze(self, node: str) -> int:
        """Stop every process of the node; returns how many stand still."""
        ...

    async def thaw(self, node: str) -> None:
        """Undo `freeze`. Idempotent."""
        ...

    def standing(self, node: str) -> int:
        """How many of the node's processes stand still at this moment."""
        ...

    async def cut(self, client: str, server: str) -> None:
        """Drop every packet between the two. Idempotent."""
        ...

    async def mend(self, client: str, server: str) -> None:
        """Undo `cut`, and let what was under way arrive. Idempotent."""
        ...

    async def dropped(self, client: str, server: str) -> Cut:
        """What a cut has swallowed so far."""
        ...

    async def reach(self, client: str, server: str, port: int, timeout_s: float) -> Reach:
        """Try to connect from the client's own network to the server."""
        ...


class Narrator(Protocol):
    """Who is told what happens while it happens."""

    def phase(self, name: str) -> None: ...

    def node(self, name: str, state: str) -> None: ...

    def fault_opened(self, name: str, target: str, says: str) -> None: ...

    def fault_closed(self, name: str, target: str, says: str) -> None: ...

    def note(self, text: str) -> None: ...
