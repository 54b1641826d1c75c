"""What a system is refused for before anything is made.

What needs an engine is in tests/in_docker.
"""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from harness.environments.docker import images
from harness.environments.docker.containers import Containers
from harness.errors import DeclarationError, MachineUnfit
from harness.model.system import Node, Role, System

DB = Node(name="db", role=Role.POSTGRES, image="postgres:18")


class Image:
    """One on this machine."""

    def __init__(self, *tags: str) -> None:
        self.tags = tags
        self.id = "sha256:" + ",".join(tags)


class Client:
    """An engine with these images and nothing else."""

    def __init__(self, *tags: str) -> None:
        self.images = self
        self.containers = self.networks = self.volumes = _Nothing()
        self._tags = tags

    def list(self) -> list[Image]:
        return [Image(*self._tags)]


class _Nothing:
    def list(self, **_given: Any) -> list[Any]:
        return []


def containers(tmp_path: Path, client: Client, *nodes: Node) -> Containers:
    """Of that system."""
    system = System(name="test", path=tmp_path / "test.yaml", nodes=nodes)
    return Containers(
        system, cast("Any", client), place=tmp_path / "0a1b", directory=tmp_path / "nodes",
        logs=tmp_path / "logs",
    )  # fmt: skip


async def enter(made: Containers) -> None:
    """And leave."""
    async with made:
        pass


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the command that builds it; nothing of the run is left."""
    with pytest.raises(MachineUnfit) as caught:
        asyncio.run(enter(containers(tmp_path, Client(), DB)))

    assert str(caught.value) == (
        "--backend docker: service db: postgres:18 is not on this machine as it is now; "
        "`aftershock images build` builds what is missing"
    )
    assert not (tmp_path / "nodes").exists()


def test_a_sandbox_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It is an image like the others."""
    with pytest.raises(MachineUnfit, match=images.SANDBOX):
        asyncio.run(enter(containers(tmp_path, Client("postgres:18"), DB)))


def test_more_nodes_than_addresses_are_refused(tmp_path: Path) -> None:
    """With the numbers."""
    nodes = [Node(name=f"n{n}", role=Role.SERVICE) for n in range(247)]
    with pytest.raises(DeclarationError, match=r"247 services; .* for 246"):
        asyncio.run(enter(containers(tmp_path, Client(), *nodes)))
