"""What several faults measure, on real nodes; ports read from declarations."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from faults import probing
from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.model.system import Node, Port, Role
from harness.testing import isolated
from harness.testing.nodes import nodes_of, service


@pytest.mark.parametrize(
    "node, port",
    [
        (Node(name="n", role=Role.POSTGRES), 5432),
        (Node(name="n", role=Role.KAFKA), 9092),
        (Node(name="n", role=Role.KAFKA_CONNECT), 8083),
        (Node(name="n", role=Role.SERVICE), None),
        (Node(name="n", role=Role.SERVICE, ports=(Port(container=80), Port(container=81))), 80),
        (Node(name="n", role=Role.SERVICE, labels={"aftershock.ready": "8080/health"}), 8080),
        (Node(name="n", role=Role.SERVICE, labels={"aftershock.ready": ":8081"}), 8081),
    ],
)
def test_the_port_by_which_a_node_is_known(node: Node, port: int | None) -> None:
    """By its role, else where it is asked for readiness, else its first port."""
    assert probing.port_of(node) == port


def test_a_condition_is_awaited_up_to_a_deadline() -> None:
    """It is asked at least once."""

    async def run() -> list[bool]:
        answers = iter([False, False, True])

        async def third() -> bool:
            return next(answers)

        async def never() -> bool:
            return False

        async def at_once() -> bool:
            return True

        return [
            await probing.until(third, 5),
            await probing.until(never, 0.05),
            await probing.until(at_once, 0),
        ]

    assert asyncio.run(run()) == [True, False, True]


def test_together_probes_show_what_each_of_them_shows() -> None:
    """One that is not shown is enough; no probe shows nothing."""
    well = Probe(shown=True, says="a", measured={"x": 1})
    ill = Probe(shown=False, says="b")

    assert probing.all_of(well, well).shown
    assert not probing.all_of(well, ill).shown
    assert not probing.all_of().shown
    assert probing.all_of(well, ill).says == "a; b"
    assert probing.all_of(well, ill).measured == {"probes": [{"x": 1}, {}]}


async def measure(directory: str) -> dict[str, Any]:
    """Each probe on a link and on nodes in each of their states."""
    probing.WORKING_TIMEOUT_S = 0.3
    mute = service("mute", directory, "import signal; signal.pause()", ports=())
    nodes = [service("a", directory), service("b", directory), mute]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["a", "b", "mute"])
        seen: dict[str, Any] = {}

        async def link() -> list[bool]:
            works = await probing.link_works(env, "a", "b")
            cut = await probing.link_is_cut(env, "a", "b")
            return [works.shown, cut.shown]

        seen["sound link"] = await link()
        await env.cut("a", "b")
        said = (await probing.link_is_cut(env, "a", "b")).says
        seen["cut link"] = [said.startswith("a→b: a connection was not answered, "), *await link()]
        pid = env.pid("b")
        seen["alive"] = [
            (await probing.process_lives(env, "b")).says == f"b runs as pid {pid}",
            (await probing.process_is_gone(env, "b", pid)).shown,
            (await probing.process_is_back(env, "b", pid)).shown,
            (await probing.process_is_gone(env, "b", None)).shown,
        ]
        await env.kill("b")
        seen["refused is not cut"] = (await probing.link_is_cut(env, "mute", "b")).shown
        seen["gone"] = [
            (await probing.process_lives(env, "b")).shown,
            (await probing.process_is_gone(env, "b", pid)).shown,
            (await probing.process_is_gone(env, "b", pid, cut_from={"a"})).shown,
            (await probing.process_is_gone(env, "b", pid, cut_from={"a", "mute"})).shown,
        ]
        await env.release("b")
        seen["back"] = (await probing.process_is_back(env, "b", pid)).shown
        seen["answers"] = [
            (await probing.node_answers(env, "a")).says == f"a is ready as pid {env.pid('a')}",
            (await probing.node_answers(env, "b")).shown,
        ]
        quiet = env.pid("mute")
        seen["without a port"] = (await probing.process_is_gone(env, "mute", quiet)).shown
        await env.kill("mute")
        seen["without a port, gone"] = (await probing.process_is_gone(env, "mute", quiet)).shown
        await env.discard(["b"])
        never = await probing.process_is_back(env, "b", pid)
        seen["answers no more"] = (await probing.node_answers(env, "b")).shown
        seen["never back"] = [never.shown, never.says.startswith("b ended before it was ready")]
        try:
            await probing.link_works(env, "a", "mute")
        except EnvironmentFailed as failed:
            seen["no port to probe"] = str(failed)
        return seen


def test_probes_tell_apart_what_they_are_for(tmp_path: Path) -> None:
    """Sound from cut, cut from refused, alive from gone, back from never gone."""
    assert isolated(measure, str(tmp_path)) == {
        "sound link": [True, False],
        "cut link": [True, False, True],
        "alive": [True, False, False, False],
        "refused is not cut": False,
        # From the first node, `a`, whose link to it is cut, a refusal cannot be seen.
        "gone": [False, False, True, True],
        "back": True,
        "answers": [True, True],
        "answers no more": False,
        "without a port": False,
        "without a port, gone": True,
        "never back": [False, True],
        "no port to probe": "mute has no port to probe",
    }
