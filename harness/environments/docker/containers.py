"""The Docker environment: every node a container beside its sandbox, of one Compose project.

The engine must be a local one: nodes are reached at their own addresses, processes are seen under
/proc, and sandboxes answer on sockets in a folder of this machine. Restart policies, readiness and
the order of start are the harness's, as in namespaces.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from harness.environments.docker import frozen, images, names, overlay, seat
from harness.environments.docker.contained import Contained
from harness.environments.docker.engine import Engine
from harness.environments.docker.links import SandboxLinks
from harness.environments.docker.readiness import ready
from harness.environments.docker.sdk import engine_errors, unless_ended
from harness.environments.docker.toxiproxy import ToxiproxyContainer
from harness.environments.keeping import Keeping
from harness.environments.life import Listener
from harness.environments.starting import Then, start_in_order
from harness.errors import DeclarationError, EnvironmentFailed, HarnessBug, MachineUnfit
from harness.model.system import Node, Role, System
from harness.protocols import Death, NodeState

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

READY_TIMEOUT_S = 90.0
_POLL_S = 0.05
_PROGRAM = "harness.environments.docker.sandbox"
"""What every sandbox runs."""
_SIGHT_TIMEOUT_S = 5.0
_TOLD_TIMEOUT_S = 20.0
"""For the engine's word that a container has ended."""
_KILLED = 128
"""An exit code above this tells the signal."""


