"""What shows each toxic, and what does not: the other ones, half of it, and a link's own ways."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from faults.symptoms import SYMPTOMS
from faults.toxic import Ail, Poison
from harness.model.fault import Probe
from harness.model.system import Link
from harness.model.toxic import Ending, Heard
from tests.faults.links import Links, Talk

LINK = Link(client="relay", server="kafka-1")
OTHERS = [(ail, other) for ail in Ail for other in Ail if ail is not other]


def measured(ail: Ail, under: Poison | None, *, ill: bool, text: str = "") -> Probe:
    """What the ail's symptom says of a link under a toxic."""

    async def measure() -> Probe:
        links = Links()
        symptom = SYMPTOMS[ail](Poison.parse(text or ail.value))
        if under is not None:
            await links.add(LINK, under.toxics)
        talk = Talk(links=links)
        if not ill:
            return await symptom.healthy(talk)
        return await symptom.ill(talk, lambda s: links.greet(LINK, s))

    return asyncio.run(measure())


@pytest.mark.parametrize("ail", Ail)
def test_a_link_without_a_toxic_is_healthy_and_not_ill(ail: Ail) -> None:
    """Which is what an injector that does nothing leaves."""
    assert measured(ail, None, ill=False).shown
    assert not measured(ail, None, ill=True).shown


@pytest.mark.parametrize("ail", Ail)
def test_a_link_with_its_toxic_is_ill_and_not_healthy(ail: Ail) -> None:
    """As the user gets it by default."""
    poison = Poison.parse(ail.value)
    assert measured(ail, poison, ill=True).shown
    assert not measured(ail, poison, ill=False).shown


@pytest.mark.parametrize("text", ["timeout=300", "latency=300", "reset-peer=100", "limit-data=50"])
def test_other_amounts_show_as_well(text: str) -> None:
    """With an end, without jitter, after a while, and before the first answer is whole."""
    poison = Poison.parse(text)
    assert measured(poison.ail, poison, ill=True, text=text).shown
    assert not measured(poison.ail, None, ill=True, text=text).shown


@pytest.mark.parametrize("ail, other", OTHERS)
def test_another_toxic_does_not_pass_for_it(ail: Ail, other: Ail) -> None:
    """A link may be ill otherwise."""
    slow = {(Ail.SLICER, Ail.LIMIT_DATA)}  # cut short before the first slice is not sliced
    assert (ail, other) in slow or not measured(ail, Poison.parse(other.value), ill=True).shown


@pytest.mark.parametrize(
    "ail, amount",
    [(Ail.LATENCY, 100), (Ail.BANDWIDTH, 30), (Ail.SLICER, 200), (Ail.LIMIT_DATA, 5000),
     (Ail.SLOW_CLOSE, 700)],
)  # fmt: skip
def test_another_amount_does_not_pass_for_it(ail: Ail, amount: int) -> None:
    """Half the latency, three times the rate, larger slices, a later end, an earlier close."""
    assert not measured(ail, replace(Poison.parse(ail.value), amount=amount), ill=True).shown


def test_latency_without_its_jitter_is_another_one() -> None:
    """Eight draws that are all the same are none."""
    assert not measured(Ail.LATENCY, Poison.parse("latency=200"), ill=True).shown


def test_a_link_that_is_slower_than_the_toxic_shows_nothing() -> None:
    """It can't be told from it."""
    for text in ("latency=1", "bandwidth=900", "slicer=900"):
        poison = Poison.parse(text)
        assert not measured(poison.ail, None, ill=False, text=text).shown


def test_figures_are_told_with_the_sentence() -> None:
    """In the units of their names."""
    late = measured(Ail.LATENCY, Poison.parse("latency"), ill=True)
    assert late.says == ("8 of 8 round trips of 157.2 to 242.2 ms, on a new connection 242.2 ms")
    assert late.measured["median_ms"] == 207.2
    slow = measured(Ail.BANDWIDTH, Poison.parse("bandwidth"), ill=True)
    assert slow.measured == {"up_kb_per_s": 10.0, "down_kb_per_s": 10.0}
    silent = measured(Ail.TIMEOUT, Poison.parse("timeout"), ill=True)
    assert silent.measured == {
        "bytes": 0, "new": None, "new_ms": 1000.0, "old": None, "old_ms": 1000.0
    }  # fmt: skip


@dataclass(kw_only=True)
class Coalesced(Talk):
    """Is sliced, and on a busy machine: slices are received together, first all of them."""

    asked: int = 0

    async def ask(self, **_given: Any) -> Heard:
        pieces = (167, 58, 58, 58, 58, *(29 for _ in range(18))) if self.asked else (928,)
        self.asked += 1
        return Heard(sent=1, pieces=pieces, seconds=0.166, whole=True)


def test_slices_that_are_received_together_are_slices_still() -> None:
    """As long as enough of them are not, and they took their time."""

    async def shown(text: str) -> tuple[bool, bool]:
        links = Links()
        symptom = SYMPTOMS[Ail.SLICER](Poison.parse(text))
        talk = Coalesced(links=links)
        ill = await symptom.ill(talk, lambda s: links.greet(LINK, s))
        return ill.shown, (await symptom.healthy(talk)).shown

    assert asyncio.run(shown("slicer")) == (True, False)
    assert asyncio.run(shown("slicer=8")) == (False, True)


class Torn(Talk):
    """Ends with a reset after some bytes."""

    async def ask(self, **_given: Any) -> Heard:
        return Heard(sent=1, pieces=(4000,), seconds=0.1, whole=False, ending=Ending.RESET)


def test_a_reset_may_overtake_the_last_of_what_is_limited() -> None:
    """But nothing more than the limit has come by then."""

    async def ill(text: str) -> bool:
        links = Links()
        probe = await SYMPTOMS[Ail.LIMIT_DATA](Poison.parse(text)).ill(
            Torn(links=links), lambda s: links.greet(LINK, s)
        )
        return probe.shown

    assert asyncio.run(ill("limit-data=4096"))
    assert not asyncio.run(ill("limit-data=3999"))


class Busy(Talk):
    """Hears the first answers late: its machine has other work."""

    def __init__(self, links: Links, late: int) -> None:
        super().__init__(links=links)
        self._late = late

    async def ask(self, **given: Any) -> Heard:
        heard = await super().ask(**given)
        self._late -= 1
        return replace(heard, seconds=0.4) if self._late >= 0 else heard


@pytest.mark.parametrize(
    ("ail", "late", "expected"),
    [(Ail.LATENCY, 3, True), (Ail.LATENCY, 8, False), (Ail.BANDWIDTH, 2, True),
     (Ail.BANDWIDTH, 100, False)],
)  # fmt: skip
def test_a_link_is_healthy_though_an_answer_was_heard_late(
    ail: Ail, late: int, expected: bool
) -> None:
    """Where others were not."""

    async def measure() -> Probe:
        return await SYMPTOMS[ail](Poison.parse(ail.value)).healthy(Busy(Links(), late))

    assert asyncio.run(measure()).shown is expected
