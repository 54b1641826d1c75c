"""The network's half of the Docker environment: sandboxes, and what lies between them."""

import asyncio
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from harness.environments import tap_links
from harness.environments.between import Between
from harness.environments.docker import names as naming
from harness.environments.docker.overlay import Ground
from harness.environments.docker.rules import SandboxRules
from harness.environments.docker.sandboxes import Sandbox
from harness.environments.network import TAPS
from harness.environments.sockets import Connection, established
from harness.errors import EnvironmentFailed, HarnessBug
from harness.model.address import CLIENT
from harness.model.system import System
from harness.protocols import Reach

_SANDBOX_TIMEOUT_S = 30.0
_POLL_S = 0.05


class SandboxLinks(Between):
    """What lies between the nodes of one system in containers."""

    def __init__(self, system: System, sockets: Path, *, tapped: bool) -> None:
        """`sockets`: the folder in which the sandboxes answer."""
        super().__init__(system, tapped=tapped)
        self._sockets = sockets
        self._ground: Ground | None = None
        self._sandboxes: dict[str, Sandbox] = {}
        self._rules: SandboxRules | None = None

    async def _open_sandboxes(self) -> None:
        """Await every sandbox's answer. Raises EnvironmentFailed."""
        held = [node.name for node in self.system.nodes]
        if self.tapped:
            held.append(naming.TAPS_SANDBOX)
        for name in held:
            self._sandboxes[name] = await self._open_sandbox(name)
        own = {node.name: self.address(node.name) for node in self.system.nodes}
        taps = tap_links.tap_addresses(self.system, self._tap) if self.tapped else {}
        self._rules = SandboxRules(self._sandboxes, own, taps)
        if self.tapped:
            await asyncio.to_thread(self._prepare_taps)

    def _prepare_taps(self) -> None:
        """Every tap's address is local to the taps' sandbox, by one route, and the way there is
        another one in each node's; the harness goes to addresses of the run's own network."""
        taps = self._sandboxes[naming.TAPS_SANDBOX]
        taps.ask("local", network=TAPS)
        for index in range(len(self.system.nodes)):
            taps.ask("address", address=self._tap(None, index))
        gateway = naming.taps_in(self._on().subnet)
        for node in self.system.nodes:
            self._sandboxes[node.name].ask("route", network=TAPS, gateway=gateway)
        self.rules.watch()

    async def _open_sandbox(self, name: str) -> Sandbox:
        path = self._sockets / f"{name}.sock"
        deadline = time.monotonic() + _SANDBOX_TIMEOUT_S
        while True:
            try:
                sandbox = await asyncio.to_thread(Sandbox, name, path)
                await asyncio.to_thread(sandbox.ask, "ping")
                return sandbox
            except EnvironmentFailed:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_S)

    def _close_sandboxes(self) -> None:
        for sandbox in self._sandboxes.values():
            sandbox.close()
        self._sandboxes.clear()

    @property
    def rules(self) -> SandboxRules:
        if self._rules is None:
            raise HarnessBug("the environment was used before it was entered")
        return self._rules

    def _on(self) -> Ground:
        if self._ground is None:
            raise HarnessBug("the environment was used before it was entered")
        return self._ground

    def _own(self, index: int) -> str:
        return naming.address_in(self._on().subnet, index)

    def _tap(self, client: int | None, server: int) -> str:
        if client is None:
            return naming.client_tap_in(self._on().subnet, server)
        return tap_links.tap_address(client, server)

    @property
    def names(self) -> Mapping[str, str]:
        """The nodes' addresses: this machine cannot look their names up."""
        return {node.name: self.address(node.name) for node in self.system.nodes}

    def namespace_fds(self) -> Mapping[str, int]:
        """None: this process may have no right to enter them."""
        return {}

    def sandbox_paths(self) -> Mapping[str, str]:
        """Client → the socket of the sandbox that makes sockets in its network."""
        paths = {n.name: str(self._sockets / f"{n.name}.sock") for n in self.system.nodes}
        return paths | {CLIENT: str(self._sockets / f"{naming.TAPS_SANDBOX}.sock")}

    async def socket_to_taps(self) -> socket.socket:
        """One of the taps' own network: only what is in there reaches all of them."""
        sock = await asyncio.to_thread(self._sandboxes[naming.TAPS_SANDBOX].socket, "socket")
        sock.setblocking(False)
        return sock

    async def _forget(self, node: str) -> None:
        """The node's process has ended: end its connections, here, at its servers, and what its
        kernel still holds to send. In namespaces it loses its network with it."""
        if self._taps is not None:
            await self._taps.node_gone(node)
        await asyncio.to_thread(self._sandboxes[node].ask, "forget")

    async def established(self, node: str) -> frozenset[Connection]:
        told: list[str] = await asyncio.to_thread(self._sandboxes[node].ask, "sockets")
        return frozenset().union(*(established(text) for text in told))

    async def reach(self, client: str, server: str, port: int, timeout_s: float) -> Reach:
        def ask() -> str:
            # A connection of its own: an attempt that is not answered must not keep others waiting.
            sandbox = Sandbox(client, self._sockets / f"{client}.sock")
            try:
                told: str = sandbox.ask(
                    "reach", address=self.address(server), port=port, within_s=timeout_s
                )
                return told
            finally:
                sandbox.close()

        return Reach(await asyncio.to_thread(ask))