class Containers(SandboxLinks, Keeping[Contained]):
    """One system's nodes. Use as an async context manager."""

    _ASKED_EVERY_S = 0.05

    def __init__(
        self,
        system: System,
        client: "DockerClient",
        *,
        place: Path,
        directory: Path,
        logs: Path,
        tapped: bool = False,
        toxiproxy: str | None = None,
        listener: Listener = lambda _node, _state: None,
    ) -> None:
        """`toxiproxy`: the image of its server."""
        super().__init__(system, directory / "sockets", tapped=tapped)
        self._toxiproxy = toxiproxy
        self._client = client
        self._place = place
        self._engine = Engine(client, place)
        self._directory = directory
        self._logs = logs
        self._nodes = {
            node.name: Contained(node, logs / f"{node.name}.log", listener) for node in system.nodes
        }
        self._unwatch: Callable[[], None] = lambda: None
        self._created: set[str] = set()
        """Nodes whose container is as their definition says."""

    # --- entering and leaving -----------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if len(self.system.nodes) > names.MOST_NODES:
            raise DeclarationError(
                f"{self.system.path}: {len(self.system.nodes)} services; a run in containers has "
                f"addresses for {names.MOST_NODES}"
            )
        for folder in (self._directory, self._sockets, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        # Whoever connects to a sandbox may act in its network: nobody else gets as far as there. A
        # sandbox is another user where the engine maps users, and makes its socket nevertheless.
        self._directory.chmod(0o700)
        self._sockets.chmod(0o777)
        try:
            await self._settle()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _settle(self) -> None:
        sandbox, chosen = await asyncio.to_thread(self._choose_images)
        network, subnet = await asyncio.to_thread(self._engine.make_network)
        self._ground = overlay.Ground(
            place=self._place, subnet=subnet, network=network, sockets=self._sockets,
            sandbox_image=sandbox, images=chosen, tapped=self.tapped,
        )  # fmt: skip
        loop = asyncio.get_running_loop()

        def tell(container: str, code: int) -> None:
            loop.call_soon_threadsafe(self._died, container, code)

        self._unwatch = await asyncio.to_thread(self._engine.watch_deaths, tell)
        holders = [names.sandbox(node.name) for node in self.system.nodes]
        if self.tapped:
            holders.append(names.TAPS_SANDBOX)
        await self._compose("up", "--detach", "--no-build", *holders)
        await self._require_sight()
        if not seat.is_local(str(subnet[1])):
            raise MachineUnfit(
                "--backend docker: the engine's networks are not this machine's own (an engine in "
                "another network namespace, as one without root is), so that no node is reached"
            )
        await self._open_sandboxes()

    async def _require_sight(self) -> None:
        """Raises MachineUnfit where the engine's processes are not to be seen from here: whether
        one is gone could not be told."""
        first = self.system.nodes[0].name
        container = await asyncio.to_thread(self._engine.container, first, names.SANDBOX)
        deadline = time.monotonic() + _SIGHT_TIMEOUT_S
        while True:
            pid = (await asyncio.to_thread(self._engine.inspect, container)).pid
            if pid is None:
                said = await asyncio.to_thread(container.logs, tail=5)
                told = said.decode(errors="replace").strip()
                raise EnvironmentFailed(f"the sandbox of {first} ended: {told}")
            if frozen.is_seen(pid, _PROGRAM):
                return
            # Its first process becomes the program a moment after the engine calls it started.
            if time.monotonic() > deadline:
                raise MachineUnfit(
                    "--backend docker: the engine's processes are not to be seen from here (an "
                    "engine in a virtual machine or on another host, or a harness that is in a "
                    "container itself), so that no fault could be proved"
                )
            await asyncio.sleep(_POLL_S)

    async def __aexit__(self, *_exc: object) -> None:
        for contained in self._nodes.values():
            contained.wanted = False
            if contained.keeper is not None:
                contained.keeper.cancel()
        keepers = [c.keeper for c in self._nodes.values() if c.keeper is not None]
        await asyncio.gather(*keepers, return_exceptions=True)
        self._close_sandboxes()
        try:
            await asyncio.to_thread(self._engine.remove_all)
        finally:
            self._unwatch()
            shutil.rmtree(self._directory, ignore_errors=True)

    def _choose_images(self) -> tuple[str, dict[str, str]]:
        """The sandbox's image and each node's, by id, so that a tag that moves meanwhile changes
        nothing. Raises MachineUnfit naming the image that is missing and how to come by it."""
        with engine_errors("the engine's images"):
            ids = {tag: str(i.id) for i in self._client.images.list() for tag in i.tags}
        local = frozenset(ids)
        found: dict[str, str] = {}
        for node in self.system.nodes:
            if node.role is Role.SERVICE:
                image = images.built_service(node, local)
            else:
                image = images.image_of(node, local)
            if image is None or images.SANDBOX not in local:
                missing = node.image or "its own image"
                what = images.SANDBOX if image is not None else f"service {node.name}: {missing}"
                raise MachineUnfit(
                    f"--backend docker: {what} is not on this machine as it is now; "
                    "`aftershock images build` builds what is missing"
                )
            found[node.name] = ids[image]
        return ids[images.SANDBOX], found

    # --- asking -------------------------------------------------------------------------------

    def pid(self, node: str) -> int | None:
        return self._nodes[node].pid

    def exists(self, pid: int) -> bool:
        return os.path.exists(f"/proc/{pid}")

    def standing(self, node: str) -> int:
        pid = self._nodes[node].pid
        return frozen.standing(pid) if pid is not None else 0

    def proxy_server(self, log: Path) -> ToxiproxyContainer:
        """Beside the taps. Raises HarnessBug where there is no image for it."""
        if self._toxiproxy is None:
            raise HarnessBug("the environment was made without Toxiproxy")
        address = names.taps_in(self._on().subnet)
        return ToxiproxyContainer(self._engine, self._toxiproxy, address=address, log=log)

    # --- starting -----------------------------------------------------------------------------

    async def start(
        self,
        nodes: Sequence[str],
        *,
        then: Then | None = None,
    ) -> None:
        """In parallel, each as soon as what it depends on is as far as it asks for. `then` is run
        for a node as soon as that one is ready, while others may still be starting."""
        await self._create(nodes)
        await start_in_order(
            [self._nodes[name].node for name in nodes],
            launch=self._launch,
            ready=lambda name: self.wait_ready(name, READY_TIMEOUT_S),
            then=then,
            backend="--backend docker yet",
        )

    async def _create(self, nodes: Iterable[str]) -> None:
        """Have a container for each, as its definition says."""
        missing = [name for name in nodes if name not in self._created]
        if missing:
            await self._compose("create", "--no-build", *missing)
            self._created.update(missing)
            for name in missing:
                contained = self._nodes[name]
                contained.container = await asyncio.to_thread(self._engine.container, name)

    async def _compose(self, *verb: str) -> None:
        path = self._directory / "overlay.yaml"
        defined = replace(self.system, nodes=tuple(c.node for c in self._nodes.values()))
        path.write_text(overlay.text(defined, self._on()), encoding="utf-8")
        await asyncio.to_thread(self._engine.compose, (self.system.path, path), verb, {})

    def redefine(self, nodes: Iterable[Node]) -> None:
        """Give nodes that are down another definition (a service's environment, say)."""
        for node in nodes:
            contained = self._nodes[node.name]
            if contained.pid is not None:
                raise HarnessBug(f"{node.name} runs and cannot be redefined")
            if contained.node != node:
                contained.defined = node
                self._created.discard(node.name)

    async def _begin(self, life: Contained) -> None:
        container = self._container(life)
        life.ended = asyncio.get_running_loop().create_future()
        began = time.time()
        with engine_errors(f"starting {life.node.name}"):
            await asyncio.to_thread(container.start)
        known = await asyncio.to_thread(self._engine.inspect, container)
        life.pid = None if life.ended.done() else known.pid
        self._engine.follow(container, life.log, began)

    async def _end_of(self, life: Contained) -> int:
        if life.ended is None:
            raise HarnessBug("a node is watched before it was started")
        return await asyncio.shield(life.ended)

    async def _ask(self, life: Contained) -> None:
        address = self.address(life.node.name)
        await ready(life.node, address, self._container(life), self.names)

    def _container(self, contained: Contained) -> "Container":
        if contained.container is None:
            raise EnvironmentFailed(f"{contained.node.name} has no container")
        return contained.container

    def _died(self, container: str, code: int) -> None:
        """The engine's word that a container has ended."""
        for contained in self._nodes.values():
            known = contained.container
            if known is not None and known.id == container:
                contained.pid = None
                if contained.ended is not None and not contained.ended.done():
                    contained.ended.set_result(code)

    # --- ending -------------------------------------------------------------------------------

    async def stop(self, nodes: Sequence[str]) -> None:
        await self._end_all(nodes, politely=True)

    async def discard(self, nodes: Sequence[str]) -> None:
        """SIGKILL nodes that are no longer wanted: for a reset, not for a fault."""
        await self._end_all(nodes, politely=False)

    async def _end_all(self, nodes: Sequence[str], *, politely: bool) -> None:
        ran = [name for name in nodes if self._nodes[name].ended is not None]
        for name in nodes:
            self._nodes[name].wanted = False
        await asyncio.gather(*(self._end(self._nodes[name], politely=politely) for name in nodes))
        for name in ran:
            await self._forget(name)

    async def wipe(self) -> None:
        """End every node and empty its disk, as if none had ever been started."""
        await self._remove(tuple(self._nodes))
        await self.mend_all()

    async def start_anew(self, nodes: Sequence[str]) -> None:
        """End these nodes and start them from an empty disk."""
        if nodes:
            await self._remove(nodes)
            await self.start(nodes)

    async def _remove(self, nodes: Sequence[str]) -> None:
        await self.discard(nodes)
        for name in nodes:
            contained = self._nodes[name]
            if contained.container is not None:
                await asyncio.to_thread(self._engine.discard, contained.container)
                contained.container = None
            self._created.discard(name)

    async def _end(self, contained: Contained, *, politely: bool) -> None:
        contained.released.set()
        frozen_now = contained.state is NodeState.FROZEN
        if contained.keeper is not None and not contained.pid:
            # A restart may be under way: its end is awaited below.
            contained.keeper.cancel()
            await asyncio.gather(contained.keeper, return_exceptions=True)
        if contained.ended is not None and contained.container is not None:
            grace_s = contained.node.stop_grace_s if politely and not frozen_now else 0
            await self._stop(contained.container, contained, grace_s)
        if contained.keeper is not None:
            contained.keeper.cancel()
            await asyncio.gather(contained.keeper, return_exceptions=True)
        contained.keeper = contained.ended = contained.pid = None
        contained.enter(NodeState.ABSENT)

    async def _stop(self, container: "Container", contained: Contained, grace_s: float) -> None:
        known = await asyncio.to_thread(self._engine.inspect, container)
        if known.pid is None:
            return
        with engine_errors(f"stopping {contained.node.name}"), unless_ended():
            if grace_s <= 0:
                await asyncio.to_thread(container.kill)
            else:
                await asyncio.to_thread(container.stop, timeout=max(1, round(grace_s)))
        if contained.ended is not None:
            # Told later it would be taken for the end of what runs in there next.
            async with asyncio.timeout(_TOLD_TIMEOUT_S):
                await asyncio.shield(contained.ended)

    # --- faults -------------------------------------------------------------------------------

    async def kill(self, node: str) -> Death:
        contained = self._nodes[node]
        pid, ended = contained.pid, contained.ended
        if pid is None or ended is None:
            raise EnvironmentFailed(f"{node} cannot be killed: it is not running")
        members = frozen.members(pid) or (pid,)
        contained.released.clear()
        contained.enter(NodeState.HELD_DOWN)
        with engine_errors(f"killing {node}"):
            await asyncio.to_thread(self._container(contained).kill)
        code = await asyncio.shield(ended)
        await self._forget(node)
        return Death(
            node=node,
            pid=pid,
            code=code,
            signal=code - _KILLED if code > _KILLED else None,
            survivors=sum(self.exists(member) for member in members),
        )

    async def freeze(self, node: str) -> int:
        contained = self._nodes[node]
        if contained.pid is None:
            raise EnvironmentFailed(f"{node} cannot be frozen: it is not running")
        with engine_errors(f"pausing {node}"):
            await asyncio.to_thread(frozen.pause, self._container(contained))
        contained.enter(NodeState.FROZEN)
        return frozen.standing(contained.pid)

    async def thaw(self, node: str) -> None:
        contained = self._nodes[node]
        if contained.pid is not None and contained.state is NodeState.FROZEN:
            with engine_errors(f"unpausing {node}"):
                await asyncio.to_thread(self._container(contained).unpause)
            contained.enter(NodeState.READY)
