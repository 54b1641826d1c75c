"""Toxiproxy's container, by a fake engine whose containers are processes of this machine."""

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from harness.environments.docker.toxiproxy import ToxiproxyContainer
from harness.testing import eventually


class Beside:
    """An engine that starts a process for each container."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self.asked: list[tuple[str, str, list[str]]] = []
        self.process: subprocess.Popen[bytes] | None = None

    def run_beside(self, node: str, image: str, command: Sequence[str], **_given: Any) -> str:
        self.asked.append((node, image, list(command)))
        self.process = subprocess.Popen(self._command)
        return "container"

    def inspect(self, _container: str) -> SimpleNamespace:
        return SimpleNamespace(pid=None if self.process is None else self.process.pid)

    def follow(self, *_given: object) -> None: ...

    def discard(self, _container: str) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def container(engine: Beside, log: Path) -> ToxiproxyContainer:
    return ToxiproxyContainer(cast("Any", engine), "proxy:1", address="198.18.4.2", log=log)


def test_it_listens_at_the_sandboxs_own_address_and_is_ended(tmp_path: Path) -> None:
    """Twice is once, and it may be started again."""
    engine = Beside("sleep", "60")

    async def test() -> None:
        server = container(engine, tmp_path / "log")
        assert (server.control, server.pid, server.failure) == ("198.18.4.2", None, None)
        for _ in range(2):
            await server.start()
            assert engine.process is not None
            assert (server.pid, server.failure) == (engine.process.pid, None)
            for _ in range(2):
                await server.close()
            assert (server.pid, server.failure) == (None, None)

    asyncio.run(test())
    asked = ("aftershock-taps", "proxy:1", ["-host", "198.18.4.2", "-port", "8474"])
    assert engine.asked == [asked, asked]


def test_one_that_ends_by_itself_has_failed(tmp_path: Path) -> None:
    """Until it is closed."""
    engine = Beside("true")

    async def test() -> None:
        server = container(engine, tmp_path / "log")
        await server.start()
        await eventually(lambda: server.failure is not None)
        assert server.pid is None
        assert str(server.failure).startswith("Toxiproxy's container ended by itself; see ")
        await server.close()
        assert server.failure is None

    asyncio.run(test())
