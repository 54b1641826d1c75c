"""A server that answers errors: proved on each link, healed, and called out where nothing is done."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from faults.failing import Failing
from harness.errors import EnvironmentFailed
from harness.stage import Stage
from tests.faults.conftest import OUTBOX, SHOP, Nodes, Stores


class Links:
    """HTTP links that answer 200, or what they were told to."""

    def __init__(self, *clients: str, lame: bool = False) -> None:
        self._clients = clients
        self._lame = lame
        self._told: dict[str, str] = {}
        self.log: list[str] = []
        self.silent = False

    def clients(self, server: str) -> Sequence[str]:
        assert server == "order"
        return self._clients

    async def begin(self, client: str, server: str, status: str) -> None:
        self.log.append(f"begin {client} {server} {status}")
        if not self._lame:
            self._told[client] = status

    async def end(self, client: str, server: str) -> int:
        self.log.append(f"end {client} {server}")
        return 3 if self._told.pop(client, None) else 0

    async def ask(self, client: str, server: str) -> int | None:
        assert server == "order"
        return None if self.silent else int(self._told.get(client, "200"))


def failing(links: Links | None, client: str | None = None) -> Failing:
    stage = Stage(
        environment=Nodes(log=[]), system=SHOP, pattern=OUTBOX, witness=Stores(log=[]),
        connectors={}, failures=links,
    )  # fmt: skip
    return Failing(
        stage, client=client, server="order", status="500", name="errors", duration_s=2.0
    )


async def play(fault: Failing) -> list[Any]:
    """As the nemesis does, the heal twice."""
    shown = [(await fault.before()).shown, await fault.inject(), (await fault.during()).shown]
    for _ in range(2):
        await fault.heal()
    return [*shown, (await fault.after()).shown]


def test_every_link_fails_and_serves_again() -> None:
    """The requests that were answered are counted once."""
    links = Links("relay", "client")
    fault = failing(links)
    assert asyncio.run(play(fault)) == [True, True, True, True]
    assert links.log[:2] == ["begin relay order 500", "begin client order 500"]
    assert fault.achieved() == {"status": "500", "answered": {"relay": 3, "client": 3}}
    assert fault.undo() == {"serve": [["relay", "order"], ["client", "order"]]}
    assert (fault.target, fault.duration_s) == ("*→order", 2.0)


def test_one_client_alone_may_see_it() -> None:
    """The others are left in peace."""
    links = Links("relay", "client")
    assert asyncio.run(play(failing(links, "relay"))) == [True, True, True, True]
    assert {line.split()[1] for line in links.log} == {"relay"}


def test_an_injector_that_does_nothing_is_called_out() -> None:
    """The link is asked, not the injector."""
    assert asyncio.run(play(failing(Links("relay", lame=True)))) == [True, True, False, True]


def test_an_answer_that_never_comes_is_no_error() -> None:
    """And no service either."""
    links = Links("relay")
    links.silent = True
    assert not asyncio.run(failing(links).during()).shown


def test_a_server_that_nobody_calls_is_not_proved() -> None:
    """Nothing was shown of nothing."""
    probe = asyncio.run(failing(Links()).before())
    assert (probe.shown, probe.says) == (False, "nobody speaks HTTP with order by way of a tap")


def test_a_run_without_taps_is_told() -> None:
    """There is nobody who could answer."""
    with pytest.raises(EnvironmentFailed, match="needs taps on the links"):
        asyncio.run(failing(None, "relay").inject())


def test_a_heal_without_an_injection_does_nothing() -> None:
    """It is tried whatever happened before."""
    fault = failing(Links("relay"))
    asyncio.run(fault.heal())
    assert fault.achieved() == {"status": "500", "answered": {}}
