"""A fault, and the stage on which it acts: what it may touch and whom it may ask.

Optional powers are protocols of their own, so that a run offers only what it has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from harness.model.cut import Achieved, Reached, Trigger
from harness.model.fault import Probe
from harness.model.scenario import Pattern
from harness.model.system import Link, System
from harness.model.toxic import Heard, Toxic
from harness.protocols import Environment

Change = tuple[str, int]
"""The n-th change of a business key, from 1: an order's placing is ("17", 1), its cancelling
("17", 2)."""


class Witness(Protocol):
    """What the stores themselves say of the business keys, asked by faults that aim at them."""

    async def committed(self) -> frozenset[Change]:
        """Changes that are visible in the writer's database."""
        ...

    async def published(self) -> frozenset[Change]:
        """Changes with a record in the system's topics."""
        ...


class ConnectorControl(Protocol):
    """One Kafka Connect worker and the walsender sessions that its connectors hold."""

    async def restart_connectors(self) -> tuple[str, ...]:
        """Restart every connector with its tasks; returns their names."""
        ...

    async def running(self) -> bool:
        """Whether the worker answers and every connector and task is RUNNING."""
        ...

    async def sessions(self) -> Mapping[str, int | None]:
        """Replication slot → pid of the server process that serves it, None while inactive."""
        ...


class Points(Protocol):
    """Stops the world exactly between two effects. One point is armed at a time.

    Raises EnvironmentFailed, from every method, where the taps are gone.
    """

    async def arm(self, trigger: Trigger, gated: Sequence[str]) -> None:
        """From now on the trigger is looked for; when it is met, every link of the gated nodes,
        and the connection of the effect, stand still in the same turn."""
        ...

    async def reached(self, timeout_s: float) -> Reached | None:
        """Await the point. None: it did not come in time; nothing is armed any more, and what
        may have been held goes on."""
        ...

    async def discard(self, node: str) -> None:
        """Drop what is held on the node's own connections and close them at their servers, as if
        the process had died. What others hold towards it is dropped as well."""
        ...

    async def open(self) -> None:
        """Let everything go on that is held, in order. Idempotent; disarms."""
        ...

    async def reset(self) -> None:
        """Drop what is held on the effect's connection and reset it to both sides."""
        ...

    async def swallow(self) -> None:
        """Drop the answer that is held, so that its client never gets it."""
        ...

    async def answer(self, error: str) -> None:
        """Send this error (SQLSTATE, Kafka error code, HTTP status) to the client instead of the
        answer that is held, or, before the effect, instead of forwarding its request. Raises
        DeclarationError where the protocol has no such error."""
        ...


class Failures(Protocol):
    """Servers that answer errors to a client, as that client sees it.

    Raises EnvironmentFailed, from every method, where the taps are gone.
    """

    def clients(self, server: str) -> Sequence[str]:
        """Whose HTTP links to the server can fail, CLIENT for the workload's own; empty where the
        server speaks something else."""
        ...

    async def begin(self, client: str, server: str, status: str) -> None:
        """Answer every HTTP request on the link with this status, forwarding none."""
        ...

    async def end(self, client: str, server: str) -> int:
        """Forward again. Returns how many requests were answered instead. Idempotent."""
        ...

    async def ask(self, client: str, server: str) -> int | None:
        """The status of an answer to a harmless request on this very link; None: there was none."""
        ...


class Conversation(Protocol):
    """A connection of the harness's own, by way of a client's link, on which the server is asked
    harmless things. Raises EnvironmentFailed where what it hears makes no sense."""

    async def ask(self, *, up: int = 0, down: int = 0, timeout_s: float) -> Heard:
        """A question of at least `up` bytes; for an answer of at least `down`, from the second
        question on."""
        ...

    async def end(self, *, timeout_s: float) -> Heard:
        """Say that nothing more comes, and await the connection's end."""
        ...

    async def close(self) -> None: ...


