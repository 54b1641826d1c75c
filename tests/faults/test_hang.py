"""A hang, on a real node: proved, healed, and called out where its injector does nothing."""

from pathlib import Path
from typing import Any

from faults.hang import Hang
from harness.model.scenario import Pattern
from harness.stage import Change, Stage
from harness.testing import isolated
from harness.testing.nodes import nodes_of, service


class Silent:
    """Asks nothing: a hang needs no store."""

    async def committed(self) -> frozenset[Change]:
        return frozenset()

    async def published(self) -> frozenset[Change]:
        return frozenset()


async def lives(directory: str) -> dict[str, Any]:
    """A hang that does nothing, one that does, and one that ended too early."""
    async with nodes_of(directory, service("order", directory, restart="always")) as env:
        await env.start(["order"])
        pattern = Pattern(name="p", promises="", writer="order", publisher="order")
        stage = Stage(
            environment=env, system=env.system, pattern=pattern, witness=Silent(), connectors={}
        )

        def hang() -> Hang:
            return Hang(stage, node="order", name="hang:order", duration_s=0.1)

        seen: dict[str, Any] = {}
        lame = hang()
        seen["does nothing"] = [(await lame.before()).shown, (await lame.during()).shown]
        await lame.heal()
        seen["does nothing"].append((await lame.after()).shown)

        fault = hang()
        seen["undo"] = dict(fault.undo())
        seen["proved"] = [(await fault.before()).shown, await fault.inject()]
        seen["proved"].append((await fault.during()).shown)
        seen["state"] = env.state("order").value
        for _ in range(2):
            await fault.heal()
        after = await fault.after()
        seen["proved"].append(after.shown)
        seen["after"] = after.says.partition(";")[0]
        seen["achieved"] = dict(fault.achieved())
        seen["measured after the heal"] = (await fault.during()).shown

        short = hang()
        await short.before()
        await short.inject()
        await env.thaw("order")
        await short.heal()
        seen["ended too early"] = (await short.after()).shown
    return seen


def test_a_hang_shows_and_proves_itself(tmp_path: Path) -> None:
    """Before, during and after; it has to last until the heal."""
    seen = isolated(lives, str(tmp_path))
    frozen = seen["achieved"]["frozen"]
    assert frozen > 0
    assert seen == {
        "does nothing": [True, False, False],
        "undo": {"thaw": "order"},
        "proved": [True, True, True, True],
        "state": "frozen",
        "after": "order was standing still at the heal",
        "achieved": {"frozen": frozen, "standing_at_the_heal": frozen},
        "measured after the heal": False,
        "ended too early": False,
    }
