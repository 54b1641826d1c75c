"""Measures a suite's probes until all of them hold, or their time is over."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import pyarrow as pa

from harness.drivers.http import new_session, send
from harness.engine.quiesce import unsettled
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.snapshot import STEADY_SCHEMA
from harness.model.steady import Answers, Counts, Lag, Probe, Reading

_POLL_S = 0.05

AddressOf = Callable[[str], str]
"""A node's address; raises KeyError where there is no such node."""


_BEFORE_S, _AFTER_S = 10.0, 30.0
"""How long probes may take until all of them hold."""


class SteadyState:
    """The probes of one scenario, and what they have measured so far."""

    def __init__(
        self, probes: Sequence[Probe], address_of: AddressOf, write: Callable[[pa.Table], None]
    ) -> None:
        self._probes = probes
        self._address_of = address_of
        self._write = write
        self._rows: list[dict[str, Any]] = []

    async def before(self, world: World) -> None:
        """Raises EnvironmentFailed where they don't hold: there is nothing to disturb."""
        failing = await self._measure("before", world, _BEFORE_S)
        if failing:
            raise EnvironmentFailed(
                "no steady state before the first fault: " + "; ".join(map(str, failing))
            )

    async def after(self, world: World) -> None:
        """Whether they hold again is for the invariants to say."""
        await self._measure("after", world, _AFTER_S)

    async def _measure(self, when: str, world: World, deadline_s: float) -> list[Reading]:
        if not self._probes:
            return []
        readings, waited_s = await wait_steady(
            self._probes, world, self._address_of, deadline_s=deadline_s
        )
        self._rows += [
            {
                "probe": reading.probe,
                "when": when,
                "holds": reading.holds,
                "value": reading.value,
                "wanted": reading.wanted,
                "waited_s": round(waited_s, 3),
            }
            for reading in readings
        ]
        self._write(pa.Table.from_pylist(self._rows, schema=STEADY_SCHEMA))
        return [reading for reading in readings if not reading.holds]


async def wait_steady(
    probes: Sequence[Probe], world: World, address_of: AddressOf, *, deadline_s: float
) -> tuple[tuple[Reading, ...], float]:
    """The last readings, one a probe, and how long it took. Raises nothing for a store or a node
    that doesn't answer: that is a probe that does not hold."""
    began = time.monotonic()
    async with new_session() as session:
        while True:
            readings = await asyncio.gather(
                *(_measured(probe, world, address_of, session) for probe in probes)
            )
            waited_s = time.monotonic() - began
            if all(reading.holds for reading in readings) or waited_s > deadline_s:
                return tuple(readings), waited_s
            await asyncio.sleep(_POLL_S)


async def _measured(
    probe: Probe, world: World, address_of: AddressOf, session: aiohttp.ClientSession
) -> Reading:
    try:
        match probe:
            case Answers():
                holds, value = await _answers(probe, address_of, session)
            case Counts():
                holds, value = await _counts(probe, world)
            case Lag():
                holds, value = await _lag(probe, world)
    except (EnvironmentFailed, KeyError) as failed:
        holds, value = False, str(failed)
    return Reading(probe=probe.name, holds=holds, value=value, wanted=probe.wanted)


async def _answers(
    probe: Answers, address_of: AddressOf, session: aiohttp.ClientSession
) -> tuple[bool, str]:
    began = time.monotonic()
    url = f"http://{address_of(probe.node)}:{probe.port}{probe.path}"
    answer = await send(session, "GET", url, timeout_s=probe.within_s)
    if answer.status is None:
        return False, answer.error or "no answer"
    took_s = time.monotonic() - began
    holds = answer.status == probe.status and took_s <= probe.within_s
    return holds, f"{answer.status} after {took_s * 1000:.0f} ms"


async def _counts(probe: Counts, world: World) -> tuple[bool, str]:
    query = probe.query
    rows = await world.databases[query.node].query(query.sql, database=query.database)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise EnvironmentFailed("the query must return one number")
    number = int(rows[0][0])
    return number >= probe.least and (probe.most is None or number <= probe.most), str(number)


async def _lag(probe: Lag, world: World) -> tuple[bool, str]:
    if world.kafka is None:
        return False, "there is no broker"
    groups, offsets = await world.kafka.standing()
    if not offsets and not any(group.members for group in groups):
        return False, "nobody has joined a group"
    behind = sum(offset.lag for offset in offsets)
    late = unsettled(groups, offsets)
    return behind <= probe.most and not late, ", ".join([str(behind), *late])
