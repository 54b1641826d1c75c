"""One flow in four client stacks: it runs as it is, and taps see and stop it alike.

Each async function is one script in an outer namespace of its own, run once for the module: its
servers serve the stacks one after the other, and each test looks at what came of one stack.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.engine.stack import Stack
from harness.engine.world import World
from harness.environments.namespaces import Namespaces
from harness.model.scenario import Pattern
from harness.testing import eventually, isolated
from harness.toolchain import ensure

pytestmark = pytest.mark.stack

STACKS = ("psycopg", "asyncpg", "pgjdbc", "pgx")
DATABASE, TOPIC = "writer", "orders.placed"
ORDERS = 5
TIMEOUT_S = 120.0

Told = Mapping[str, Mapping[str, Any]]
"""Stack → what was seen of it."""


@asynccontextmanager
async def servers(directory: Path) -> AsyncIterator[Stack]:
    """The servers, up, without a writer."""
    suite = suites.load(str(Path(__file__).parent))
    nodes = Namespaces(
        union_of(suite, suite.patterns),
        ensure(offline=True),
        directory=directory / "nodes",
        logs=directory / "logs",
    )
    async with nodes:
        stack = Stack(nodes, suite)
        await stack.open()
        try:
            yield stack
        finally:
            await stack.close()


def endless(pattern: Pattern) -> Pattern:
    """A writer that does not end its work by itself."""
    return replace(pattern, environment={**pattern.environment, "LAST_ORDER": "0"})


async def orders(world: World) -> list[str]:
    """Ids of the committed orders, in the order of their numbers."""
    sql = "SELECT order_id FROM orders ORDER BY order_id::integer"
    return [row[0] for row in await world.postgres["writer-db"].query(sql, database=DATABASE)]


async def records(world: World) -> list[str]:
    """Keys of the topic's records, in the order of their numbers."""
    assert world.kafka is not None
    found = await world.kafka.read_topic(TOPIC) if TOPIC in await world.kafka.topics() else []
    return sorted(((record.key or b"").decode() for record in found), key=int)


# --- without taps ---------------------------------------------------------------------------------


async def without_taps(directory: str) -> Told:
    told = {}
    async with servers(Path(directory)) as stack:
        for pattern in map(endless, stack.suite.patterns):
            await stack.begin(pattern, system_of(stack.suite, pattern))
            world = stack.world(pattern)

            async def are_there(world: World = world) -> bool:
                return len(await records(world)) >= ORDERS

            await eventually(are_there, within_s=20.0)
            # What it has sent is then done, and what it has not, is not.
            await stack.environment.freeze("writer")
            sql = "SELECT order_id, count(*) FROM order_lines GROUP BY 1 ORDER BY 1::integer"
            lines = await world.postgres["writer-db"].query(sql, database=DATABASE)
            told[pattern.name] = {
                "orders": await orders(world),
                "lines": [count for _, count in lines],
                "records": await records(world),
                "restarts": stack.environment.unexpected_ends(["writer"]),
            }
    return told


@pytest.fixture(scope="module")
def untapped(tmp_path_factory: pytest.TempPathFactory) -> Told:
    directory = tmp_path_factory.mktemp("untapped")
    told: Told = isolated(without_taps, str(directory), timeout_s=TIMEOUT_S)
    return told


@pytest.mark.parametrize("stack", STACKS)
def test_each_stack_does_the_whole_flow(untapped: Told, stack: str) -> None:
    """Orders 1, 2, 3, … with two lines each, and the records of all but perhaps the last."""
    told = untapped[stack]
    committed, published = told["orders"], told["records"]
    assert committed == [str(number) for number in range(1, len(committed) + 1)]
    assert told["lines"] == [2] * len(committed)
    assert published == committed[: len(published)]
    assert ORDERS <= len(published) >= len(committed) - 1
    assert told["restarts"] == []
