"""The turnstile: whom it lets in, and when."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.engine import turnstile
from harness.engine.turnstile import Alone, Turnstile, place_of
from harness.model.request import Request
from harness.testing import eventually


def asked(key: str, due_s: float = 0.0) -> Request:
    """A request for that key."""
    return Request(due_s=due_s, f="place", key=key, method="POST", path="/orders")


class Visitor:
    """One request that stays inside until it is told to go."""

    def __init__(self, way: Turnstile, place: int) -> None:
        self.inside = False
        self._go = asyncio.Event()
        self._task = asyncio.create_task(self._visit(way, place))

    async def _visit(self, way: Turnstile, place: int) -> None:
        async with way.passing(place):
            self.inside = True
            await self._go.wait()
        self.inside = False

    async def leave(self) -> None:
        self._go.set()
        await self._task


async def settled() -> None:
    """Whatever can go on has."""
    for _ in range(10):
        await asyncio.sleep(0)


Play = Callable[[Turnstile, Alone], Awaitable[None]]


def play(what: Play, place: int = 1) -> None:
    """With that place going alone."""

    async def main() -> None:
        alone = Alone(place=place, over=asyncio.Event())
        await what(Turnstile(alone), alone)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_the_one_waits_for_those_before_it_and_those_after_it_wait_for_its_end() -> None:
    """Nothing else is under way while it is."""

    async def what(way: Turnstile, _: Alone) -> None:
        before, one = Visitor(way, 0), Visitor(way, 1)
        await settled()
        after = Visitor(way, 2)
        await settled()
        assert (before.inside, one.inside, after.inside) == (True, False, False)
        await before.leave()
        await settled()
        assert (one.inside, after.inside) == (True, False)
        await one.leave()
        await settled()
        assert after.inside
        await after.leave()

    play(what)


def test_once_the_fault_has_met_it_nobody_waits_any_more() -> None:
    """What is under a fault is under it among others."""

    async def what(way: Turnstile, alone: Alone) -> None:
        one = Visitor(way, 1)
        await settled()
        after = Visitor(way, 2)
        await settled()
        assert (one.inside, after.inside) == (True, False)
        alone.over.set()
        await settled()
        assert (one.inside, after.inside) == (True, True)
        await one.leave()
        await after.leave()

    play(what)


def test_before_it_is_due_load_waits_for_nobody() -> None:
    async def what(way: Turnstile, _: Alone) -> None:
        others = [Visitor(way, place) for place in (0, 2, 3)]
        await settled()
        assert all(other.inside for other in others)
        for other in others:
            await other.leave()

    play(what)


def test_a_fault_that_met_something_earlier_holds_nobody_up() -> None:
    async def what(way: Turnstile, alone: Alone) -> None:
        alone.over.set()
        visitors = [Visitor(way, place) for place in range(3)]
        await settled()
        assert all(visitor.inside for visitor in visitors)
        for visitor in visitors:
            await visitor.leave()

    play(what)


def test_one_that_hangs_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE_S", 0.05)

    async def what(way: Turnstile, _: Alone) -> None:
        hanging, one = Visitor(way, 0), Visitor(way, 1)
        await eventually(lambda: one.inside)
        assert hanging.inside
        await hanging.leave()
        await one.leave()

    play(what)


def test_a_request_that_is_broken_off_has_ended() -> None:
    """Ctrl-C, or an error: nobody is left at the turnstile."""

    async def what(way: Turnstile, _: Alone) -> None:
        with pytest.raises(RuntimeError):
            async with way.passing(1):
                raise RuntimeError
        after = Visitor(way, 2)
        await settled()
        assert after.inside
        await after.leave()

    play(what)


PLAN = [asked("1", 0.1), asked("2", 0.4), asked("3", 0.2), asked("2", 0.3)]


@pytest.mark.parametrize(
    ("key", "passed", "place"),
    [(None, set(), 0), (None, {"1"}, 2), (None, {"1", "2", "3"}, None), ("2", {"2"}, 3), ("9", set(), None)],
)  # fmt: skip
def test_the_one_is_the_first_of_the_key_or_of_those_not_passed(
    key: str | None, passed: set[str], place: int | None
) -> None:
    assert place_of(PLAN, key=key, passed=passed) == place
