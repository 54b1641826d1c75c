"""What becomes of one node while a run lives, whatever it runs in: its state, how often it came back,
and what its log says of that."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from harness.model.system import Node, Role
from harness.protocols import NodeState

_TAIL_LINES = 8

Listener = Callable[[str, NodeState], None]
"""Is told a node's name and the state that it entered."""


class Life(ABC):
    """Of one node."""

    def __init__(self, log: Path, listener: Listener) -> None:
        self.log = log
        self.state = NodeState.ABSENT
        self.wanted = False
        """Whether the restart policy may start it again."""
        self.keeper: asyncio.Task[None] | None = None
        self.released = asyncio.Event()
        self.released.set()
        self.restarts = 0
        """How often the restart policy has started it again."""
        self.unexpected: list[int] = []
        """Exit codes of ends that nobody asked for."""
        self._listener = listener

    @property
    @abstractmethod
    def node(self) -> Node:
        """Its definition as it is now."""

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
        tail = "\n".join(f"    {line}" for line in self._tail())
        return f"{self.node.name} {what} (last answer: {heard}); the end of {self.log}:\n{tail}"

    def _tail(self) -> list[str]:
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-_TAIL_LINES:]
