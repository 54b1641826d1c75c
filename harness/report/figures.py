"""Requests before, during and after a fault: how many a second, how long they took, what failed.

A request belongs to the stretch in which it was begun. Slow is what took longer than almost all did
before the fault, and at least twice as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq

from harness.model.op import NEMESIS
from harness.model.record import ScenarioRecord

_INSTANT_S = 1e-9
STRETCHES = ("before", "during", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one stretch of time. Times are None where nothing was answered."""

    stretch: str
    lasted_s: float
    begun: int
    done: int
    """Acknowledged."""
    failed: int
    """Refused, or without an answer."""
    overtaken: int
    """Of those that failed, the ones under way when the stretch ended: what follows it, such as
    the fault itself, may be why."""
    slowed: int
    """Acknowledged, and slow."""
    p50_ms: float | None
    p99_ms: float | None

    @property
    def done_per_s(self) -> float:
        return self.done / self.lasted_s if self.lasted_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    begun_s: float
    took_s: float
    done: bool


def figures(record: ScenarioRecord, f: str | None = None) -> tuple[Figures, ...]:
    """Of a stored scenario with a fault that was injected and healed, of operation `f` or of all;
    empty where there was no such fault or is no history."""
    path = record.dir / "history.parquet"
    fault = next((x for x in record.faults if x.injected_at and x.healed_at), None)
    if fault is None or fault.injected_at is None or fault.healed_at is None or not path.is_file():
        return ()
    requests = _requests(path, f)
    if not requests:
        return ()
    first = min(r.begun_s for r in requests)
    last = max(r.begun_s for r in requests) + _INSTANT_S
    bounds = (first, fault.injected_at, min(fault.healed_at, last), last)
    stretches = [
        [r for r in requests if start <= r.begun_s < end] for start, end in pairwise(bounds)
    ]
    slow_s = _slow_s(stretches[0])
    return tuple(
        _figures(name, start, max(start, end), found, slow_s)
        for name, start, end, found in zip(STRETCHES, bounds, bounds[1:], stretches, strict=False)
    )


def _requests(path: Path, f: str | None) -> list[_Request]:
    begun: dict[str, float] = {}
    found: list[_Request] = []
    for row in pq.read_table(path, columns=["type", "process", "f", "time_s"]).to_pylist():
        if row["process"] == NEMESIS or (f is not None and row["f"] != f):
            continue
        if row["type"] == "invoke":
            begun[row["process"]] = row["time_s"]
        elif (start := begun.pop(row["process"], None)) is not None:
            took_s = row["time_s"] - start
            found.append(_Request(begun_s=start, took_s=took_s, done=row["type"] == "ok"))
    return found


def _slow_s(before: Sequence[_Request]) -> float:
    times = [r.took_s for r in before if r.done]
    usual, most = _quantile(times, 0.5), _quantile(times, 0.99)
    return float("inf") if usual is None or most is None else max(2 * usual, most)


def _figures(
    stretch: str, starts_s: float, ends_s: float, found: Sequence[_Request], slow_s: float
) -> Figures:
    done = [r.took_s for r in found if r.done]
    every = [r.took_s for r in found]
    p50, p99 = _quantile(every, 0.5), _quantile(every, 0.99)
    return Figures(
        stretch=stretch,
        lasted_s=ends_s - starts_s,
        begun=len(found),
        done=len(done),
        failed=len(found) - len(done),
        overtaken=sum(not r.done and r.begun_s + r.took_s > ends_s for r in found),
        slowed=sum(took > slow_s for took in done),
        p50_ms=None if p50 is None else p50 * 1000,
        p99_ms=None if p99 is None else p99 * 1000,
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share does not exceed."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
