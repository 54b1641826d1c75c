"""The network's half of the namespaces environment: what lies between nodes in namespaces."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

from harness.environments import tap_links
from harness.environments.between import Between
from harness.environments.network import Network, address_of
from harness.environments.sockets import Connection
from harness.environments.toxiproxy import ToxiproxyServer
from harness.errors import HarnessBug
from harness.model.system import System
from harness.protocols import Reach


class Links(Between):
    """What lies between the nodes of one system."""

    def __init__(self, system: System, *, tapped: bool, toxiproxy: Path | None = None) -> None:
        """`toxiproxy`: its server's program."""
        super().__init__(system, tapped=tapped)
        self._toxiproxy = toxiproxy
        self._network: Network | None = None

    def _build_network(self) -> Network:
        """Blocks for some hundredths of a second. Raises DeclarationError where there are more
        nodes than taps have addresses for."""
        if self.tapped:
            tap_links.check_size(self.system)
        network = Network(tap_links.tap_addresses(self.system) if self.tapped else {})
        for name, index in self._index.items():
            network.add_node(name, address_of(index))
        if self.tapped:
            network.watch()
        return network

    @property
    def net(self) -> Network:
        """Blocking. Raises HarnessBug before the environment is entered."""
        if self._network is None:
            raise HarnessBug("the environment was used before it was entered")
        return self._network

    @property
    def rules(self) -> Network:
        return self.net

    def _own(self, index: int) -> str:
        return address_of(index)

    def _tap(self, client: int | None, server: int) -> str:
        return tap_links.tap_address(client, server)

    def namespace_fd(self, node: str) -> int:
        """The descriptor of the node's network namespace; another one after each replacement."""
        return self.net.namespace(node)

    def namespace_fds(self) -> Mapping[str, int]:
        """Node → the descriptor of its network namespace."""
        return {node.name: self.namespace_fd(node.name) for node in self.system.nodes}

    def sandbox_paths(self) -> Mapping[str, str]:
        """None: the taps enter the namespaces themselves."""
        return {}

    @property
    def names(self) -> Mapping[str, str]:
        """None: the harness has a hosts file of its own."""
        return {}

    async def socket_to_taps(self) -> socket.socket:
        """One of this process's own: the taps' addresses are local here."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        return sock

    def proxy_server(self, log: Path) -> ToxiproxyServer:
        """Where the taps are. Raises HarnessBug where there is no program for it."""
        if self._toxiproxy is None:
            raise HarnessBug("the environment was made without Toxiproxy")
        return ToxiproxyServer(self._toxiproxy, log)

    async def established(self, node: str) -> frozenset[Connection]:
        return await asyncio.to_thread(self.net.established, node)

    async def _replace_network(self, node: str) -> int:
        """A new namespace for a node whose process has ended, with the cuts of the old one.
        Returns its descriptor."""
        if self._taps is not None:
            await self._taps.node_gone(node)
        fd = await asyncio.to_thread(self.net.replace_node, node)
        if self._taps is not None:
            await self._taps.node_network(node, fd)
        return fd

    async def reach(self, client: str, server: str, port: int, timeout_s: float) -> Reach:
        """Past the taps: it is the link that is tried."""
        sock = await asyncio.to_thread(self.net.socket_in, client)
        try:
            connecting = asyncio.get_running_loop().sock_connect(sock, (self.address(server), port))
            await asyncio.wait_for(connecting, timeout_s)
        except TimeoutError:
            return Reach.TIMED_OUT
        except OSError:
            return Reach.REFUSED
        finally:
            sock.close()
        return Reach.ANSWERED
