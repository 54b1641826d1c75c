"""The network's half of the namespaces environment: addresses, taps, cuts, attempts to connect."""

import asyncio
import time
from collections.abc import Iterable

from harness.environments import tap_links
from harness.environments.network import Network, Pair, address_of
from harness.environments.sockets import Connection
from harness.errors import HarnessBug
from harness.model.system import System
from harness.protocols import Cut, DirectLink, Reach, RoundTap, TapControl, TapLink

_TRIES_AGAIN_S = 1.0
"""Besides the time that a cut has lasted, which is the longest that a retransmission then waits."""
_LOOK_S = 0.05


class Links:
    """What lies between the nodes of one system."""

    def __init__(self, system: System, *, tapped: bool) -> None:
        self.system = system
        self.tapped = tapped
        """Whether nodes reach their peers through taps, which somebody has to run."""
        self._index = {node.name: index for index, node in enumerate(system.nodes)}
        self._network: Network | None = None
        self._cut_at: dict[Pair, float] = {}
        self._taps: TapControl | None = None

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

    def address(self, node: str) -> str:
        return address_of(self._index[node])

    # --- taps ---------------------------------------------------------------------------------

    def links(self) -> tuple[TapLink, ...]:
        """What the taps have to serve; nothing where nothing is tapped."""
        return tap_links.tap_links(self.system) if self.tapped else ()

    def direct_links(self) -> tuple[DirectLink, ...]:
        """The pairs of nodes that no tap stands between, although the others have one."""
        return tap_links.direct_links(self.system) if self.tapped else ()

    def tap_address(self, client: str | None, server: str) -> str:
        """Where the client's tap for the server listens. Client None: the harness."""
        return tap_links.tap_address(
            None if client is None else self._index[client], self._index[server]
        )

    def namespace_fd(self, node: str) -> int:
        """The descriptor of the node's network namespace; another one after each replacement."""
        return self.net.namespace(node)

    def attach_taps(self, control: TapControl | None) -> None:
        """From now on tell `control` what becomes of the nodes' networks; None: nobody."""
        self._taps = control

    async def round_the_taps(self) -> tuple[RoundTap, ...]:
        """Who has tried to connect to a peer past the tap between them; every attempt is told
        once. Nothing where nothing is tapped."""
        if not self.tapped:
            return ()
        past = await asyncio.to_thread(self.net.past_taps)
        return tuple(
            RoundTap(client=client, server=server, packets=packets)
            for (client, server), packets in past.items()
        )

    async def established(self, node: str) -> frozenset[Connection]:
        """(remote address, remote port, local port) of the connections that the kernel has in the
        node's network: those that the node took, those that it made itself, and those that a tap
        made there on its behalf."""
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

    # --- cuts ---------------------------------------------------------------------------------

    @property
    def cuts(self) -> frozenset[Pair]:
        """The pairs that are cut at this moment."""
        return self.net.cuts

    async def cut(self, client: str, server: str) -> None:
        await asyncio.to_thread(self.net.cut, client, server)
        self._cut_at[client, server] = time.monotonic()

    async def mend(self, client: str, server: str) -> None:
        """Returns when what was under way has arrived: a kernel that has sent something in vain
        waits twice as long each time before it tries again (RFC 6298), also for a program that has
        long given up and connected anew, and a late request can undo what newer ones did: an old
        offset commit turns a group back. Where nothing is acknowledged by then, that is not the
        cut's doing."""
        await asyncio.to_thread(self.net.mend, client, server)
        if (began := self._cut_at.pop((client, server), None)) is None:
            return
        mended = time.monotonic()
        latest = mended + (mended - began) + _TRIES_AGAIN_S
        while time.monotonic() < latest:
            if not await asyncio.to_thread(self.net.backing_off, client, server):
                return
            await asyncio.sleep(_LOOK_S)

    async def cut_groups(self, one: Iterable[str], other: Iterable[str]) -> None:
        """Cut every pair across two groups of nodes."""
        others = tuple(other)
        await asyncio.gather(*(self.cut(a, b) for a in one for b in others))

    async def mend_all(self) -> None:
        """Undo every cut that is still there."""
        await asyncio.gather(*(self.mend(a, b) for a, b in self.cuts))

    async def dropped(self, client: str, server: str) -> Cut:
        lost = await asyncio.to_thread(self.net.dropped, client, server)
        return Cut(client=client, server=server, packets=lost.packets)

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
