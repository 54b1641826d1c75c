"""What each action does at its point, in which order, and how it shows."""

import asyncio
from typing import Any

import pytest

from faults.actions import MECHANISMS
from faults.point import Action
from harness.errors import EnvironmentFailed
from harness.model.effect import Outcome
from tests.faults.conftest import COMMIT, World

SHOWN = {"before": True, "fired": True, "during": True, "after": True}


def played(world: World) -> dict[str, Any]:
    """What its steps showed, without the sentence."""
    seen = asyncio.run(world.play())
    seen.pop("says")
    return seen


def test_every_action_has_its_mechanism() -> None:
    """A closed set."""
    assert set(MECHANISMS) == set(Action)


@pytest.mark.parametrize(
    "action, gated, acts, heals, achieved",
    [
        (
            "pause=1", "order", ["freeze order", "ask order-db"],
            ["thaw order", "open"], {"held_bytes": 60, "frozen": 2},
        ),
        (
            "cut", "", ["cut order order-db", "ask order-db"],
            ["mend order order-db", "open"],
            {"held_bytes": 60, "link": "order→order-db", "packets_dropped": 4},
        ),
        ("reset", "order", ["reset", "ask order-db"], ["open"], {"held_bytes": 60}),
        ("hold=2", "order", ["ask order-db"], ["open"], {"held_bytes": 60}),
        ("swallow", "order", ["swallow", "ask order-db"], ["open"], {"held_bytes": 60}),
        (
            "error=40001", "order", ["answer 40001", "ask order-db"], ["open"],
            {"held_bytes": 60, "answered": "40001"},
        ),
    ],
)  # fmt: skip
def test_an_action_strikes_while_all_stands_still(
    action: str, gated: str, acts: list[str], heals: list[str], achieved: dict[str, Any]
) -> None:
    """The store is asked before the gate opens; the heal is the same, done twice."""
    world = World(f"{action}:order:after")
    assert played(world) == SHOWN
    armed = [f"arm after {COMMIT} gating {gated}".strip(), "reached"]
    assert world.log == [*armed, *acts, *heals, *heals]
    assert dict(world.achieved) == {**achieved, "cut_keys": ["17"]}


@pytest.mark.parametrize(
    "action, duration_s", [("kill", 0.0), ("pause=1", 1.0), ("cut", 2.0), ("hold", 3.0)]
)
def test_it_lasts_as_long_as_its_point_says(action: str, duration_s: float) -> None:
    """Between its proof and its heal."""
    assert World(f"{action}:order:after").fault.duration_s == duration_s


@pytest.mark.parametrize(
    "action, lame", [("kill", ["kill", "freeze"]), ("pause", ["freeze"]), ("cut", ["cut"])]
)
def test_an_environment_that_does_nothing_is_called_out(action: str, lame: list[str]) -> None:
    """What is measured is the world, not what it was told to do."""
    world = World(f"{action}:order:after", lame=lame)
    seen = asyncio.run(world.play())
    assert seen["during"] is False


def test_before_the_effect_an_error_is_answered_too() -> None:
    """Its request is never forwarded, so the store does not have it."""
    world = World("error=40001:order:before", done=False, outcome=Outcome.REQUESTED)
    assert played(world) == SHOWN
    assert "answer 40001" in world.log and world.fault.misfired() is None


def test_what_nothing_answers_cannot_be_swallowed() -> None:
    """Known only when it comes: a produce may ask for no acknowledgement."""
    produce = "order/kafka-1/produce(order.events)/17#1"
    world = World("swallow:order:after", effect=produce, is_answered=False)

    async def run() -> None:
        await world.fault.before()
        with pytest.raises(EnvironmentFailed, match=r"swallow: nothing answers order/kafka-1/"):
            await world.fault.inject()
        await world.fault.heal()

    asyncio.run(run())
    assert "swallow" not in world.log and world.log[-1] == "open"


@pytest.mark.parametrize(
    "asked",
    [
        "reset:order:after:*/order-db/commit",
        "reset:order:after:client/order/http",
        "cut:order:after:*/*/*",
    ],
)
def test_where_the_link_is_not_known_beforehand_the_node_is_looked_at(asked: str) -> None:
    """A pattern of links, and the workload's own."""
    assert played(World(asked))["before"] is True
    dead = World(asked)
    dead.nodes.pids.pop("order")
    assert asyncio.run(dead.fault.before()).shown is False


def test_a_link_that_does_not_carry_is_no_target() -> None:
    """Nothing would be shown by breaking it."""
    world = World("cut:order:after")
    world.nodes.cuts.add(("order", "order-db"))
    assert asyncio.run(world.fault.before()).shown is False


def test_a_node_that_does_not_come_back_is_told_by_the_probe_after() -> None:
    """In one line."""
    world = World("hold:order:after", lame=["release"])
    asyncio.run(world.fault.inject())
    asyncio.run(world.nodes.kill("order"))
    probe = asyncio.run(world.fault.after())
    assert (probe.shown, probe.says) == (False, "order is not ready")
