"""Links by way of the real Toxiproxy, to real servers, through real taps: every toxic is seen there,
and nothing of it before and after.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from faults.symptoms import SYMPTOMS
from faults.toxic import Ail, Poison
from harness.engine.detours import Detours
from harness.engine.taps import Taps
from harness.environments import toxiproxy as place
from harness.environments.toxiproxy import ToxiproxyServer
from harness.errors import EnvironmentFailed
from harness.model.address import Address
from harness.model.cut import Trigger, When
from harness.model.system import Link, Node, Role, System
from harness.protocols import TapLink, WireProtocol
from harness.testing import eventually
from harness.toolchain import toxiproxy
from harness.toolchain.cache import default_cache

pytestmark = pytest.mark.stack

TAP = "127.78.0.1"
MOST_S = 60.0
DB, KAFKA = Link(client="me", server="db"), Link(client="me", server="kafka-1")
LOGIN = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "shop"}
SYSTEM = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(
        Node(name="me", role=Role.SERVICE),
        Node(name="db", role=Role.POSTGRES, environment=LOGIN),
        Node(name="kafka-1", role=Role.KAFKA),
        Node(name="store", role=Role.MARIADB),
    ),
)


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...

    @property
    def kafka(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """Taps on two links, and what may be put behind them."""

    taps: Taps
    detours: Detours
    stack: AsyncExitStack

    def ending(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Close it with all the rest."""
        self.stack.push_async_callback(connection.close)

    async def measured(self, poison: Poison, link: Link) -> list[bool]:
        """Before, with the toxic, and after it: shown or not."""
        symptom = SYMPTOMS[poison.ail](poison)

        async def healthy() -> bool:
            talk = await self.detours.converse(link)
            try:
                assert (await talk.ask(timeout_s=5)).whole
                return (await symptom.healthy(talk)).shown
            finally:
                await talk.close()

        shown = [await healthy()]
        old = await self.detours.converse(link)
        await old.ask(timeout_s=5)
        await self.detours.add(link, poison.toxics)
        ill = await symptom.ill(old, lambda s: self.detours.greet(link, s))
        await old.close()
        await self.detours.cleanse(link)
        return [*shown, ill.shown, await healthy()]


def tap_link(server: str, address: str, protocol: WireProtocol) -> TapLink:
    host, _, port = address.partition(":")
    return TapLink(
        client="me", server=server, listen=TAP, address=host, ports=(int(port),), protocol=protocol
    )


