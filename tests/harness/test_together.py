"""Several things at once: how they end together."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.errors import DeclarationError, EnvironmentFailed
from harness.together import together


async def raise_(error: Exception) -> None:
    """Fail at once."""
    raise error


def test_all_are_awaited() -> None:
    """They run side by side: each waits for the other."""

    async def run() -> list[str]:
        met = asyncio.Barrier(2)
        done: list[str] = []

        async def part(name: str) -> None:
            await met.wait()
            done.append(name)

        await asyncio.wait_for(together(part("a"), part("b")), 5)
        return sorted(done)

    assert asyncio.run(run()) == ["a", "b"]


def test_a_failure_is_raised_itself_and_ends_the_rest() -> None:
    """No group around it, and nothing goes on behind the caller's back."""
    ended: list[bool] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(EnvironmentFailed, match=r"^db did not start$") as failed:
        asyncio.run(together(forever(), raise_(EnvironmentFailed("db did not start"))))
    assert ended == [True]
    assert failed.value.__cause__ is None


def test_of_several_failures_the_first_is_raised() -> None:
    """The later ones are its consequences more often than not."""

    async def late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await raise_(EnvironmentFailed("late"))

    with pytest.raises(DeclarationError, match="early"):
        asyncio.run(together(raise_(DeclarationError("early")), late()))


def test_a_failure_within_a_failure_is_found() -> None:
    """However deep `together` is called within `together`."""

    async def nested() -> None:
        await together(raise_(EnvironmentFailed("deep")))

    with pytest.raises(EnvironmentFailed, match="deep"):
        asyncio.run(together(nested()))


def test_other_failures_stay_groups() -> None:
    """A bug of ours keeps all of its tracebacks."""
    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(together(raise_(ZeroDivisionError())))
    assert [type(e) for e in failed.value.exceptions] == [ZeroDivisionError]


def test_cancelling_cancels_every_part() -> None:
    """As Ctrl-C does."""
    ended: list[str] = []

    def forever(name: str, begun: asyncio.Event) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        return run

    async def run() -> None:
        events = [asyncio.Event(), asyncio.Event()]
        parts = [forever(str(n), event)() for n, event in enumerate(events)]
        both = asyncio.create_task(together(*map(_as_coroutine, parts)))
        for event in events:
            await event.wait()
        both.cancel()
        with pytest.raises(asyncio.CancelledError):
            await both

    asyncio.run(run())
    assert sorted(ended) == ["0", "1"]


async def _as_coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable
