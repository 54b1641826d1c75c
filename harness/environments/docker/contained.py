"""What the Docker environment remembers of one node while a run lives."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.model.system import Node, Role
from harness.protocols import NodeState

if TYPE_CHECKING:
    from docker.models.containers import Container

_TAIL_LINES = 8

Listener = Callable[[str, NodeState], None]
"""Is told a node's name and the state that it entered."""


class Contained:
    """One node: its definition, its container, and what became of it."""

    def __init__(self, node: Node, log: Path, listener: Listener) -> None:
        self.node = node
        self.log = log
        self.container: Container | None = None
        self.pid: int | None = None
        self.state = NodeState.ABSENT
        self.wanted = False
        self.keeper: asyncio.Task[None] | None = None
        self.released = asyncio.Event()
        self.released.set()
        self.ended: asyncio.Future[int] | None = None
        """The exit code of what is running, once it has ended."""
        self.restarts = 0
        self.unexpected: list[int] = []
        self._listener = listener

    @property
    def is_service(self) -> bool:
        return self.node.role is Role.SERVICE

    def enter(self, state: NodeState) -> None:
        """Take another state and tell the listener; the same one again is no news."""
        if self.state is not state:
            self.state = state
            self._listener(self.node.name, state)

    def is_restarted_after(self, code: int) -> bool:
        """Whether the node's own policy starts it again after that exit code."""
        policy = self.node.restart
        return policy in {"always", "unless-stopped"} or (
            policy.startswith("on-failure") and code != 0
        )

    def mark(self, what: str) -> None:
        """A line of the harness's own in the node's log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"=== aftershock {now} {self.node.name} {what}\n")

    def why_unready(self, heard: str, timeout_s: float, *, gone: bool) -> str:
        """What is known of a node that did not get ready, with the end of its log."""
        what = "ended before it was ready" if gone else f"was not ready after {timeout_s:g} s"
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        tail = "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])
        return f"{self.node.name} {what} (last answer: {heard}); the end of {self.log}:\n{tail}"
