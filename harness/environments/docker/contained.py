"""What the Docker environment remembers of one node while a run lives."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environments.life import Life, Listener
from harness.model.system import Node

if TYPE_CHECKING:
    from docker.models.containers import Container


class Contained(Life):
    """One node: its definition, its container, and what became of it."""

    def __init__(self, node: Node, log: Path, listener: Listener) -> None:
        super().__init__(log, listener)
        self.defined = node
        self.container: Container | None = None
        self.pid: int | None = None
        self.ended: asyncio.Future[int] | None = None
        """The exit code of what is running, once it has ended."""

    @property
    def node(self) -> Node:
        return self.defined
