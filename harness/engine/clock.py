"""A scenario's clock: monotonic seconds since it began, and the wall time beside it."""

import time
from typing import Protocol


def until_multiple_s(now_s: float, period_s: float) -> float:
    """How long it is to the next multiple of the period, 0 at one; of no period, not at all."""
    return -now_s % period_s if period_s > 0 else 0.0


class Clock(Protocol):
    """Where times in a history come from."""

    def elapsed_s(self) -> float:
        """Monotonic seconds since the scenario began."""
        ...

    def utc_s(self) -> float:
        """UTC epoch seconds."""
        ...


class ScenarioClock:
    """The machine's clock, begun when this is made. `utc_s` follows the monotonic one, so that
    a stepped wall clock cannot reorder a history."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._began_utc_s = time.time()

    @property
    def origin_ns(self) -> int:
        """What the monotonic clock showed when the scenario began."""
        return round(self._began_s * 1e9)

    def elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def utc_s(self) -> float:
        return self._began_utc_s + self.elapsed_s()
