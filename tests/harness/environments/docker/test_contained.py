"""A node in a container as the harness remembers it."""

from pathlib import Path

from harness.environments.docker.contained import Contained
from harness.model.system import Node, Role


def test_it_may_be_given_another_definition(tmp_path: Path) -> None:
    """Its container and its log are the same."""
    contained = Contained(
        Node(name="order", role=Role.SERVICE), tmp_path / "order.log", lambda *_: None
    )
    contained.defined = Node(name="order", role=Role.SERVICE, restart="always")

    assert contained.is_restarted_after(0)
    assert (contained.log, contained.pid) == (tmp_path / "order.log", None)
