"""The server's process: its arguments, its end, and that it ended by itself."""

import asyncio
from pathlib import Path

import pytest

from harness.environments.tap_links import tap_address
from harness.environments.toxiproxy import ADDRESS, EXIT, ToxiproxyServer
from harness.errors import EnvironmentFailed
from harness.testing import eventually


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def running(server: ToxiproxyServer) -> tuple[bool, str | None]:
    return server.pid is not None, server.failure


def test_its_addresses_are_no_taps() -> None:
    """Whatever the system."""
    taps = {tap_address(client, server) for client in (None, *range(246)) for server in range(246)}
    assert not {ADDRESS, EXIT} & taps


def test_it_is_started_with_its_address_and_ended(tmp_path: Path) -> None:
    """Twice is once."""
    log = tmp_path / "log"
    server = ToxiproxyServer(program(tmp_path / "server", 'echo "$@"; exec sleep 60'), log)

    async def test() -> None:
        assert running(server) == (False, None)
        await server.start()
        assert running(server) == (True, None)
        await eventually(lambda: bool(log.read_text()))
        for _ in range(2):
            await server.close()
        assert running(server) == (False, None)

    asyncio.run(test())
    assert log.read_text() == f"-host {ADDRESS} -port 8474\n"


def test_one_that_ends_by_itself_has_failed(tmp_path: Path) -> None:
    """Until it is closed."""
    server = ToxiproxyServer(program(tmp_path / "server", "exit 3"), tmp_path / "log")

    async def test() -> None:
        await server.start()
        await eventually(lambda: server.failure is not None)
        is_up, why = running(server)
        assert not is_up
        assert str(why).startswith("toxiproxy-server ended by itself with 3; see ")
        await server.close()
        assert running(server) == (False, None)

    asyncio.run(test())


def test_one_that_cannot_be_executed_is_the_rigs_failure(tmp_path: Path) -> None:
    """By its path."""
    server = ToxiproxyServer(tmp_path / "nothing", tmp_path / "log")
    with pytest.raises(EnvironmentFailed, match="nothing cannot be executed: No such file"):
        asyncio.run(server.start())
