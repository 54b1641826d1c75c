"""Links by way of Toxiproxy: its server, its proxies, and the taps that are told to go there.

A link that a fault aims a toxic at has the detour from the scenario's beginning, so that every
connection on it, however old, can be given the toxic. The others, and all links of a scenario
without such a fault, go direct.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from harness.drivers.conversation import Conversation
from harness.drivers.dialect import Dialect, Http, Kafka, PostgresGreeting
from harness.drivers.toxiproxy import Toxiproxy
from harness.engine.rig import ProxyServer
from harness.engine.taps import Taps
from harness.environments import toxiproxy as place
from harness.errors import EnvironmentFailed
from harness.model.address import CLIENT
from harness.model.system import READY_LABEL, ROLE_PORTS, Link, Role, System
from harness.model.toxic import Heard, Toxic
from harness.protocols import TapLink

_READY_S = 10.0
_CONNECT_S = 5.0


class Detours:
    """The links of a system that go by way of Toxiproxy. Implements `harness.stage.Toxics`."""

    def __init__(
        self,
        server: ProxyServer,
        *,
        links: Sequence[TapLink],
        system: System,
        dialling: Callable[[], Awaitable[socket.socket]],
    ) -> None:
        """`dialling`: a socket from which taps are reached; see `Rig.socket_to_taps`."""
        self._server = server
        self._dialling = dialling
        self._control = Toxiproxy(server.control, place.CONTROL_PORT)
        self._links = {(link.client or CLIENT, link.server): link for link in links}
        self._system = system
        self._led: tuple[Link, ...] = ()
        self._ports: dict[str, int] = {}
        """Proxy → the port at which it, and where it dials, is listened."""

    @property
    def failure(self) -> str | None:
        """That the server has ended by itself."""
        return self._server.failure

    async def lead(self, links: Sequence[Link], taps: Taps) -> None:
        """From now on these links, and no others, go by way of Toxiproxy, without a toxic."""
        if not links:
            if not self._led:
                return
            if self.failure is not None:
                await self._server.close()  # told once
        if links and self._server.pid is None:
            await self._begin()
        wanted = {name for link in links for name in self._names(link)}
        for name in wanted - self._ports.keys():
            self._ports[name] = place.FIRST_PORT + len(self._ports)
            await self._control.create(
                name,
                listen=f"{place.ADDRESS}:{self._ports[name]}",
                upstream=f"{place.EXIT}:{self._ports[name]}",
            )
        if self._server.pid is not None:
            await asyncio.gather(*(self._control.cleanse(name) for name in self._ports))
        await taps.lead(
            [
                {
                    "client": self._link(link).client or CLIENT,
                    "server": link.server,
                    "port": port,
                    "proxy": [place.ADDRESS, self._ports[name]],
                    "exit": [place.EXIT, self._ports[name]],
                }
                for link in links
                for port, name in zip(self._link(link).ports, self._names(link), strict=True)
            ]
        )
        self._led = tuple(links)

    async def _begin(self) -> None:
        """A server, with none of the proxies that another one may have had."""
        await self._server.close()
        self._ports.clear()
        await self._server.start()
        try:
            await self._control.wait_ready(_READY_S)
        except EnvironmentFailed as failed:
            raise EnvironmentFailed(self.failure or str(failed)) from failed

    async def close(self) -> None:
        """End the server. Idempotent."""
        await self._server.close()

    # --- toxics -------------------------------------------------------------------------------

    async def add(self, link: Link, toxics: Sequence[Toxic]) -> None:
        for name in self._names(link):
            for toxic in toxics:
                await self._control.add(name, toxic)

    async def cleanse(self, link: Link) -> None:
        for name in self._names(link):
            await self._control.cleanse(name)

    # --- going through ------------------------------------------------------------------------

    async def converse(self, link: Link) -> Conversation:
        """By way of the client's own tap. Into PostgreSQL it logs in as its superuser."""
        tap, node = self._link(link), self._system.node(link.server)
        port = self._port(link)
        if node.role is Role.POSTGRES:
            return await Conversation.log_in(
                tap.listen, port, user=node.environment.get("POSTGRES_USER", "postgres"),
                password=node.environment["POSTGRES_PASSWORD"], timeout_s=_CONNECT_S,
                sock=await self._dialling(),
            )  # fmt: skip
        return await self._open(link)

    async def _open(self, link: Link) -> Conversation:
        return await Conversation.open(
            self._link(link).listen, self._port(link), self._dialect(link), timeout_s=_CONNECT_S,
            sock=await self._dialling(),
        )  # fmt: skip

    async def greet(self, link: Link, timeout_s: float) -> Heard:
        conversation = await self._open(link)
        try:
            return await conversation.ask(timeout_s=timeout_s)
        finally:
            await conversation.close()

    def _dialect(self, link: Link) -> Dialect:
        node = self._system.node(link.server)
        match node.role:
            case Role.POSTGRES:
                return PostgresGreeting()
            case Role.KAFKA:
                return Kafka()
            case Role.SERVICE | Role.KAFKA_CONNECT:
                return Http("/" + node.labels.get(READY_LABEL, "").partition("/")[2])
            case _:
                raise EnvironmentFailed(f"{link}: nothing here speaks what {node.name} speaks")

    def _port(self, link: Link) -> int:
        """The one that the server is known by."""
        node = self._system.node(link.server)
        ready = node.labels.get(READY_LABEL, "").lstrip(":").partition("/")[0]
        if node.role in ROLE_PORTS:
            return ROLE_PORTS[node.role]
        return int(ready) if ready.isdigit() else self._link(link).ports[0]

    def _names(self, link: Link) -> tuple[str, ...]:
        """Of its proxies, one a port; fit for the path of a URL."""
        return tuple(f"{link.client}:{link.server}:{port}" for port in self._link(link).ports)

    def _link(self, link: Link) -> TapLink:
        found = self._links.get((link.client, link.server))
        if found is None:
            raise EnvironmentFailed(f"no tap stands on {link}")
        return found
