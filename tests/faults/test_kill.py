"""The kill, on a real node: proved, healed, and called out where its injector does nothing."""

from pathlib import Path
from typing import Any

from faults.kill import Kill
from harness.model.scenario import Pattern
from harness.stage import Change, Stage
from harness.testing import isolated
from harness.testing.nodes import nodes_of, service


class Silent:
    """Asks nothing: a kill needs no store."""

    async def committed(self) -> frozenset[Change]:
        return frozenset()

    async def published(self) -> frozenset[Change]:
        return frozenset()


async def lives(directory: str) -> dict[str, Any]:
    """A fault that kills, one that does nothing, and heals in every order."""
    nodes = [service("order", directory, restart="always"), service("other", directory)]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["order", "other"])
        pattern = Pattern(name="p", promises="", writer="order", publisher="order")
        stage = Stage(
            environment=env, system=env.system, pattern=pattern, witness=Silent(), connectors={}
        )
        seen: dict[str, Any] = {}

        lame = Kill(stage, node="order", name="kill")
        seen["does nothing"] = [
            (await lame.before()).shown, (await lame.during()).shown, (await lame.after()).shown
        ]  # fmt: skip

        kill = Kill(stage, node="order", name="kill")
        seen["undo"] = dict(kill.undo())
        seen["proved"] = [(await kill.before()).shown]
        seen["fired"] = await kill.inject()
        during = await kill.during()
        seen["proved"].append(during.shown)
        seen["during"] = during.says
        seen["after, not healed"] = env.state("order").value
        for _ in range(2):
            await kill.heal()
        after = await kill.after()
        seen["proved"].append(after.shown)
        seen["pids"] = [kill._pid, env.pid("order")]
        seen["achieved"] = dict(kill.achieved())
        seen["measured after the heal"] = (await kill.during()).shown

        idle = Kill(stage, node="order", name="kill")
        await idle.heal()
        seen["healed without an injection"] = env.state("order").value

        half = Kill(stage, node="order", name="kill")
        await half.before()
        await env.kill("order")  # as inject does, broken off before it could say so
        await half.heal()
        seen["healed half-way"] = (await half.after()).shown
        seen["nothing achieved"] = dict(half.achieved())
        seen["unexpected"] = env.unexpected_ends(["order", "other"])
    return seen


def test_a_kill_shows_and_proves_itself(tmp_path: Path) -> None:
    """Before, during and after; with an injector that does nothing `during` says so."""
    seen = isolated(lives, str(tmp_path))

    old, new = seen.pop("pids")
    assert old != new
    assert seen == {
        "does nothing": [True, False, False],
        "undo": {"release": "order"},
        "proved": [True, True, True],
        "fired": True,
        "during": f"order: pid {old} is gone, its port 7000 refuses",
        "after, not healed": "held down",
        "achieved": {"pid": old, "signal": 9, "survivors": 0},
        "measured after the heal": False,
        "healed without an injection": "ready",
        "healed half-way": True,
        "nothing achieved": {},
        "unexpected": [],
    }


def test_a_node_that_does_not_run_cannot_be_killed(tmp_path: Path) -> None:
    """Before says that there is nothing to kill, and the rig refuses."""
    seen = isolated(no_node, str(tmp_path))
    assert seen == [False, "order does not run", "order cannot be killed: it is not running"]


async def no_node(directory: str) -> list[Any]:
    """A node that was never started."""
    from harness.errors import EnvironmentFailed

    async with nodes_of(directory, service("order", directory)) as env:
        pattern = Pattern(name="p", promises="", writer="order", publisher="order")
        stage = Stage(
            environment=env, system=env.system, pattern=pattern, witness=Silent(), connectors={}
        )
        kill = Kill(stage, node="order", name="kill")
        before = await kill.before()
        try:
            await kill.inject()
        except EnvironmentFailed as failed:
            return [before.shown, before.says, str(failed)]
    return []
