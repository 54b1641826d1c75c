"""Servers that answer errors to a client: told to the taps, and asked about on the same link."""

import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

from harness.drivers.http import get
from harness.engine.taps import Taps
from harness.errors import EnvironmentFailed
from harness.model.address import CLIENT
from harness.model.system import READY_LABEL, Role, System
from harness.protocols import TapLink

_ANSWER_S = 3.0


class LinkFailures:
    """The HTTP links of a system. Implements `harness.stage.Failures`."""

    def __init__(
        self,
        taps: Taps,
        links: Iterable[TapLink],
        system: System,
        *,
        dialling: Callable[[], Awaitable[socket.socket]],
    ) -> None:
        """`dialling`: a socket from which taps are reached; see `Rig.socket_to_taps`."""
        self._taps = taps
        self._dialling = dialling
        self._links = {(link.client or CLIENT, link.server): link for link in links}
        self._system = system

    def clients(self, server: str) -> Sequence[str]:
        return tuple(client for client, to in self._links if to == server and self._calls(client))

    def _calls(self, client: str) -> bool:
        """Whether it may: databases and brokers have nothing to say by HTTP."""
        callers = {Role.SERVICE, Role.KAFKA_CONNECT}
        return client == CLIENT or self._system.node(client).role in callers

    async def begin(self, client: str, server: str, status: str) -> None:
        self._link(client, server)
        await self._taps.fail(client, server, status)

    async def end(self, client: str, server: str) -> int:
        return await self._taps.serve(client, server)

    async def ask(self, client: str, server: str) -> int | None:
        """By way of the client's own tap, and what the server is asked to tell that it is ready."""
        link = self._link(client, server)
        label = self._system.node(server).labels.get(READY_LABEL, "")
        port, _, path = label.lstrip(":").partition("/")
        where = f"{link.listen}:{port if port.isdigit() else link.ports[0]}"
        sock = await self._dialling()
        with sock:
            return (await get(f"http://{where}/{path}", timeout_s=_ANSWER_S, sock=sock)).status

    def _link(self, client: str, server: str) -> TapLink:
        link = self._links.get((client, server))
        if link is None:
            raise EnvironmentFailed(f"no tap reads HTTP between {client} and {server}")
        return link
