"""The partition, on real nodes: every client is out, third parties are not."""

from pathlib import Path
from typing import Any

from faults.partition import Partition
from harness.model.scenario import Pattern
from harness.protocols import Environment
from harness.stage import Change, Stage
from harness.testing import isolated
from harness.testing.nodes import PORT, nodes_of, service


class Silent:
    """Asks nothing: a partition needs no store."""

    async def committed(self) -> frozenset[Change]:
        return frozenset()

    async def published(self) -> frozenset[Change]:
        return frozenset()


def partition(env: Environment) -> Partition:
    """`broker` against two of its three clients."""
    pattern = Pattern(name="p", promises="", writer="order", publisher="order")
    stage = Stage(
        environment=env, system=env.system, pattern=pattern, witness=Silent(), connectors={}
    )
    return Partition(stage, clients=("order", "shipping"), server="broker")


async def lives(directory: str) -> dict[str, Any]:
    """A fault that cuts, one that does nothing, one that does half of it."""
    names = ("broker", "order", "shipping", "bystander")
    async with nodes_of(directory, *(service(name, directory) for name in names)) as env:
        await env.start(names)

        async def reach(client: str, server: str) -> str:
            return (await env.reach(client, server, PORT, 0.4)).value

        seen: dict[str, Any] = {}
        lame = partition(env)
        during = [(await lame.before()).shown, (await lame.during()).shown]
        seen["does nothing"] = [*during, (await lame.after()).shown]

        fault = partition(env)
        seen["undo"] = dict(fault.undo())
        seen["proved"] = [(await fault.before()).shown]
        seen["fired"] = await fault.inject()
        seen["proved"].append((await fault.during()).shown)
        seen["others"] = [await reach("bystander", "broker"), await reach("order", "shipping")]
        await fault.heal()
        seen["proved"].append((await fault.after()).shown)
        lost = fault.achieved()["packets_dropped"]
        seen["dropped"] = {client: packets > 0 for client, packets in lost.items()}
        await fault.heal()
        seen["dropped, healed twice"] = fault.achieved()["packets_dropped"] == lost

        half = partition(env)
        await half.before()
        await env.cut("order", "broker")  # as inject does, broken off at the second client
        seen["half a partition"] = (await half.during()).shown
        await half.heal()
        seen["healed half-way"] = (await half.after()).shown

        await partition(env).heal()
        seen["healed without an injection"] = await reach("order", "broker")

        await env.kill("broker")
        seen["a broker that is down is no partition"] = (await partition(env).during()).shown
        seen["and not sound before"] = (await partition(env).before()).shown
    return seen


def test_a_partition_shows_and_proves_itself(tmp_path: Path) -> None:
    """Before, during and after; what does nothing, or half, or something else, is no proof."""
    assert isolated(lives, str(tmp_path)) == {
        "does nothing": [True, False, True],
        "undo": {"mend": [["order", "broker"], ["shipping", "broker"]]},
        "proved": [True, True, True],
        "fired": True,
        "others": ["answered", "answered"],
        "dropped": {"order": True, "shipping": True},
        "dropped, healed twice": True,
        "half a partition": False,
        "healed half-way": True,
        "healed without an injection": "answered",
        "a broker that is down is no partition": False,
        "and not sound before": False,
    }
