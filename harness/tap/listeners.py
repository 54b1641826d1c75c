"""The tap's listeners: a client's connection is taken where its server would take it.

While nobody listens on a server's port, nobody listens for it here, and a client is refused as it
would be without a tap. Whether the server listens is asked of the kernel, in the server's own
network namespace, without a connection that it would notice. For a server without a namespace there
is no telling: it is listened for always, and what it refuses is reset.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import Any

from harness.errors import EnvironmentFailed
from harness.tap.flow import Flow
from harness.tap.relay import Link

_BACKLOG = 1024
_POLL_S = 0.02
_SLOW_POLL_S = 0.25
_SOON_S = 30.0
"""How long a server is expected to be back soon. A port that is declared may never be used."""

Takes = Callable[[Link], bool | None]
"""Whether a link's server would take a connection; None where that can't be told."""

Bound = Callable[[Link], socket.socket | None]
"""A socket that listens for a link; None: one is to be made at its address here."""


class Listeners:
    """Opens and closes listeners as servers come and go. `accept` makes a connection's protocol."""

    def __init__(
        self, accept: Callable[[Link], Flow], takes: Takes, bound: Bound = lambda _link: None
    ) -> None:
        self._accept = accept
        self._takes = takes
        self._bound = bound
        self._links: dict[str, list[Link]] = {}
        self._open: dict[Link, asyncio.Server] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def add(self, links: Iterable[Link]) -> None:
        """Stand on these links from now on. Raises OSError naming an address that is taken."""
        for link in links:
            self._links.setdefault(link.server, []).append(link)
        for server in self._links:
            await self._open_what_listens(server)
            self._watch(server)

    def refuse(self, server: str) -> None:
        """Nobody listens there any more, as far as is known: look again, from now on."""
        for link in self._links.get(server, ()):
            if self._takes(link) is None:
                return
            listener = self._open.pop(link, None)
            if listener is not None:
                listener.close()
        if server in self._links:
            self._watch(server)

    async def close(self) -> None:
        """Close all of them."""
        for task in self._watching.values():
            task.cancel()
        await asyncio.gather(*self._watching.values(), return_exceptions=True)
        for listener in self._open.values():
            listener.close()
        self._open.clear()

    def _watch(self, server: str) -> None:
        if server not in self._watching and self._missing(server):
            task = asyncio.get_running_loop().create_task(self._wait(server))
            self._watching[server] = task
            task.add_done_callback(lambda _task: self._watching.pop(server, None))

    async def _wait(self, server: str) -> None:
        loop = asyncio.get_running_loop()
        soon = loop.time() + _SOON_S
        while self._missing(server):
            await asyncio.sleep(_POLL_S if loop.time() < soon else _SLOW_POLL_S)
            # An address that was free is ours: nobody else is in this namespace.
            with contextlib.suppress(OSError, EnvironmentFailed):
                await self._open_what_listens(server)

    def _missing(self, server: str) -> bool:
        return any(link not in self._open for link in self._links[server])

    async def _open_what_listens(self, server: str) -> None:
        loop = asyncio.get_running_loop()
        for link in self._links[server]:
            if link not in self._open and self._takes(link) is not False:
                sock = self._bound(link)
                place: dict[str, Any] = (
                    {"host": link.listen, "port": link.port} if sock is None else {"sock": sock}
                )
                self._open[link] = await loop.create_server(
                    lambda link=link: self._accept(link),  # type: ignore[misc] # mypy 9127
                    backlog=_BACKLOG,
                    **place,
                )
