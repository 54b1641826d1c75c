"""A world for faults at points: nodes, taps and stores that only remember what was asked of them.

Everything is written into one `log`, so that a test can show the order in which it was done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.at_point import AtPoint
from faults.point import Point
from harness.errors import EnvironmentFailed
from harness.model.address import Address
from harness.model.cut import Achieved, Reached, Trigger
from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.scenario import Pattern
from harness.model.system import Node, Port, Role, System
from harness.protocols import Cut, Death, NodeState, Reach
from harness.stage import Change, Stage

COMMIT = "order/order-db/commit(orders:insert)/17#1"
SHOP = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(
        Node(name="order-db", role=Role.POSTGRES),
        Node(name="kafka-1", role=Role.KAFKA),
        Node(name="order", role=Role.SERVICE, ports=(Port(container=8080),)),
        Node(name="relay", role=Role.SERVICE),
    ),
)
DUAL_WRITE = Pattern(name="dual-write", promises="", writer="order", publisher="order")
OUTBOX = Pattern(name="outbox", promises="", writer="order", publisher="relay")


def effect_of(text: str, *, number: int = 5, **more: Any) -> Effect:
    """The effect of one address."""
    address = Address.parse(text)
    key = address.key or "-"
    return Effect(
        number=number,
        client=address.client,
        server=address.server,
        connection=3,
        kind=EffectKind(address.kind),
        detail=address.detail or (),
        keys=() if key == "-" else (key,),
        addresses=(address,),
        **more,
    )


@dataclass(kw_only=True)
class Nodes:
    """An environment whose nodes are names."""

    log: list[str]
    system: System = SHOP
    lame: frozenset[str] = frozenset()
    """What it is asked for and does not do."""
    stuck: bool = False
    """Deaths never come."""
    pids: dict[str, int] = field(default_factory=lambda: {"order": 7, "relay": 8, "order-db": 9})
    states: dict[str, NodeState] = field(default_factory=dict)
    cuts: set[tuple[str, str]] = field(default_factory=set)

    def address(self, node: str) -> str:
        return f"10.0.0.{len(node)}"

    def state(self, node: str) -> NodeState:
        return self.states.get(node, NodeState.READY)

    def pid(self, node: str) -> int | None:
        return None if self.state(node) is NodeState.HELD_DOWN else self.pids.get(node)

    def exists(self, pid: int) -> bool:
        return any(p == pid and self.pid(node) == p for node, p in self.pids.items())

    def standing(self, node: str) -> int:
        return 2 if self.state(node) is NodeState.FROZEN else 0

    async def start(self, nodes: Sequence[str]) -> None:
        """Not asked for by faults."""

    async def stop(self, nodes: Sequence[str]) -> None:
        """Not asked for by faults."""

    async def wait_ready(self, node: str, timeout_s: float) -> None:
        assert timeout_s > 0
        if self.state(node) is not NodeState.READY:
            raise EnvironmentFailed(f"{node} is not ready\nmore")

    async def kill(self, node: str) -> Death:
        if self._does(f"kill {node}"):
            self.states[node] = NodeState.HELD_DOWN
        if self.stuck:
            raise EnvironmentFailed("its death never came")
        return Death(node=node, pid=self.pids[node], code=-9, signal=9, survivors=0)

    async def release(self, node: str) -> None:
        if self._does(f"release {node}") and self.state(node) is NodeState.HELD_DOWN:
            self.states[node] = NodeState.READY
            self.pids[node] += 100

    async def freeze(self, node: str) -> int:
        if self._does(f"freeze {node}"):
            self.states[node] = NodeState.FROZEN
        return 2

    async def thaw(self, node: str) -> None:
        self.log.append(f"thaw {node}")
        if self.state(node) is NodeState.FROZEN:
            self.states[node] = NodeState.READY

    async def cut(self, client: str, server: str) -> None:
        if self._does(f"cut {client} {server}"):
            self.cuts.add((client, server))

    async def mend(self, client: str, server: str) -> None:
        self.log.append(f"mend {client} {server}")
        self.cuts.discard((client, server))

    async def dropped(self, client: str, server: str) -> Cut:
        packets = 4 if (client, server) in self.cuts else 0
        return Cut(client=client, server=server, packets=packets)

    async def reach(self, client: str, server: str, port: int, timeout_s: float) -> Reach:
        assert port in {5432, 9092, 8080} and timeout_s > 0
        if (client, server) in self.cuts:
            return Reach.TIMED_OUT
        return Reach.REFUSED if self.pid(server) is None and server != "kafka-1" else Reach.ANSWERED

    def _does(self, what: str) -> bool:
        self.log.append(what)
        return what.partition(" ")[0] not in self.lame


@dataclass(kw_only=True)
class Taps:
    """Points that reach what they are told to, or nothing."""

    log: list[str]
    reaches: Reached | None
    broken: frozenset[str] = frozenset()
    """Calls that raise EnvironmentFailed."""
    waited_s: float = -1.0
    trigger: Trigger | None = None

    async def arm(self, trigger: Trigger, gated: Sequence[str]) -> None:
        self.trigger = trigger
        self._did("arm", f"{trigger.when.value} {trigger.address} gating {','.join(gated)}")

    async def reached(self, timeout_s: float) -> Reached | None:
        self.waited_s = timeout_s
        self._did("reached")
        return self.reaches

    async def discard(self, node: str) -> None:
        self._did("discard", node)

    async def open(self) -> None:
        self._did("open")

    async def reset(self) -> None:
        self._did("reset")

    async def swallow(self) -> None:
        self._did("swallow")

    async def answer(self, error: str) -> None:
        self._did("answer", error)

    def _did(self, what: str, more: str = "") -> None:
        self.log.append(f"{what} {more}".strip())
        if what in self.broken:
            raise EnvironmentFailed(f"{what}: the taps are gone")


@dataclass(kw_only=True)
class Stores:
    """The word of every store, and what has been committed and published."""

    log: list[str]
    done: bool | None = True
    changes: frozenset[Change] = frozenset()
    records: frozenset[Change] = frozenset()

    async def achieved(self, reached: Reached) -> Achieved:
        self.log.append(f"ask {reached.effect.server}")
        says = {True: "it is there", False: "it is not there", None: "no answer"}[self.done]
        return Achieved(done=self.done, says=says, measured={"xid": 752})

    async def committed(self) -> frozenset[Change]:
        return self.changes

    async def published(self) -> frozenset[Change]:
        return self.records


class World:
    """A fault with everything around it. `point` without its address: that of `effect`."""

    def __init__(
        self,
        point: str,
        *,
        effect: str | None = COMMIT,
        outcome: Outcome = Outcome.ACKNOWLEDGED,
        pattern: Pattern = OUTBOX,
        done: bool | None = True,
        unanswered: tuple[Effect, ...] = (),
        with_taps: bool = True,
        with_proof: bool = True,
        is_answered: bool = True,
        lame: Sequence[str] = (),
        broken: Sequence[str] = (),
        stuck: bool = False,
        remaining_s: float = 2.0,
    ) -> None:
        self.point = Point.parse(point if point.count(":") > 2 else f"{point}:{effect or COMMIT}")
        self.log: list[str] = []
        self.nodes = Nodes(log=self.log, lame=frozenset(lame), stuck=stuck)
        self.stores = Stores(log=self.log, done=done)
        reached = (
            None if effect is None else self._reached(effect, outcome, unanswered, is_answered)
        )
        self.taps = Taps(log=self.log, reaches=reached, broken=frozenset(broken))
        stage = Stage(
            environment=self.nodes,
            system=SHOP,
            pattern=pattern,
            witness=self.stores,
            connectors={},
            points=self.taps if with_taps else None,
            proof=self.stores if with_proof else None,
            remaining_s=lambda: remaining_s,
            passed=frozenset({"3"}),
            passed_s=1.0,
        )
        self.fault = AtPoint(stage, self.point, name=self.point.text)

    def _reached(
        self, text: str, outcome: Outcome, unanswered: tuple[Effect, ...], is_answered: bool
    ) -> Reached:
        effect = effect_of(text, is_answered=is_answered)
        return Reached(
            effect=effect,
            address=effect.addresses[0],
            when=self.point.trigger.when,
            outcome=outcome,
            unanswered=unanswered,
            held_bytes=60,
            gated=(self.point.node,),
        )

    async def play(self) -> dict[str, Any]:
        """Every step as the nemesis takes them, and what each showed."""
        before = await self.fault.before()
        fired = await self.fault.inject()
        during = await self.fault.during() if fired else None
        for _ in range(2):
            await self.fault.heal()
        after = await self.fault.after() if fired else None
        return {
            "before": before.shown,
            "fired": fired,
            "during": during and during.shown,
            "says": during and during.says,
            "after": after and after.shown,
        }

    @property
    def achieved(self) -> Mapping[str, Any]:
        """What the fault says it did."""
        return self.fault.achieved()
