"""The poller: when it looks."""

import threading
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compose.services.shop import poller
from compose.services.shop.broker import Publisher
from compose.services.shop.db import Pool, Unavailable


class Waits(threading.Event):
    """A clock that goes on by what is waited for, and is stopped after some waits."""

    def __init__(self, now_s: float, waits: int) -> None:
        super().__init__()
        self.now_s = now_s
        self._left = waits

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        self._left -= 1
        return self._left < 0


class SlowAndOutOfReach:
    """A database that takes its time to refuse."""

    def __init__(self, clock: Waits, takes_s: float) -> None:
        self.looks: list[float] = []
        self._clock, self._takes_s = clock, takes_s

    def connection(self) -> AbstractContextManager[Any]:
        self.looks.append(self._clock.now_s)
        self._clock.now_s += self._takes_s
        raise Unavailable("no route")


@pytest.mark.parametrize(
    ("takes_s", "looks"), [(0.25, [101.0, 102.0, 103.0]), (1.25, [101.0, 103.0, 105.0])]
)
def test_it_looks_at_multiples_of_its_period_whatever_a_look_takes_and_comes_to(
    takes_s: float, looks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that it is too late for is left out."""
    clock = Waits(now_s=100.5, waits=3)
    monkeypatch.setattr(poller, "time", SimpleNamespace(time=lambda: clock.now_s))
    pool = SlowAndOutOfReach(clock, takes_s)
    poller.Poller(cast("Pool", pool), cast("Publisher", None)).run(clock, 1.0)
    assert pool.looks == looks
