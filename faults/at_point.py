"""A fault at a point of the wire: arm, await, act while the world stands still, ask the stores.

    before → arm → (the point is reached, its node's links stand still) → inject → during: what the
    action does is measured, and the store of the effect says whether it is there → heal: the gate
    opens → after

Where the store's word is not what the point meant, the fault has misfired, and says so with both
cuts. Where the store cannot say, `during` is not shown.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faults import cuts, probing
from faults.actions import MECHANISMS
from faults.point import Point
from harness.errors import EnvironmentFailed
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import EffectKind
from harness.model.fault import Probe
from harness.model.system import Role
from harness.stage import Points, Stage

GRACE_S = 10.0
"""How long a point may come after the workload's last request was due."""


class AtPoint:
    """One point, one action."""

    def __init__(self, stage: Stage, point: Point, *, name: str) -> None:
        self.name = name
        self.target = point.target
        self.duration_s = point.duration_s
        self._stage = stage
        self._point = point
        self._mechanism = MECHANISMS[point.action](stage, point)
        self._armed = False
        self._reached: Reached | None = None
        self._word: Achieved | None = None
        self._acted: Mapping[str, Any] = {}
        self._cut_keys: frozenset[str] = frozenset()

    @property
    def armed_at_once(self) -> bool:
        return self._point.names_one

    @property
    def key(self) -> str | None:
        return self._point.key

    def undo(self) -> Mapping[str, Any]:
        return {"open": list(self._mechanism.gated), **self._mechanism.undo()}

    async def before(self) -> Probe:
        return await self._mechanism.before()

    async def arm(self) -> None:
        points = self._points
        self._armed = True
        trigger = self._point.trigger
        if not self._point.names_one:
            stage = self._stage
            trigger = replace(trigger, passed=stage.passed, passed_s=stage.passed_s)
        await points.arm(trigger, self._mechanism.gated)

    async def moment(self) -> bool:
        return await self._wait_reached() is not None

    async def _wait_reached(self) -> Reached | None:
        if not self._armed:
            await self.arm()
        timeout_s = self._stage.remaining_s() + GRACE_S
        self._reached = await self._points.reached(timeout_s)
        return self._reached

    async def inject(self) -> bool:
        reached = self._reached or await self._wait_reached()
        if reached is None:
            return False
        if self._mechanism.stops_node and reached.effect.server == self._point.node:
            # The store will not be able to answer; nothing moves until then either.
            await self._ask(reached)
        self._acted = await self._mechanism.act(reached)
        return True

    async def during(self) -> Probe:
        return probing.all_of(await self._mechanism.during(), await self._cut())

    async def heal(self) -> None:
        try:
            await self._mechanism.heal()
        finally:
            if self._armed:
                await self._points.open()

    async def after(self) -> Probe:
        return await self._mechanism.after()

    def achieved(self) -> Mapping[str, Any]:
        keys = sorted(self._cut_keys, key=lambda k: (len(k), k))
        return {**self._acted, **self._mechanism.measured(), "cut_keys": keys}

    def evidence(self) -> Mapping[str, Any]:
        return {
            "intended_cut": cuts.intended(self._point, self._reached),
            "achieved_cut": cuts.achieved(self._reached, self._word),
        }

    def misfired(self) -> str | None:
        if self._reached is None or self._word is None:
            return None
        return cuts.misfired(self._point.node, self._reached, self._word)

    async def _cut(self) -> Probe:
        """The store's word, whichever it is: one that disagrees is a misfire, not a failed proof."""
        reached = self._reached
        if reached is None:
            says = f"{self._point.address} was not reached, so nothing stands still"
            return Probe(shown=False, says=says)
        word = self._word or await self._ask(reached)
        self._cut_keys = await self._struck(reached)
        return Probe(
            shown=word.done is not None,
            says=f"{reached.when.value} {reached.address}: {word.says}",
            measured=word.measured,
        )

    async def _ask(self, reached: Reached) -> Achieved:
        if self._stage.proof is None:
            self._word = Achieved(done=None, says="nobody can ask the stores in this run")
        else:
            self._word = await self._stage.proof.achieved(reached)
        return self._word

    async def _struck(self, reached: Reached) -> frozenset[str]:
        """The effect's keys. With a process that commits and publishes by itself go those, too,
        that other threads of it had committed and not yet published."""
        keys = frozenset(reached.effect.keys)
        pattern, node = self._stage.pattern, self._point.node
        if not self._mechanism.kills or {node} != {pattern.writer, pattern.publisher}:
            return keys
        if reached.when is When.BEFORE or reached.effect.kind is not EffectKind.COMMIT:
            return keys
        if not self._stage.system.with_role(Role.KAFKA):
            return keys
        witness = self._stage.witness
        committed = await witness.committed()
        return keys | {key for key, _ in committed - await witness.published()}

    @property
    def _points(self) -> Points:
        if self._stage.points is None:
            raise EnvironmentFailed(f"{self.name} needs taps on the links, and this run has none")
        return self._stage.points
