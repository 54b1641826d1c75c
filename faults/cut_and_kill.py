"""The kill between commit and publish, without a tap: the way out is cut first.

With publisher→broker cut, nothing can be published. As soon as a row is visible in the writer's
database that has no record in any topic, the writer is killed: committed and not published is
then a fact of the stores, not a matter of timing.
"""

import time
from collections.abc import Mapping
from typing import Any

from faults import probing
from harness.model.fault import Probe
from harness.protocols import Stage

_ROW_TIMEOUT_S = 10.0
_DOUBTFUL_S = 0.5


class CutAndKill:
    """`writer` commits, `publisher` publishes to `broker`; in a dual write they are one."""

    name = "kill-between-commit-and-publish"
    duration_s = 0.0

    def __init__(self, stage: Stage, *, writer: str, publisher: str, broker: str) -> None:
        self._env = stage.environment
        self._witness = stage.witness
        self._writer, self._publisher, self._broker = writer, publisher, broker
        self._pid: int | None = None
        self._cut_keys: frozenset[str] = frozenset()
        self.target = writer if writer == publisher else f"{writer} ({publisher}→{broker} cut)"

    def undo(self) -> Mapping[str, Any]:
        return {"mend": [[self._publisher, self._broker]], "release": self._writer}

    async def before(self) -> Probe:
        self._pid = self._env.pid(self._writer)
        return probing.all_of(
            await probing.process_lives(self._env, self._writer),
            await probing.link_works(self._env, self._publisher, self._broker),
        )

    async def inject(self) -> bool:
        await self._env.cut(self._publisher, self._broker)
        earlier = await self._witness.committed()
        doubtful = time.monotonic() + _DOUBTFUL_S

        async def row_came() -> bool:
            now = await self._witness.committed()
            if now - earlier:
                return True
            # One that was about to publish when the cut came may commit nothing more. Topics are
            # slow to read, and the longer it takes the more is cut: so only where nothing comes.
            late = time.monotonic() > doubtful
            return late and bool(now - await self._witness.published())

        if not await probing.until(row_came, _ROW_TIMEOUT_S):
            await self.heal()
            return False
        await self._env.kill(self._writer)
        return True

    async def during(self) -> Probe:
        committed = await self._witness.committed()
        cut = committed - await self._witness.published()
        self._cut_keys = frozenset(key for key, _ in cut)
        rows = Probe(
            shown=bool(self._cut_keys),
            says=f"committed and not published: {', '.join(self._keys()) or 'nothing'}",
            measured={"cut_keys": self._keys()},
        )
        return probing.all_of(
            await probing.process_is_gone(
                self._env, self._writer, self._pid, cut_from={self._broker}
            ),
            await probing.link_is_cut(self._env, self._publisher, self._broker),
            rows,
        )

    async def heal(self) -> None:
        await self._env.mend(self._publisher, self._broker)
        await self._env.release(self._writer)

    async def after(self) -> Probe:
        return probing.all_of(
            await probing.link_works(self._env, self._publisher, self._broker),
            await probing.process_is_back(self._env, self._writer, self._pid),
        )

    def achieved(self) -> Mapping[str, Any]:
        return {"cut_keys": self._keys()}

    def _keys(self) -> list[str]:
        return sorted(self._cut_keys, key=lambda k: (len(k), k))