@asynccontextmanager
async def rigged(servers: Servers, directory: Path) -> AsyncIterator[Rig]:
    links = [
        tap_link("db", servers.postgres, "postgres"), tap_link("kafka-1", servers.kafka, "kafka")
    ]  # fmt: skip
    taps = Taps(directory / "taps.log")
    program = toxiproxy.ensure(default_cache(), offline=True)

    async def dialling() -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        return sock

    server = ToxiproxyServer(program, directory / "toxiproxy.log")
    detours = Detours(server, links=links, system=SYSTEM, dialling=dialling)
    await taps.start(
        [
            {
                "client": link.client, "server": link.server, "listen": link.listen,
                "address": link.address, "port": link.ports[0], "protocol": link.protocol,
            }
            for link in links
        ],
        {},
    )  # fmt: skip
    try:
        async with AsyncExitStack() as stack:
            yield Rig(taps=taps, detours=detours, stack=stack)
    finally:
        await taps.close()
        await detours.close()


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback: in here there is no network of a system."""
    monkeypatch.setattr(place, "ADDRESS", "127.78.0.2")
    monkeypatch.setattr(place, "EXIT", "127.78.0.3")


def run(servers: Servers, directory: Path, test: Callable[[Rig], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(MOST_S), rigged(servers, directory) as rig:
            await test(rig)

    asyncio.run(bounded())


@pytest.mark.parametrize("ail", Ail)
def test_every_toxic_is_seen_where_it_is_and_nowhere_else(
    servers: Servers, tmp_path: Path, ail: Ail
) -> None:
    """On an older connection and a new one, to either server; in taps that read what passes."""

    async def test(rig: Rig) -> None:
        poison = Poison.parse(ail.value)
        await rig.detours.lead([DB, KAFKA], rig.taps)
        for link in (DB, KAFKA):
            assert await rig.measured(poison, link) == [True, True, True]
        assert rig.taps.failure is rig.detours.failure is None

    run(servers, tmp_path, test)


def test_a_link_that_is_not_led_there_does_not_have_it(servers: Servers, tmp_path: Path) -> None:
    """What Toxiproxy was told is no proof."""

    async def test(rig: Rig) -> None:
        await rig.detours.lead([], rig.taps)
        with pytest.raises(EnvironmentFailed, match="toxiproxy: add latency to me:db:5432"):
            await rig.detours.add(DB, Poison.parse("latency").toxics)
        await rig.detours.lead([DB], rig.taps)
        poison = Poison.parse("latency=300")
        await rig.detours.lead([KAFKA], rig.taps)
        assert await rig.measured(poison, DB) == [True, False, True]
        await rig.detours.add(KAFKA, poison.toxics)
        await rig.detours.lead([KAFKA], rig.taps)
        assert await rig.measured(poison, KAFKA) == [True, True, True]

    run(servers, tmp_path, test)


@pytest.mark.parametrize("when", When)
def test_points_are_met_under_a_toxic(servers: Servers, tmp_path: Path, when: When) -> None:
    """What is held is held before the proxy, and the store is on the side that was meant."""

    async def test(rig: Rig) -> None:
        await rig.detours.lead([DB], rig.taps)
        await rig.detours.add(DB, Poison.parse("latency=100").toxics)
        host, _, port = servers.postgres.partition(":")
        login = f"port={port} user=shop password=shop dbname=postgres"
        witness = await psycopg.AsyncConnection.connect(f"host={host} {login}", autocommit=True)
        rig.ending(witness)
        await witness.execute("DROP TABLE IF EXISTS sick")
        await witness.execute("CREATE TABLE sick (order_id text)")
        await rig.taps.begin(tmp_path / "spool", frozenset({"order_id"}), 0)
        mine = await psycopg.AsyncConnection.connect(f"host={TAP} {login}", autocommit=True)
        rig.ending(mine)
        await rig.taps.arm(
            Trigger(when=when, address=Address.parse("me/db/commit(sick,*)")), ["me"]
        )
        ordering = asyncio.create_task(mine.execute("INSERT INTO sick (order_id) VALUES ('17')"))
        reached = await rig.taps.reached(10)
        assert reached is not None
        assert reached.address.text == "me/db/commit(sick:insert)/17#1"
        found = await (await witness.execute("SELECT order_id FROM sick")).fetchall()
        assert found == ([("17",)] if when is When.AFTER else [])
        assert not ordering.done()
        await rig.taps.discard("me")
        await rig.taps.open()
        with pytest.raises(psycopg.OperationalError):
            await ordering
        found = await (await witness.execute("SELECT order_id FROM sick")).fetchall()
        assert len(found) == (when is When.AFTER)

    run(servers, tmp_path, test)


def test_a_server_that_dies_is_told_of_and_replaced(servers: Servers, tmp_path: Path) -> None:
    """Until then nothing goes by way of it."""

    async def test(rig: Rig) -> None:
        await rig.detours.lead([DB], rig.taps)
        pid = rig.detours._server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: rig.detours.failure is not None)
        with pytest.raises(EnvironmentFailed, match="no session at"):
            await rig.detours.converse(DB)
        await rig.detours.lead([DB], rig.taps)
        assert rig.detours.failure is None
        assert await rig.measured(Poison.parse("latency=100"), DB) == [True, True, True]

    run(servers, tmp_path, test)


def test_what_no_tap_or_probe_stands_for_is_said(servers: Servers, tmp_path: Path) -> None:
    """By the link."""

    async def test(rig: Rig) -> None:
        with pytest.raises(EnvironmentFailed, match="no tap stands on db→me"):
            await rig.detours.greet(Link(client="db", server="me"), 1.0)

    run(servers, tmp_path, test)
