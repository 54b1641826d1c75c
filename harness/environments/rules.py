"""What is dropped and counted between nodes, whatever their networks are made of.

A cut drops what the client sends at the server's side and what the server sends back, by one
nftables table a pair with a counter in each rule: the table's removal is the heal, and the counters
are the proof that packets were lost. With taps a cut drops what goes to the tap as well, at the
client's side, so that an attempt to connect is as unanswered as without taps. Attempts to connect
to a peer's own address are counted where they start, those of the taps (and of the harness), which
carry a mark, left out.
"""

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from harness.environments import nft
from harness.environments.sockets import backing_off
from harness.protocols import TAP_MARK

T = TypeVar("T")

Pair = tuple[str, str]
"""Client and server, by name."""
_BYPASS = "bypass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What a cut has swallowed since it was made, or since a node of it was replaced."""

    packets: int
    bytes: int


class Rules(ABC):
    """The rules of all nodes. Blocking."""

    def __init__(self, taps: Mapping[Pair, str]) -> None:
        """`taps`: for every pair with a tap, the address at which it listens."""
        self._taps = dict(taps)
        self._addresses: dict[str, str] = {}
        """Node → its own address, of the nodes that there are."""
        self._cuts: set[Pair] = set()
        self._passed: Counter[Pair] = Counter()
        """Attempts past the taps in networks that were replaced since."""
        self._told: Counter[Pair] = Counter()
        self._watching = False
        self._lock = threading.RLock()
        """Whoever is in a node's network has it for himself, and it is not replaced meanwhile."""

    @abstractmethod
    def _at(self, node: str, act: "partial[T]") -> T:
        """Call a function of `nft`, which lacks its first argument, in the node's network."""

    @abstractmethod
    def _sockets(self, node: str) -> list[str]:
        """What the kernel tells of those in the node's network: /proc/net/tcp and tcp6."""

    def backing_off(self, client: str, server: str) -> int:
        """How many of the client's sockets, its own towards its tap and the tap's towards the
        server, wait before they send again what was lost between the two."""
        tap = self._taps.get((client, server))
        peers = frozenset((self._addresses[server], *(() if tap is None else (tap,))))
        return sum(backing_off(text, peers) for text in self._sockets(client))

    @property
    def cuts(self) -> frozenset[Pair]:
        """The pairs that are cut at this moment."""
        return frozenset(self._cuts)

    def cut(self, client: str, server: str) -> None:
        """Drop everything between the two, both ways, at the server, and at each of them what
        goes to its tap for the other. Idempotent."""
        with self._lock:
            self.mend(client, server)
            self._cuts.add((client, server))
            for node, table, peers in self._drops(client, server):
                self._at(node, partial(nft.drop, table=table, peers=peers))

    def mend(self, client: str, server: str) -> None:
        """Undo `cut`. Idempotent."""
        with self._lock:
            for node, table, _ in self._drops(client, server):
                self._at(node, partial(nft.remove, table=table))
            self._cuts.discard((client, server))

    def dropped(self, client: str, server: str) -> Dropped:
        """What the cut between the two has swallowed; zero where there is no cut."""
        met = [
            rule
            for node, table, _ in self._drops(client, server)
            for rule in self._at(node, partial(nft.counted, table=table))
        ]
        return Dropped(packets=sum(r.packets for r in met), bytes=sum(r.bytes for r in met))

    def _drops(self, client: str, server: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """(node, its table, addresses) of a cut. The other one's tap for this one: who is dialled
        may dial, too, and gets through no more than without taps."""
        back = self._taps.get((server, client))
        peers = (self._addresses[client], *(() if back is None else (back,)))
        drops = [(server, f"cut-{client}", peers)]
        if (there := self._taps.get((client, server))) is not None:
            drops.append((client, f"tap-cut-{server}", (there,)))
        return tuple(drops)

    def _lay_rules(self, node: str) -> None:
        """In a new namespace of the node, before it is joined to the others."""
        for pair in self._cuts:
            for place, table, peers in self._drops(*pair):
                if place == node:
                    self._at(node, partial(nft.drop, table=table, peers=peers))
        if self._watching:
            self._watch(node)

    # --- what goes past the taps --------------------------------------------------------------

    def watch(self) -> None:
        """From now on count, on every pair with a tap, the client's attempts to connect to the
        server's own address, those of sockets with the taps' mark left out."""
        with self._lock:
            self._watching = True
            for node in self._addresses:
                self._watch(node)

    def _watch(self, node: str) -> None:
        peers = tuple(self._addresses[server] for _, server in self._watched(node))
        self._at(node, partial(nft.count_connects, table=_BYPASS, peers=peers, but=TAP_MARK))

    def _watched(self, node: str) -> tuple[Pair, ...]:
        return tuple(pair for pair in self._taps if pair[0] == node)

    def _count_past_taps(self, node: str) -> dict[Pair, int]:
        met = self._at(node, partial(nft.counted, table=_BYPASS))
        return {pair: rule.packets for pair, rule in zip(self._watched(node), met, strict=True)}

    def past_taps(self) -> dict[Pair, int]:
        """Attempts to connect, counted since `watch`, or since this was last asked; none is
        told twice. SYNs that were sent again are counted again."""
        with self._lock:
            total = Counter(self._passed)
            for node in self._addresses:
                total.update(self._count_past_taps(node))
            news, self._told = total - self._told, total
        return dict(news)

    def _keep_counts(self, node: str) -> None:
        """Before the node's network goes, with its counters."""
        if self._watching:
            self._passed.update(self._count_past_taps(node))
