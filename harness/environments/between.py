"""What lies between the nodes of one system, in any environment: addresses, taps, cuts."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable

from harness.environments import tap_links
from harness.environments.rules import Pair, Rules
from harness.environments.sockets import Connection
from harness.model.system import System
from harness.protocols import Cut, DirectLink, RoundTap, TapControl, TapLink

_TRIES_AGAIN_S = 1.0
"""Besides the time that a cut has lasted, which is the longest that a retransmission then waits."""
_LOOK_S = 0.05


class Between(ABC):
    """Who can reach whom, through which taps."""

    def __init__(self, system: System, *, tapped: bool) -> None:
        self.system = system
        self.tapped = tapped
        """Whether nodes reach their peers through taps, which somebody has to run."""
        self._index = {node.name: index for index, node in enumerate(system.nodes)}
        self._cut_at: dict[Pair, float] = {}
        self._taps: TapControl | None = None

    @property
    @abstractmethod
    def rules(self) -> Rules:
        """Blocking. Raises HarnessBug before the environment is entered."""

    @abstractmethod
    def _own(self, index: int) -> str:
        """The address of the node at that index of the system."""

    @abstractmethod
    def _tap(self, client: int | None, server: int) -> str:
        """Where the tap between two nodes listens."""

    @abstractmethod
    async def established(self, node: str) -> frozenset[Connection]:
        """(remote address, remote port, local port) of the connections that the kernel has in the
        node's network: those that the node took, those that it made itself, and those that a tap
        made there on its behalf."""

    def address(self, node: str) -> str:
        return self._own(self._index[node])

    # --- taps ---------------------------------------------------------------------------------

    def links(self) -> tuple[TapLink, ...]:
        """What the taps have to serve; nothing where nothing is tapped."""
        return tap_links.tap_links(self.system, self._own, self._tap) if self.tapped else ()

    def direct_links(self) -> tuple[DirectLink, ...]:
        """The pairs of nodes that no tap stands between, although the others have one."""
        return tap_links.direct_links(self.system) if self.tapped else ()

    def tap_address(self, client: str | None, server: str) -> str:
        """Where the client's tap for the server listens. Client None: the harness."""
        return self._tap(None if client is None else self._index[client], self._index[server])

    def attach_taps(self, control: TapControl | None) -> None:
        """From now on tell `control` what becomes of the nodes' networks; None: nobody."""
        self._taps = control

    async def round_the_taps(self) -> tuple[RoundTap, ...]:
        """Who has tried to connect to a peer past the tap between them; every attempt is told
        once. Nothing where nothing is tapped."""
        if not self.tapped:
            return ()
        past = await asyncio.to_thread(self.rules.past_taps)
        return tuple(
            RoundTap(client=client, server=server, packets=packets)
            for (client, server), packets in past.items()
        )

    # --- cuts ---------------------------------------------------------------------------------

    @property
    def cuts(self) -> frozenset[Pair]:
        """The pairs that are cut at this moment."""
        return self.rules.cuts

    async def cut(self, client: str, server: str) -> None:
        await asyncio.to_thread(self.rules.cut, client, server)
        self._cut_at[client, server] = time.monotonic()

    async def mend(self, client: str, server: str) -> None:
        """Returns when what was under way has arrived: a kernel that has sent something in vain
        waits twice as long each time before it tries again (RFC 6298), also for a program that has
        long given up and connected anew, and a late request can undo what newer ones did: an old
        offset commit turns a group back. Where nothing is acknowledged by then, that is not the
        cut's doing."""
        await asyncio.to_thread(self.rules.mend, client, server)
        if (began := self._cut_at.pop((client, server), None)) is None:
            return
        mended = time.monotonic()
        latest = mended + (mended - began) + _TRIES_AGAIN_S
        while time.monotonic() < latest:
            if not await asyncio.to_thread(self.rules.backing_off, client, server):
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
        lost = await asyncio.to_thread(self.rules.dropped, client, server)
        return Cut(client=client, server=server, packets=lost.packets)
