"""SIGKILL of a node's whole process tree; the heal lets it start again."""

from collections.abc import Mapping
from typing import Any

from faults import probing
from harness.model.fault import Probe
from harness.stage import Stage

_DOWN_S = 0.5


class Kill:
    """One node, at the moment of the call, down for `duration_s`."""

    def __init__(self, stage: Stage, *, node: str, name: str, duration_s: float = _DOWN_S) -> None:
        self.name = name
        self.target = node
        self.duration_s = duration_s
        self._stayed: bool | None = None
        """Whether it was still down when it was healed."""
        self._env = stage.environment
        self._pid: int | None = None
        self._achieved: dict[str, Any] = {}

    def undo(self) -> Mapping[str, Any]:
        return {"release": self.target}

    async def before(self) -> Probe:
        self._pid = self._env.pid(self.target)
        return await probing.process_lives(self._env, self.target)

    async def inject(self) -> bool:
        death = await self._env.kill(self.target)
        self._achieved = {"pid": death.pid, "signal": death.signal, "survivors": death.survivors}
        return True

    async def during(self) -> Probe:
        return await probing.process_is_gone(self._env, self.target, self._pid)

    async def heal(self) -> None:
        if self._stayed is None:
            self._stayed = self._env.pid(self.target) is None
        await self._env.release(self.target)

    async def after(self) -> Probe:
        back = await probing.process_is_back(self._env, self.target, self._pid)
        if self._stayed is False:
            return probing.all_of(probing.lasted(self.target, still=False, word="down"), back)
        return back

    def achieved(self) -> Mapping[str, Any]:
        return self._achieved
