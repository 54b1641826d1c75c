"""Starting nodes, seeing them end, starting them again by their restart policy, and awaiting their
answer: the same in any environment, which says how one begins, ends and is asked."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from harness.environments.life import Life
from harness.environments.recipes.base import NotReady
from harness.errors import EnvironmentFailed
from harness.protocols import NodeState

L = TypeVar("L", bound=Life)

_RESTART_DELAY_S = 0.1
_RESTART_DELAY_MAX_S = 2.0
_HOPELESS = 3


class Keeping(ABC, Generic[L]):
    """The nodes of one system, by name."""

    _ASKED_EVERY_S: ClassVar[float]
    _nodes: dict[str, L]

    @abstractmethod
    def pid(self, node: str) -> int | None:
        """The pid of the node's first process, None while it is down."""

    @abstractmethod
    async def _begin(self, life: L) -> None:
        """Start what the node runs, on the disk that it has. Raises EnvironmentFailed."""

    @abstractmethod
    async def _end_of(self, life: L) -> int:
        """Await the end of what was begun last. Returns its exit code."""

    @abstractmethod
    async def _ask(self, life: L) -> None:
        """One question to the node. Raises NotReady."""

    # --- asking -------------------------------------------------------------------------------

    def state(self, node: str) -> NodeState:
        return self._nodes[node].state

    def restarts(self, node: str) -> int:
        """How often the restart policy has started the node again."""
        return self._nodes[node].restarts

    def unexpected_ends(self, nodes: Iterable[str]) -> tuple[tuple[str, int], ...]:
        """(node, exit code) of every end that nobody asked for, told once."""
        told: list[tuple[str, int]] = []
        for name in nodes:
            told += [(name, code) for code in self._nodes[name].unexpected]
            self._nodes[name].unexpected.clear()
        return tuple(told)

    # --- living -------------------------------------------------------------------------------

    async def _launch(self, name: str) -> None:
        """Begin, and keep it running from then on."""
        life = self._nodes[name]
        # Its keeper starts it again, if it has not done so: twice would be two processes.
        if life.keeper is not None and not life.keeper.done():
            return
        life.mark("starting")
        await self._begin(life)
        life.wanted = True
        life.enter(NodeState.STARTING)
        life.keeper = asyncio.create_task(self._keep(life))

    async def _keep(self, life: L) -> None:
        """The restart policy: start an ended node again while it is wanted."""
        delay = _RESTART_DELAY_S
        while True:
            started = time.monotonic()
            code = await self._end_of(life)
            life.mark(f"ended with {code}")
            held = life.state is NodeState.HELD_DOWN
            if not held:
                life.enter(NodeState.EXITED)
                if life.wanted:
                    life.unexpected.append(code)
            await life.released.wait()
            # Without a restart policy too, what the harness has killed the harness starts again.
            if not life.wanted or not (held or life.is_restarted_after(code)):
                return
            if time.monotonic() - started > _RESTART_DELAY_MAX_S:
                delay = _RESTART_DELAY_S
            if not held:
                # This task is cancelled, here too, when the node is no longer wanted.
                await asyncio.sleep(delay)
                delay = min(delay * 2, _RESTART_DELAY_MAX_S)
            life.mark("restarting")
            await self._begin(life)
            life.restarts += 1
            life.enter(NodeState.STARTING)

    async def wait_ready(self, node: str, timeout_s: float) -> None:
        """Await the node's own answer. Raises EnvironmentFailed naming what it last said."""
        life = self._nodes[node]
        deadline = time.monotonic() + timeout_s
        heard = "nothing"
        restarts = life.restarts
        while True:
            try:
                await self._ask(life)
            except NotReady as not_ready:
                heard = str(not_ready)
            else:
                if self.pid(node) is not None:
                    life.enter(NodeState.READY)
                    return
                heard = "its process has ended"
            # A server that ends again and again won't recover; a service may be waiting for one.
            dying = life.restarts - restarts >= _HOPELESS and not life.is_service
            gone = dying or life.keeper is None or life.keeper.done()
            if gone or time.monotonic() > deadline:
                raise EnvironmentFailed(life.why_unready(heard, timeout_s, gone=gone))
            await asyncio.sleep(self._ASKED_EVERY_S)

    async def release(self, node: str) -> None:
        """Let a held node start again. Idempotent."""
        self._nodes[node].released.set()
