"""The flow on the real servers, as scripts for an outer namespace of their own: without taps, and
with taps and kills between commit and publish.

What a script returns is JSON, by stack; the tests and `benchmarks/clients.py` look at it.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from faults.at_point import AtPoint
from faults.point import Point
from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.engine.proof import StoreProof
from harness.engine.stack import Stack
from harness.engine.stage import StoreWitness
from harness.engine.taps import Taps
from harness.engine.watch import end_trace, lost_sync, round_the_taps
from harness.engine.world import World
from harness.environments.namespaces import Namespaces
from harness.model.scenario import Pattern
from harness.stage import Stage
from harness.testing import eventually
from harness.toolchain import ensure

STACKS = ("psycopg", "asyncpg", "pgjdbc", "pgx")
KILL = "kill-between-commit-and-publish"
ORDERS = 5
"""How many have to be through before a writer is taken to work."""
_TOPIC = "orders.placed"
_WITHIN_S = 30.0

Told = dict[str, dict[str, Any]]
"""Stack → what was seen of it."""


async def without_taps(directory: str) -> Told:
    """Each stack until it has published some orders."""
    told = {}
    async with _servers(Path(directory), tapped=False) as stack:
        for pattern in map(_endless, stack.suite.patterns):
            world = await _working(stack, pattern)
            told[pattern.name] = await _seen(stack, world)
    return told


async def with_taps(directory: str, kills: int) -> Told:
    """Each stack until it has published some orders, then killed so many times between a commit
    and its publication."""
    told = {}
    async with _servers(Path(directory), tapped=True) as stack:
        for pattern in map(_endless, stack.suite.patterns):
            spool = Path(directory) / f"{pattern.name}.spool"
            world = await _working(stack, pattern, spool)
            struck = [await _kill(stack, world, pattern) for _ in range(kills)]
            # A record of the last one that was killed would be there before the next one's.
            await _has_published(world, int(struck[-1]["key"]) + 1)
            told[pattern.name] = {
                **await _seen(stack, world),
                **await _traced(stack, spool),
                "kills": struck,
            }
    return told


@asynccontextmanager
async def _servers(directory: Path, *, tapped: bool) -> AsyncIterator[Stack]:
    """The servers, up, without a writer."""
    suite = suites.load(str(Path(__file__).parent))
    nodes = Namespaces(
        union_of(suite, suite.patterns),
        ensure(offline=True),
        directory=directory / "nodes",
        logs=directory / "logs",
        tapped=tapped,
    )
    async with nodes:
        stack = Stack(nodes, suite, Taps(directory / "taps.log") if tapped else None)
        await stack.open()
        try:
            yield stack
        finally:
            await stack.close()


def _endless(pattern: Pattern) -> Pattern:
    """A writer that begins at once and does not end its work by itself."""
    of_its_own = {"LAST_ORDER": "0", "START": "at-once"}
    return replace(pattern, environment={**pattern.environment, **of_its_own})


async def _working(stack: Stack, pattern: Pattern, spool: Path | None = None) -> World:
    """The stores, once a writer is up and some orders are through."""
    await stack.begin(pattern, system_of(stack.suite, pattern), spool=spool)
    world = stack.world(pattern)
    await _has_published(world, ORDERS)
    return world


async def _has_published(world: World, number: int) -> None:
    """Await the record of that order."""

    async def is_there() -> bool:
        return str(number) in await _records(world)

    await eventually(is_there, within_s=_WITHIN_S)


async def _orders(world: World) -> list[str]:
    """Ids of the committed orders, in the order of their numbers."""
    sql = "SELECT order_id FROM orders ORDER BY order_id::integer"
    return [row[0] for row in await world.postgres["writer-db"].query(sql, database="writer")]


async def _lines(world: World) -> list[str]:
    """Order ids of the lines, in the order of their numbers."""
    sql = "SELECT order_id FROM order_lines ORDER BY order_id::integer"
    return [row[0] for row in await world.postgres["writer-db"].query(sql, database="writer")]


async def _records(world: World) -> list[str]:
    """Keys of the topic's records, in the order of their numbers."""
    assert world.kafka is not None
    found = await world.kafka.read_topic(_TOPIC) if _TOPIC in await world.kafka.topics() else []
    return sorted(((record.key or b"").decode() for record in found), key=int)


async def _seen(stack: Stack, world: World) -> dict[str, Any]:
    """What is in the stores, and how often the writer has ended by itself."""
    # Frozen: what it has sent is done, and what it has not, is not.
    await stack.environment.freeze("writer")
    return {
        "orders": await _orders(world),
        "lines": await _lines(world),
        "records": await _records(world),
        "ends": stack.environment.unexpected_ends(["writer"]),
    }


async def _kill(stack: Stack, world: World, pattern: Pattern) -> dict[str, Any]:
    """One kill at the point, looked at in the stores while the writer is down, then undone."""
    stage = Stage(
        environment=stack.environment,
        system=system_of(stack.suite, pattern),
        pattern=pattern,
        witness=StoreWitness(world, stack.suite.committed),
        connectors={},
        points=stack.taps,
        proof=StoreProof(world),
    )
    fault = AtPoint(stage, Point.parse(pattern.points[KILL]), name=KILL)
    began = time.monotonic()
    await fault.before()
    await fault.arm()
    fired = await fault.moment() and await fault.inject()
    during = await fault.during()
    [key] = fault.evidence()["intended_cut"]["effect"]["keys"]
    orders, lines, records = await _orders(world), await _lines(world), await _records(world)
    await fault.heal()
    after = await fault.after()
    return {
        "key": key,
        "hit": fired and during.shown and after.shown and fault.misfired() is None,
        "says": during.says,
        "committed": orders[-1:] == [key] and lines[-2:] == [key, key],
        "published": key in records,
        "took_s": round(time.monotonic() - began, 3),
    }


async def _traced(stack: Stack, spool: Path) -> dict[str, Any]:
    """Addresses of the effects, and what makes the trace worth nothing."""
    round_them = await round_the_taps(stack)
    trace = await end_trace(stack, spool, scenario="clients", origin_ns=0)
    assert trace is not None
    return {
        "addresses": trace.effects["address"].to_pylist(),
        "problems": [*round_them, *lost_sync(stack, trace)],
    }
