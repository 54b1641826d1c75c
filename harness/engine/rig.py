"""What the engine asks of an environment, beyond what faults may touch: `Environment` in
`harness.protocols`.

Namespaces and containers both are one; neither knows this file.
"""

import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from harness.model.system import Node
from harness.protocols import DirectLink, Environment, RoundTap, TapControl, TapLink

Connection = tuple[str, int, int]
"""Remote address, remote port, local port."""


class ProxyServer(Protocol):
    """Toxiproxy's server, wherever it runs."""

    @property
    def control(self) -> str:
        """The address at which the harness tells it what to do."""
        ...

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        ...

    @property
    def failure(self) -> str | None:
        """That it was started and has ended by itself, in one sentence."""
        ...

    async def start(self) -> None:
        """Start it; that it answers is to be asked. Raises EnvironmentFailed."""
        ...

    async def close(self) -> None:
        """End it. Idempotent."""
        ...


class Rig(Environment, Protocol):
    """Where a system runs, as the engine drives it from scenario to scenario."""

    @property
    def names(self) -> Mapping[str, str]:
        """Addresses of nodes whose names this machine cannot look up."""
        ...

    async def start(
        self,
        nodes: Sequence[str],
        *,
        then: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] | None = None,
    ) -> None:
        """In parallel, each as soon as what it depends on is as far as it asks for. `then` is run
        for a node as soon as that one is ready. Raises EnvironmentFailed."""
        ...

    def redefine(self, nodes: Iterable[Node]) -> None:
        """Give nodes that are down another definition (a service's environment, say)."""
        ...

    async def wipe(self) -> None:
        """End every node and empty its disk, as if none had ever been started."""
        ...

    async def start_anew(self, nodes: Sequence[str]) -> None:
        """End these nodes and start them from an empty disk."""
        ...

    def unexpected_ends(self, nodes: Iterable[str]) -> tuple[tuple[str, int], ...]:
        """(node, exit code) of every end that nobody asked for, told once."""
        ...

    async def mend_all(self) -> None:
        """Undo every cut that is still there."""
        ...

    # --- taps ---------------------------------------------------------------------------------

    def links(self) -> tuple[TapLink, ...]:
        """What the taps have to serve; nothing where nothing is tapped."""
        ...

    def direct_links(self) -> tuple[DirectLink, ...]:
        """The pairs of nodes that no tap stands between, although the others have one."""
        ...

    def tap_address(self, client: str | None, server: str) -> str:
        """Where the client's tap for the server listens. Client None: the harness."""
        ...

    def attach_taps(self, control: TapControl | None) -> None:
        """From now on tell `control` what becomes of the nodes' networks; None: nobody."""
        ...

    def namespace_fds(self) -> Mapping[str, int]:
        """Node → the descriptor of its network namespace, of those that this process may enter."""
        ...

    def sandbox_paths(self) -> Mapping[str, str]:
        """Client → the socket on which the holder of its network makes sockets in there."""
        ...

    async def socket_to_taps(self) -> socket.socket:
        """A TCP socket, not connected and not blocking, from which every tap is reached."""
        ...

    def proxy_server(self, log: Path) -> ProxyServer:
        """Toxiproxy where its proxies and the taps reach each other; what it prints goes to
        `log`. Raises HarnessBug where the environment was made without one."""
        ...

    async def round_the_taps(self) -> tuple[RoundTap, ...]:
        """Who has tried to connect to a peer past the tap between them, told once."""
        ...

    async def established(self, node: str) -> frozenset[Connection]:
        """The connections that the kernel has in the node's network."""
        ...
