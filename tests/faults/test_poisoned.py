"""A link with a toxic: proved, healed, and called out where nothing is done."""

import asyncio
from typing import Any

import pytest

from faults.poisoned import Poisoned
from faults.toxic import Ail, Poison
from harness.errors import EnvironmentFailed
from harness.model.system import Link
from harness.stage import Stage
from tests.faults.conftest import OUTBOX, SHOP, Nodes, Stores
from tests.faults.links import Links


def poisoned(links: Links | None, text: str) -> Poisoned:
    stage = Stage(
        environment=Nodes(log=[]), system=SHOP, pattern=OUTBOX, witness=Stores(log=[]),
        connectors={}, toxics=links,
    )  # fmt: skip
    poison = Poison.parse(text)
    link = poison.link_under(OUTBOX, SHOP)
    assert link is not None
    return Poisoned(stage, poison=poison, link=link, name=text)


async def play(fault: Poisoned) -> list[Any]:
    """As the nemesis does, the heal twice."""
    shown = [(await fault.before()).shown, await fault.inject(), (await fault.during()).shown]
    for _ in range(2):
        await fault.heal()
    return [*shown, (await fault.after()).shown]


@pytest.mark.parametrize("ail", Ail)
def test_every_toxic_is_proved_and_healed(ail: Ail) -> None:
    """And every connection that was made for that is let go."""
    links = Links()
    fault = poisoned(links, ail.value)
    assert asyncio.run(play(fault)) == [True, True, True, True]
    assert links.log[0] == "add relay→kafka-1"
    assert links.log[-2:] == ["cleanse relay→kafka-1"] * 2
    assert all(talk.closed for talk in links.talks)
    assert fault.undo() == {"cleanse": ["relay", "kafka-1"]}
    assert (fault.target, fault.duration_s) == ("relay→kafka-1", 3.0)
    assert fault.achieved()["toxics"][0]["type"] == ail.value.replace("-", "_")


@pytest.mark.parametrize("ail", Ail)
def test_an_injector_that_does_nothing_is_called_out(ail: Ail) -> None:
    """By connections of its own, not by Toxiproxy's word."""
    assert asyncio.run(play(poisoned(Links(lame=True), ail.value))) == [True, True, False, True]


def test_the_link_may_take_a_while_to_recover() -> None:
    """It is asked again, and says which link it is."""
    fault = poisoned(Links(ill_for=3), "latency")
    assert asyncio.run(play(fault)) == [True, True, True, True]
    links = Links()

    async def test() -> str:
        return (await poisoned(links, "timeout:order/order-db").before()).says

    assert asyncio.run(test()).startswith("order→order-db: an answer came after ")


def test_one_that_does_not_recover_is_not_healed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason."""
    monkeypatch.setattr("faults.probing.RECOVERY_TIMEOUT_S", 0.1)

    async def test() -> None:
        fault = poisoned(Links(ill_for=10**6), "latency")
        await fault.before()
        await fault.heal()
        after = await fault.after()
        assert not after.shown
        assert after.says == "relay→kafka-1: no connection over relay→kafka-1"
        assert after.measured["link"] == str(Link(client="relay", server="kafka-1"))

    asyncio.run(test())


def test_without_toxiproxy_it_is_said() -> None:
    """At its first step."""
    with pytest.raises(EnvironmentFailed, match="latency needs Toxiproxy, and this run has none"):
        asyncio.run(poisoned(None, "latency").before())
