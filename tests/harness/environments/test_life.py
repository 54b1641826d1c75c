"""What an environment remembers of one node."""

from pathlib import Path

import pytest

from harness.environments.life import Life
from harness.model.system import Node, Role
from harness.protocols import NodeState


class Lived(Life):
    """A service."""

    def __init__(self, log: Path, told: list[NodeState], *, restart: str = "no") -> None:
        super().__init__(log, lambda _name, state: told.append(state))
        self._restart = restart

    @property
    def node(self) -> Node:
        return Node(name="order", role=Role.SERVICE, restart=self._restart)


def test_a_state_is_told_once(tmp_path: Path) -> None:
    """The same one again is no news."""
    told: list[NodeState] = []
    life = Lived(tmp_path / "log", told)
    for state in (NodeState.STARTING, NodeState.READY, NodeState.READY):
        life.enter(state)
    assert told == [NodeState.STARTING, NodeState.READY]
    assert life.is_service


@pytest.mark.parametrize(
    ("policy", "code", "restarted"),
    [
        ("no", 1, False),
        ("always", 0, True),
        ("unless-stopped", -9, True),
        ("on-failure", 0, False),
        ("on-failure", 1, True),
        ("on-failure:3", 137, True),
        ("on-failure", -9, True),
    ],
)
def test_the_restart_policy_is_composes(
    policy: str, code: int, restarted: bool, tmp_path: Path
) -> None:
    """As the specification has it."""
    life = Lived(tmp_path / "log", [], restart=policy)
    assert life.is_restarted_after(code) is restarted


def test_what_is_said_of_an_unready_node_ends_with_its_log(tmp_path: Path) -> None:
    """The last lines, the harness's own among them."""
    life = Lived(tmp_path / "order.log", [])
    (tmp_path / "order.log").write_text("".join(f"line {n}\n" for n in range(20)))
    life.mark("ended with 1")
    says = life.why_unready("HTTP 503", 60.0, gone=False)
    assert says.startswith("order was not ready after 60 s (last answer: HTTP 503); the end of ")
    assert "line 19" in says and "order ended with 1" in says and "line 5" not in says


def test_a_node_that_printed_nothing_has_no_log_to_quote(tmp_path: Path) -> None:
    """And is told of all the same."""
    says = Lived(tmp_path / "order.log", []).why_unready("nothing", 5.0, gone=True)
    assert (
        says
        == f"order ended before it was ready (last answer: nothing); the end of {tmp_path}/order.log:\n"
    )
