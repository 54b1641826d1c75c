"""The namespaces environment: every node a native process tree in namespaces of its own.

Must run inside `outer.run_inside`. Nodes find each other by name through their own /etc/hosts;
the harness stands on the bridge and reaches every node whatever is cut between nodes. Where the
nodes are tapped, their peers' names are addresses of taps, which the caller runs: see `links`.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from harness.environments import kernel
from harness.environments.hosts import hosts
from harness.environments.keeping import Keeping
from harness.environments.life import Listener
from harness.environments.links import Links
from harness.environments.process import Process
from harness.environments.recipes.base import Recipe, Site
from harness.environments.recipes.connect import Connect
from harness.environments.recipes.kafka import Kafka
from harness.environments.recipes.mariadb import MariaDB
from harness.environments.recipes.postgres import Postgres
from harness.environments.recipes.service import Service
from harness.environments.running import Running
from harness.environments.starting import Then, start_in_order
from harness.errors import (
    EnvironmentFailed,
    HarnessBug,
    MachineUnfit,
)
from harness.model.system import Node, Role, System
from harness.protocols import Death, NodeState
from harness.toolchain import Toolchain

READY_TIMEOUT_S = 60.0


def recipes(*, record: bool = False) -> dict[Role, Recipe]:
    """How each role runs natively. `record`: JVMs write their class caches on exit."""
    return {
        Role.POSTGRES: Postgres(),
        Role.MARIADB: MariaDB(),
        Role.KAFKA: Kafka(record=record),
        Role.KAFKA_CONNECT: Connect(record=record),
        Role.SERVICE: Service(),
    }


class Namespaces(Links, Keeping[Running]):
    """One system's nodes. Use as an async context manager."""

    _ASKED_EVERY_S = 0.025

    def __init__(
        self,
        system: System,
        toolchain: Toolchain,
        *,
        directory: Path,
        logs: Path,
        record: bool = False,
        tapped: bool = False,
        toxiproxy: Path | None = None,
        listener: Listener = lambda _node, _state: None,
    ) -> None:
        super().__init__(system, tapped=tapped, toxiproxy=toxiproxy)
        self._toolchain = toolchain
        self._directory = directory
        self._logs = logs
        self._recipes = recipes(record=record)
        self._listener = listener
        self._nodes: dict[str, Running] = {}

    async def __aenter__(self) -> Self:
        unsupported = [n for n in self.system.nodes if n.role not in self._recipes]
        if unsupported:
            raise MachineUnfit(
                f"{self.system.path}: service {unsupported[0].name} has role "
                f"{unsupported[0].role.value}, which the namespaces backend cannot run"
            )
        self._directory.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        kernel.bind(str(self._write_hosts("", {})), "/etc/hosts")
        # pyroute2 brings an event loop of its own, which this thread's does not suffer.
        self._network = await asyncio.to_thread(self._build_network)
        links = self.links()
        for node in self.system.nodes:
            taps = {link.server: link.listen for link in links if link.client == node.name}
            site = Site(
                node=node,
                address=self.address(node.name),
                directory=self._directory / node.name,
                netns_fd=self.namespace_fd(node.name),
                hosts=self._write_hosts(node.name, taps),
                log=self._logs / f"{node.name}.log",
                toolchain=self._toolchain,
            )
            site.directory.mkdir(exist_ok=True)
            self._nodes[node.name] = Running(
                site, self._recipes[node.role], listener=self._listener
            )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        try:
            for name in self._nodes:
                self._nodes[name].wanted = False
            await asyncio.gather(*(self._end(name, grace_s=0) for name in self._nodes))
        finally:
            if self._network is not None:
                await asyncio.to_thread(self._network.close)
                kernel.unmount("/etc/hosts")
            shutil.rmtree(self._directory, ignore_errors=True)

    def _write_hosts(self, node: str, taps: Mapping[str, str]) -> Path:
        """The harness's own without a name; none of these is a node's directory."""
        path = self._directory / f"hosts@{node}"
        path.write_text(hosts(self.system, taps), encoding="utf-8")
        return path

    # --- asking -------------------------------------------------------------------------------

    def pid(self, node: str) -> int | None:
        process = self._nodes[node].process
        return process.pid if process and process.exit_code is None else None

    def exists(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    def standing(self, node: str) -> int:
        """How many of the node's processes are frozen at this moment."""
        process = self._nodes[node].process
        return process.standing() if process else 0

    # --- starting -----------------------------------------------------------------------------

    async def start(
        self,
        nodes: Sequence[str],
        *,
        then: Then | None = None,
    ) -> None:
        """In parallel, each as soon as what it depends on is as far as it asks for. `then` is run
        for a node as soon as that one is ready, while others may still be starting."""
        await start_in_order(
            [self._nodes[name].node for name in nodes],
            launch=self._launch,
            ready=lambda name: self.wait_ready(name, READY_TIMEOUT_S),
            then=then,
            backend="the namespaces backend",
        )

    def redefine(self, nodes: Iterable[Node]) -> None:
        """Give nodes that are down another definition (a service's environment, say)."""
        for node in nodes:
            running = self._nodes[node.name]
            if running.process is not None:
                raise HarnessBug(f"{node.name} runs and cannot be redefined")
            running.site = replace(running.site, node=node)

    async def _begin(self, life: Running) -> None:
        launch = await life.recipe.prepare(life.site)
        life.process = await Process.start(
            launch,
            hostname=life.node.hostname or life.node.name,
            netns_fd=life.site.netns_fd,
        )

    async def _end_of(self, life: Running) -> int:
        if life.process is None:
            raise HarnessBug("a node is watched before it was started")
        return await life.process.wait()

    async def _ask(self, life: Running) -> None:
        await life.recipe.ready(life.site)

    # --- ending -------------------------------------------------------------------------------

    async def stop(self, nodes: Sequence[str]) -> None:
        running = self._wanted_no_more(nodes)
        await asyncio.gather(
            *(self._end(name, grace_s=self._nodes[name].node.stop_grace_s) for name in nodes)
        )
        await self._silence(running)

    async def discard(self, nodes: Sequence[str]) -> None:
        """SIGKILL nodes that are no longer wanted: for a reset, not for a fault."""
        running = self._wanted_no_more(nodes)
        await asyncio.gather(*(self._end(name, grace_s=0) for name in nodes))
        await self._silence(running)

    def _wanted_no_more(self, nodes: Sequence[str]) -> tuple[str, ...]:
        """Keep the restart policy off them. Returns those that have a process."""
        for name in nodes:
            self._nodes[name].wanted = False
        return tuple(name for name in nodes if self._nodes[name].process is not None)

    async def _silence(self, ended: Sequence[str]) -> None:
        """What the kernel still holds to send for them must not arrive in another scenario."""
        for name in ended:
            await self._renew(self._nodes[name])

    async def wipe(self) -> None:
        """End every node and empty its disk, as if none had ever been started."""
        await self.discard(tuple(self._nodes))
        await self.mend_all()
        for running in self._nodes.values():
            _empty(running.site.directory)

    async def start_anew(self, nodes: Sequence[str]) -> None:
        """End these nodes and start them from an empty disk."""
        await self.discard(nodes)
        for name in nodes:
            _empty(self._nodes[name].site.directory)
        await self.start(nodes)

    async def _end(self, name: str, *, grace_s: float) -> None:
        running = self._nodes[name]
        running.released.set()
        if running.process is not None:
            if running.state is NodeState.FROZEN:
                grace_s = 0
            polite = signal.Signals[running.node.stop_signal]
            await running.process.end(grace_s=grace_s, polite=polite)
        if running.keeper is not None:
            running.keeper.cancel()
            await asyncio.gather(running.keeper, return_exceptions=True)
            # A restart may have been under way when the keeper was told to end.
            if running.process is not None:
                await running.process.end(grace_s=0)
        running.keeper = running.process = None
        running.enter(NodeState.ABSENT)

    async def kill(self, node: str) -> Death:
        running = self._nodes[node]
        process = running.process
        if process is None or process.exit_code is not None:
            raise EnvironmentFailed(f"{node} cannot be killed: it is not running")
        running.released.clear()
        running.enter(NodeState.HELD_DOWN)
        process.send(signal.SIGKILL)
        code = await process.wait()
        await self._renew(running)
        return Death(
            node=node,
            pid=process.pid,
            code=code,
            signal=-code if code < 0 else None,
            survivors=len(process.members()),
        )

    async def _renew(self, running: Running) -> None:
        """Take its network, with all that the kernel still holds in there, from a dead node."""
        fd = await self._replace_network(running.node.name)
        running.site = replace(running.site, netns_fd=fd)

    async def freeze(self, node: str) -> int:
        running = self._nodes[node]
        if running.process is None:
            raise EnvironmentFailed(f"{node} cannot be frozen: it is not running")
        count = await running.process.freeze()
        running.enter(NodeState.FROZEN)
        return count

    async def thaw(self, node: str) -> None:
        running = self._nodes[node]
        if running.process is not None and running.state is NodeState.FROZEN:
            running.process.thaw()
            running.enter(NodeState.READY)


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