class Toxics(Protocol):
    """What Toxiproxy does to links, and how it is to go through them.

    Raises EnvironmentFailed, from every method, where the proxy or the link is not to be had.
    """

    async def add(self, link: Link, toxics: Sequence[Toxic]) -> None:
        """Put them on the link: on its connections, and on those to come."""
        ...

    async def cleanse(self, link: Link) -> None:
        """Take every toxic off the link. Idempotent."""
        ...

    async def converse(self, link: Link) -> Conversation:
        """A connection that its server knows well enough to be asked for anything; to be closed."""
        ...

    async def greet(self, link: Link, timeout_s: float) -> Heard:
        """What comes of a new connection's first and smallest question."""
        ...


class CutProof(Protocol):
    """What the stores say of effects on the wire."""

    async def achieved(self, reached: Reached) -> Achieved:
        """Whether the effect is in its store, waiting where a store tells late (bounded)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a fault may touch and ask, for one scenario."""

    environment: Environment
    system: System
    """The nodes of the scenario's pattern; the environment may hold more."""
    pattern: Pattern
    witness: Witness
    connectors: Mapping[str, ConnectorControl]
    """By node of role kafka-connect."""
    points: Points | None = None
    """None where the run has no taps."""
    proof: CutProof | None = None
    failures: Failures | None = None
    """None where the run has no taps."""
    toxics: Toxics | None = None
    """None where the scenario's fault needs no Toxiproxy."""
    remaining_s: Callable[[], float] = lambda: 0.0
    """How long the workload still goes on, in seconds."""
    passed: frozenset[str] = frozenset()
    """The business keys that were first asked for before the fault's moment. A point that does not
    name its effect leaves out theirs for `passed_s` seconds after it was armed, so that which key is
    struck hangs on the seed and not on the machine's speed."""
    passed_s: float = 0.0


class Fault(Protocol):
    """Inject, prove and heal in one object; made for one scenario and used once.

    The order is `before`, `inject`, `during`, `heal`, `after`. Probes measure by themselves and
    never take the injector's word: with an injector that does nothing they must say so.
    """

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str:
        """The node or link that is hit, for people."""
        ...

    @property
    def duration_s(self) -> float:
        """How long the effect is held between `during` and `heal`."""
        ...

    def undo(self) -> Mapping[str, Any]:
        """What the heal will do, for the ledger that is written before the injection."""
        ...

    async def before(self) -> Probe:
        """That the target works."""
        ...

    async def inject(self) -> bool:
        """Do it. False: its moment never came, and nothing is left behind."""
        ...

    async def during(self) -> Probe:
        """That it is broken, in the way meant."""
        ...

    async def heal(self) -> None:
        """Undo it. Idempotent, and safe after an injection that stopped half-way."""
        ...

    async def after(self) -> Probe:
        """That the target works again; waits for it up to its own deadline."""
        ...

    def achieved(self) -> Mapping[str, Any]:
        """What the fault did, in the system's own terms."""
        ...


@runtime_checkable
class Awaiting(Protocol):
    """A fault that waits for a moment of the system's own: `arm` and `moment` come between
    `before` and `inject`. What it held when it was broken off goes on with `heal`."""

    @property
    def armed_at_once(self) -> bool:
        """Whether it is to be armed before the workload begins, because its moment may be the
        first one; else at the scenario's seeded time."""
        ...

    @property
    def key(self) -> str | None:
        """The business key that it waits for; None: whichever comes first."""
        ...

    async def arm(self) -> None:
        """Look for the moment from now on."""
        ...

    async def moment(self) -> bool:
        """Await it; the world stands still then. False: it did not come in time, and nothing is
        looked for any more."""
        ...

    def evidence(self) -> Mapping[str, Any]:
        """What was meant and what came of it, for the record."""
        ...

    def misfired(self) -> str | None:
        """Both of them in one sentence where they differ."""
        ...
