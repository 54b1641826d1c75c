"""A node that hangs: every process of it stands still, and whoever asks it waits."""

from collections.abc import Mapping
from typing import Any

from faults import probing
from harness.model.fault import Probe
from harness.stage import Stage


class Hang:
    """One node, for a while. Its connections stay: what is sent to it is taken and not read."""

    def __init__(self, stage: Stage, *, node: str, name: str, duration_s: float) -> None:
        self.name = name
        self.target = node
        self.duration_s = duration_s
        self._env = stage.environment
        self._frozen = 0
        self._stood: int | None = None
        """How many processes stood still when it was healed."""

    def undo(self) -> Mapping[str, Any]:
        return {"thaw": self.target}

    async def before(self) -> Probe:
        return await probing.node_answers(self._env, self.target)

    async def inject(self) -> bool:
        self._frozen = await self._env.freeze(self.target)
        return True

    async def during(self) -> Probe:
        standing = self._env.standing(self.target)
        return Probe(
            shown=standing > 0 and standing >= self._frozen,
            says=f"{self.target}: {standing} processes stand still",
            measured={"node": self.target, "standing": standing},
        )

    async def heal(self) -> None:
        if self._stood is None:
            self._stood = self._env.standing(self.target)
        await self._env.thaw(self.target)

    async def after(self) -> Probe:
        """It answers again, whether it went on or was started anew; and it stood to the end."""
        answers = await probing.node_answers(self._env, self.target)
        stayed = probing.lasted(self.target, still=bool(self._stood), word="standing still")
        return probing.all_of(stayed, answers)

    def achieved(self) -> Mapping[str, Any]:
        return {"frozen": self._frozen, "standing_at_the_heal": self._stood or 0}
