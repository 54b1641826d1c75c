"""What is done at a point, action by action: how it strikes, what shows that, how it ends."""

from collections.abc import Callable, Mapping
from typing import Any

from faults import probing
from faults.point import Action, Point
from harness.errors import EnvironmentFailed
from harness.model.address import ANY, CLIENT
from harness.model.cut import Reached
from harness.model.effect import Effect
from harness.model.fault import Probe
from harness.stage import Points, Stage


class Mechanism:
    """What they share: a node whose links stand still."""

    kills = False
    """Whether the node's process ends."""
    stops_node = False
    """Whether the node answers nobody meanwhile."""

    def __init__(self, stage: Stage, point: Point) -> None:
        self._stage = stage
        self._env = stage.environment
        self._point = point
        self._node = point.node
        self._effect: Effect | None = None
        """What it struck at, None before."""

    @property
    def gated(self) -> tuple[str, ...]:
        """The nodes whose links stand still with the effect's connection."""
        return (self._node,)

    def undo(self) -> Mapping[str, Any]:
        """What the heal does besides opening the gate."""
        return {}

    def measured(self) -> Mapping[str, Any]:
        """What is known once it is over."""
        return {}

    async def before(self) -> Probe:
        """That the node lives."""
        return await probing.process_lives(self._env, self._node)

    async def act(self, reached: Reached) -> Mapping[str, Any]:
        """Strike, while everything stands still. Returns what was done."""
        self._effect = reached.effect
        return {"held_bytes": reached.held_bytes, **await self._strike()}

    async def _strike(self) -> Mapping[str, Any]:
        raise NotImplementedError

    async def during(self) -> Probe:
        """That it struck."""
        raise NotImplementedError

    async def heal(self) -> None:
        """Undo it, also where `act` was broken off. Idempotent."""

    async def after(self) -> Probe:
        """That the node lives and answers."""
        return await probing.node_answers(self._env, self._node)

    @property
    def _points(self) -> Points:
        if self._stage.points is None:
            raise EnvironmentFailed("this run has no taps on its links")
        return self._stage.points


class Kill(Mechanism):
    """Freeze, SIGKILL, drop what the process had under way; held down until the heal."""

    kills = stops_node = True

    def __init__(self, stage: Stage, point: Point) -> None:
        super().__init__(stage, point)
        self._pid: int | None = None
        self._dying = self._discarded = False

    def undo(self) -> Mapping[str, Any]:
        return {"release": self._node}

    async def before(self) -> Probe:
        self._pid = self._env.pid(self._node)
        return await super().before()

    async def _strike(self) -> Mapping[str, Any]:
        # Signals reach one process after the other: frozen, none acts on another's death.
        await self._env.freeze(self._node)
        self._dying = True
        death = await self._env.kill(self._node)
        await self._discard()
        return {"pid": death.pid, "signal": death.signal, "survivors": death.survivors}

    async def _discard(self) -> None:
        await self._points.discard(self._node)
        self._discarded = True

    async def during(self) -> Probe:
        return await probing.process_is_gone(self._env, self._node, self._pid)

    async def heal(self) -> None:
        try:
            if self._dying and not self._discarded:
                await self._discard()
        finally:
            await self._env.thaw(self._node)
            await self._env.release(self._node)

    async def after(self) -> Probe:
        return await probing.process_is_back(self._env, self._node, self._pid)


class Pause(Mechanism):
    """Freeze every process of the node, thaw them later."""

    stops_node = True

    def undo(self) -> Mapping[str, Any]:
        return {"thaw": self._node}

    async def _strike(self) -> Mapping[str, Any]:
        return {"frozen": await self._env.freeze(self._node)}

    async def during(self) -> Probe:
        standing = self._env.standing(self._node)
        return Probe(
            shown=standing > 0,
            says=f"{self._node}: {standing} processes stand still",
            measured={"node": self._node, "standing": standing},
        )

    async def heal(self) -> None:
        await self._env.thaw(self._node)


class Hold(Mechanism):
    """Nothing more: the links stand still already."""

    async def _strike(self) -> Mapping[str, Any]:
        return {}

    async def during(self) -> Probe:
        held = self._effect is not None
        return Probe(
            shown=held, says=f"{self._node}'s links {'' if held else 'do not '}stand still"
        )


class OnLink(Mechanism):
    """What strikes the effect's link, not the node."""

    @property
    def _link(self) -> tuple[str, str]:
        at = self._effect or self._point.address
        return at.client, at.server

    async def _carries(self) -> Probe:
        """That the link does, where both its ends are known nodes; else that the node lives."""
        if {ANY, CLIENT} & set(self._link):
            return await probing.process_lives(self._env, self._node)
        return await probing.link_works(self._env, *self._link)

    async def before(self) -> Probe:
        return await self._carries()

    async def after(self) -> Probe:
        return await self._carries()


class Cut(OnLink):
    """Drop every packet of the link. Only the effect's connection stands still besides: what a
    real network swallows is sent again later, and nothing else suffers."""

    _lost = 0

    @property
    def gated(self) -> tuple[str, ...]:
        return ()

    def undo(self) -> Mapping[str, Any]:
        return {"mend": [[self._point.address.client, self._point.address.server]]}

    def measured(self) -> Mapping[str, Any]:
        return {"packets_dropped": self._lost}

    async def _strike(self) -> Mapping[str, Any]:
        await self._env.cut(*self._link)
        return {"link": "→".join(self._link)}

    async def during(self) -> Probe:
        if self._effect is None:
            return Probe(shown=False, says="no link is cut")
        return await probing.link_is_cut(self._env, *self._link)

    async def heal(self) -> None:
        if self._effect is not None:
            lost = await self._env.dropped(*self._link)
            self._lost = max(lost.packets, self._lost)
            await self._env.mend(*self._link)


class OnConnection(OnLink):
    """What the taps do to the effect's connection: in one call, and over with it."""

    async def during(self) -> Probe:
        what, struck = self._point.action.value, self._effect
        if struck is None:
            return Probe(shown=False, says=f"{what}: no connection was struck")
        return Probe(
            shown=True,
            says=f"{what}: connection {struck.connection} of {struck.client}→{struck.server}",
            measured={"connection": struck.connection},
        )


class Reset(OnConnection):
    """The connection is reset to both sides."""

    async def _strike(self) -> Mapping[str, Any]:
        await self._points.reset()
        return {}


class Swallow(OnConnection):
    """The answer is dropped."""

    async def _strike(self) -> Mapping[str, Any]:
        if self._effect is not None and not self._effect.is_answered:
            raise EnvironmentFailed(f"swallow: nothing answers {self._effect.addresses[0]}")
        await self._points.swallow()
        return {}


class Error(OnConnection):
    """An error is answered."""

    async def _strike(self) -> Mapping[str, Any]:
        code = self._point.error or ""
        await self._points.answer(code)
        return {"answered": code}


MECHANISMS: Mapping[Action, Callable[[Stage, Point], Mechanism]] = {
    Action.KILL: Kill,
    Action.PAUSE: Pause,
    Action.CUT: Cut,
    Action.RESET: Reset,
    Action.HOLD: Hold,
    Action.SWALLOW: Swallow,
    Action.ERROR: Error,
}
