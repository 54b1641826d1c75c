"""What an environment remembers of one node while a run lives."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from harness.environments.process import Process
from harness.environments.recipes.base import Recipe, Site
from harness.model.system import Role
from harness.protocols import NodeState

_TAIL_LINES = 8

Listener = Callable[[str, NodeState], None]
"""Is told a node's name and the state that it entered."""


class Running:
    """One node: where it lives, how it runs, and what became of it."""

    def __init__(self, site: Site, recipe: Recipe, *, listener: Listener) -> None:
        self.site = site
        self.recipe = recipe
        self.process: Process | None = None
        self.state = NodeState.ABSENT
        self.wanted = False
        """Whether the restart policy may start it again."""
        self.keeper: asyncio.Task[None] | None = None
        self.released = asyncio.Event()
        self.released.set()
        self.restarts = 0
        self.unexpected: list[int] = []
        """Exit codes of ends that nobody asked for."""
        self._listener = listener

    @property
    def is_service(self) -> bool:
        return self.site.node.role is Role.SERVICE

    def enter(self, state: NodeState) -> None:
        """Take another state and tell the listener; the same one again is no news."""
        if self.state is not state:
            self.state = state
            self._listener(self.site.node.name, state)

    def is_restarted_after(self, code: int) -> bool:
        """Whether the node's own policy starts it again after that exit code."""
        policy = self.site.node.restart
        return policy in {"always", "unless-stopped"} or (
            policy.startswith("on-failure") and code != 0
        )

    def mark(self, what: str) -> None:
        """A line of the harness's own in the node's log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.site.log.open("a", encoding="utf-8") as log:
            log.write(f"=== aftershock {now} {self.site.node.name} {what}\n")

    def why_unready(self, heard: str, timeout_s: float, *, gone: bool) -> str:
        """What is known of a node that did not get ready, with the end of its log."""
        what = "ended before it was ready" if gone else f"was not ready after {timeout_s:g} s"
        tail = "\n".join(f"    {line}" for line in self._tail())
        return (
            f"{self.site.node.name} {what} (last answer: {heard}); "
            f"the end of {self.site.log}:\n{tail}"
        )

    def _tail(self) -> list[str]:
        try:
            text = self.site.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-_TAIL_LINES:]
