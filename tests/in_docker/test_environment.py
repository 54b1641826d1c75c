"""Nodes in containers: killed, frozen and cut off, seen by the kernel and by their peers."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.environments import compose
from harness.environments.docker import images, leftovers
from harness.environments.docker.containers import Containers
from harness.protocols import NodeState, Reach
from harness.testing import eventually

if TYPE_CHECKING:
    from docker import DockerClient

PORT = 8080
FILE = f"""
services:
  server:
    image: {images.PYTHON}
    command: [python, -m, http.server, "{PORT}"]
    hostname: the-server
    ports: ["{PORT}"]
    restart: always
    labels: {{aftershock.ready: {PORT}/}}
  client:
    image: {images.PYTHON}
    restart: always
    container_name: would-collide
    depends_on: [server]
    command:
      - python
      - -c
      - "import os, time; print(os.environ['SAYS'], flush=True); time.sleep(1000)"
    environment: {{SAYS: 'a dollar: $$HOME'}}
"""

Use = Callable[[Containers], Awaitable[None]]


@pytest.fixture
def using(tmp_path: Path, engine: "DockerClient") -> Callable[[Use], None]:
    """Do something with the two nodes running; afterwards nothing of the run is left."""
    path = tmp_path / "compose.yaml"
    path.write_text(FILE)
    system = compose.read(path, environ={})

    async def use(act: Use) -> None:
        place = tmp_path / "runs" / "0a1b2c3d4e5f"
        made = Containers(
            system, engine, place=place, directory=place / "nodes", logs=tmp_path / "logs"
        )
        async with made:
            await made.start(["server", "client"])
            await act(made)

    def call(act: Use) -> None:
        asyncio.run(use(act))
        assert "0a1b2c3d4e5f" not in leftovers.placed(engine)

    return call


def test_peers_are_found_by_name_and_logs_are_kept(
    using: Callable[[Use], None], tmp_path: Path
) -> None:
    """The compose file's hostname and environment hold, its container name does not."""

    async def act(env: Containers) -> None:
        log = tmp_path / "logs" / "client.log"
        await eventually(lambda: "a dollar: $HOME" in log.read_text())
        container = env._engine.container("client")
        _, hosts = container.exec_run(["cat", "/etc/hosts"])
        assert f"{env.address('server')}\tserver" in hosts.decode()
        _, name = env._engine.container("server").exec_run(["cat", "/etc/hostname"])
        assert name.decode().strip() == "the-server"
        assert await env.reach("client", "server", PORT, 2) is Reach.ANSWERED

    using(act)


def test_a_killed_node_is_gone_until_it_is_released(using: Callable[[Use], None]) -> None:
    """No process of it is left, its port refuses, and another process is there afterwards."""

    async def act(env: Containers) -> None:
        pid, address = env.pid("server"), env.address("server")
        assert pid is not None
        death = await env.kill("server")
        assert (death.signal, death.survivors, death.pid) == (9, 0, pid)
        assert not env.exists(pid)
        assert env.state("server") is NodeState.HELD_DOWN
        assert await env.reach("client", "server", PORT, 2) is Reach.REFUSED
        await env.release("server")
        await env.wait_ready("server", 20)
        assert env.pid("server") not in {None, pid}
        assert env.address("server") == address
        assert env.unexpected_ends(["server", "client"]) == ()

    using(act)


def test_a_frozen_node_is_killed_as_any_other(using: Callable[[Use], None]) -> None:
    """What points do: freeze, then SIGKILL."""

    async def act(env: Containers) -> None:
        await env.freeze("server")
        death = await env.kill("server")
        assert (death.signal, death.survivors) == (9, 0)
        await env.thaw("server")
        await env.release("server")
        await env.wait_ready("server", 20)

    using(act)


def test_a_frozen_node_stands_still(using: Callable[[Use], None]) -> None:
    """By the kernel's word; it takes connections and answers nobody."""

    async def act(env: Containers) -> None:
        assert env.standing("server") == 0
        assert await env.freeze("server") >= 1
        assert env.standing("server") >= 1
        with socket.create_connection((env.address("server"), PORT), timeout=2) as asking:
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            asking.settimeout(0.3)
            heard = b"nothing"
            with suppress(TimeoutError):
                heard = asking.recv(10)
            assert heard == b"nothing"
            await env.thaw("server")
            asking.settimeout(5)
            assert asking.recv(10)
        assert env.standing("server") == 0

    using(act)


def test_a_cut_swallows_packets_between_two_nodes_alone(using: Callable[[Use], None]) -> None:
    """The harness still reaches the server; after the mending so does the client."""

    async def act(env: Containers) -> None:
        await env.cut("client", "server")
        assert await env.reach("client", "server", PORT, 0.4) is Reach.TIMED_OUT
        assert (await env.dropped("client", "server")).packets > 0
        await env.wait_ready("server", 5)
        await env.mend_all()
        assert env.cuts == frozenset()
        assert await env.reach("client", "server", PORT, 2) is Reach.ANSWERED

    using(act)


def test_a_node_that_ends_by_itself_is_started_again(using: Callable[[Use], None]) -> None:
    """By its restart policy, and that it ended is told."""

    async def act(env: Containers) -> None:
        pid = env.pid("server")
        env._engine.container("server").kill(signal="SIGKILL")
        await eventually(lambda: env.pid("server") not in {None, pid})
        await env.wait_ready("server", 20)
        ((name, code),) = env.unexpected_ends(["server"])
        assert name == "server" and code != 0

    using(act)


def test_another_definition_is_another_container(
    using: Callable[[Use], None], tmp_path: Path
) -> None:
    """A stopped node is given another environment."""

    async def act(env: Containers) -> None:
        await env.stop(["client"])
        node = env.system.node("client")
        env.redefine([replace(node, environment={"SAYS": "something else"})])
        await env.start(["client"])
        log = tmp_path / "logs" / "client.log"
        await eventually(lambda: "something else" in log.read_text())

    using(act)
