"""A node in a container as the harness remembers it."""

from pathlib import Path

import pytest

from harness.environments.docker.contained import Contained
from harness.model.system import Node, Role
from harness.protocols import NodeState

DB = Node(name="db", role=Role.POSTGRES)


@pytest.mark.parametrize(
    ("policy", "after"),
    [("always", (True, True)), ("unless-stopped", (True, True)), ("on-failure", (False, True)),
     ("on-failure:3", (False, True)), ("no", (False, False))],
)  # fmt: skip
def test_the_restart_policy_is_the_compose_files(
    policy: str, after: tuple[bool, bool], tmp_path: Path
) -> None:
    """After a good end and a bad one."""
    node = Node(name="x", role=Role.SERVICE, restart=policy)
    contained = Contained(node, tmp_path / "x.log", lambda *_: None)

    assert (contained.is_restarted_after(0), contained.is_restarted_after(137)) == after


def test_a_state_is_told_once(tmp_path: Path) -> None:
    """The same again is no news."""
    told: list[tuple[str, NodeState]] = []
    contained = Contained(DB, tmp_path / "db.log", lambda *news: told.append(news))
    for state in (NodeState.STARTING, NodeState.STARTING, NodeState.READY):
        contained.enter(state)

    assert told == [("db", NodeState.STARTING), ("db", NodeState.READY)]


def test_a_node_that_is_not_ready_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    """And with the last thing it said."""
    contained = Contained(DB, tmp_path / "db.log", lambda *_: None)
    contained.mark("starting")
    with contained.log.open("a") as log:
        log.write("no space\n")
    told = contained.why_unready("port 5432: refused", 9.0, gone=False)

    assert told.startswith("db was not ready after 9 s (last answer: port 5432: refused);")
    assert told.endswith("    no space")
    assert "=== aftershock" in told
