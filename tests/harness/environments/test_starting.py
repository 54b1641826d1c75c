"""The order of start, from literal dependencies."""

import asyncio

import pytest

from harness.environments.starting import start_in_order
from harness.errors import DeclarationError
from harness.model.system import Condition, Dependency, Node, Role


def node(name: str, **depends: Condition) -> Node:
    return Node(
        name=name,
        role=Role.SERVICE,
        image=None,
        depends_on=tuple(Dependency(node=n, condition=c) for n, c in depends.items()),
    )


def order(*nodes: Node) -> list[str]:
    """What was done, in which order; being ready takes every node two turns."""
    seen: list[str] = []

    async def launch(name: str) -> None:
        seen.append(f"launch {name}")

    async def ready(name: str) -> None:
        for _ in range(2):
            await asyncio.sleep(0)
        seen.append(f"ready {name}")

    async def then() -> None:
        seen.append("then")

    asyncio.run(
        start_in_order(nodes, launch=launch, ready=ready, then={"db": then}, backend="this one")
    )
    return seen


def test_who_needs_another_healthy_waits_until_it_is_ready() -> None:
    """Whatever the order in which they are named; what follows `db` keeps nobody waiting."""
    seen = order(node("app", db=Condition.HEALTHY), node("db"))
    assert seen[:2] == ["launch db", "ready db"]
    assert sorted(seen[2:]) == ["launch app", "ready app", "then"]


def test_who_needs_another_started_does_not_wait_for_more() -> None:
    seen = order(node("app", db=Condition.STARTED), node("db"))
    assert seen[:2] == ["launch db", "launch app"]


def test_what_is_not_started_is_not_waited_for() -> None:
    """It runs already, or is not wanted."""
    assert order(node("app", cache=Condition.HEALTHY)) == ["launch app", "ready app"]


def test_a_condition_that_is_not_supported_is_named() -> None:
    with pytest.raises(DeclarationError, match=r"service app: depends_on db: .*by this one"):
        order(node("app", db=Condition.COMPLETED), node("db"))
