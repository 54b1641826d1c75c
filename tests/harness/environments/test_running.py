"""What an environment remembers of one node."""

import asyncio
from pathlib import Path

import pytest

from harness.environments.recipes.base import Site
from harness.environments.recipes.service import Service
from harness.environments.running import Running
from harness.model.system import Node, Role
from harness.protocols import NodeState
from harness.toolchain import Toolchain


def _running(folder: Path, told: list[NodeState], *, restart: str = "no") -> Running:
    here = Path("/nowhere")
    toolchain = Toolchain(
        java=here, kafka_classpath=(), connect_classpath=(), plugin_dir=here,
        postgres_home=here, mariadb_home=here, log4j_config=here, cache=here,
    )  # fmt: skip
    site = Site(
        node=Node(name="order", role=Role.SERVICE, restart=restart),
        address="198.18.0.10",
        directory=folder,
        netns_fd=-1,
        hosts=folder / "hosts",
        log=folder / "order.log",
        toolchain=toolchain,
    )

    async def make() -> Running:
        return Running(site, Service(), listener=lambda _name, state: told.append(state))

    return asyncio.run(make())


def test_a_state_is_told_once(tmp_path: Path) -> None:
    """The same one again is no news."""
    told: list[NodeState] = []
    running = _running(tmp_path, told)
    for state in (NodeState.STARTING, NodeState.READY, NodeState.READY):
        running.enter(state)
    assert told == [NodeState.STARTING, NodeState.READY]


@pytest.mark.parametrize(
    ("policy", "code", "restarted"),
    [
        ("no", 1, False),
        ("always", 0, True),
        ("unless-stopped", -9, True),
        ("on-failure", 0, False),
        ("on-failure", 1, True),
        ("on-failure", -9, True),
    ],
)
def test_the_restart_policy_is_composes(
    policy: str, code: int, restarted: bool, tmp_path: Path
) -> None:
    """As the specification has it."""
    assert _running(tmp_path, [], restart=policy).is_restarted_after(code) is restarted


def test_what_is_said_of_an_unready_node_ends_with_its_log(tmp_path: Path) -> None:
    """The last lines, the harness's own among them."""
    running = _running(tmp_path, [])
    (tmp_path / "order.log").write_text("".join(f"line {n}\n" for n in range(20)))
    running.mark("ended with 1")
    says = running.why_unready("HTTP 503", 60.0, gone=False)
    assert says.startswith("order was not ready after 60 s (last answer: HTTP 503); the end of ")
    assert "line 19" in says and "order ended with 1" in says and "line 5" not in says


def test_a_node_that_printed_nothing_has_no_log_to_quote(tmp_path: Path) -> None:
    """And is told of all the same."""
    says = _running(tmp_path, []).why_unready("nothing", 5.0, gone=True)
    assert (
        says
        == f"order ended before it was ready (last answer: nothing); the end of {tmp_path}/order.log:\n"
    )
