"""Lets one request of a workload go by itself, so that a fault that waits for it meets nothing else.

What is under way in a process when it is killed is hit together with what was aimed at, and which
requests that are hangs on milliseconds. So the one request is sent when the others have ended, and
those after it wait until the fault has met it, or until it has ended. These are milliseconds of a
workload; before and after them load waits for nobody.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.model.request import Request

PATIENCE_S = 2.0
"""How long the others may take to end. One that hangs is left to hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """The request at that place in the plan, from 0, and the moment from which on nobody waits for
    it any more: the fault has met what it waits for, or the request has ended."""

    place: int
    over: asyncio.Event


def place_of(plan: Sequence[Request], *, key: str | None, passed: Collection[str]) -> int | None:
    """Where in the plan the request is that is due first of that key, or, where none is named, of
    all keys but those `passed`. None: nowhere."""
    places = [
        place
        for place, request in enumerate(plan)
        if (request.key == key if key is not None else request.key not in passed)
    ]
    return min(places, key=lambda place: plan[place].due_s, default=None)


class Turnstile:
    """Every request of a plan passes it when it is due. With None nobody is held up."""

    def __init__(self, alone: Alone | None) -> None:
        self._alone = alone
        self._closed = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def passing(self, place: int) -> AsyncIterator[None]:
        """Wait until the request at that place may be sent; it has ended with the block."""
        await self._let_in(place)
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
            if self._alone is not None and self._alone.place == place:
                self._alone.over.set()

    async def _let_in(self, place: int) -> None:
        alone = self._alone
        if alone is None or alone.over.is_set():
            return
        if place == alone.place:
            self._closed = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), PATIENCE_S)
        elif self._closed:
            await alone.over.wait()
