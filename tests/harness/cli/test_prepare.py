"""The toolchain is there before a run enters its namespaces."""

from pathlib import Path

import pytest

from harness.cli.prepare import components_of, fetch, prepared_toolchain
from harness.errors import EnvironmentFailed
from harness.model.system import Node, Role, System
from harness.toolchain import COMMON, Component


@pytest.mark.stack
def test_a_filled_cache_is_used_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    """`fetch --offline` reads every file again."""
    assert fetch(offline=True) == 0
    assert "the toolchain is in " in capsys.readouterr().out


def test_offline_with_an_empty_cache_says_what_is_missing(tmp_path: Path) -> None:
    """And the command that helps."""
    with pytest.raises(EnvironmentFailed, match=r"offline.*aftershock fetch"):
        prepared_toolchain(components=COMMON, offline=True, cache=tmp_path)


def test_what_few_systems_need_is_fetched_for_those_alone() -> None:
    """MariaDB is twice as large as all the rest."""
    db, store = Node(name="db", role=Role.POSTGRES), Node(name="store", role=Role.MARIADB)

    def needed(*nodes: Node) -> set[Component]:
        return set(components_of(System(name="s", path=Path("s.yaml"), nodes=nodes)))

    assert needed(db) == set(COMMON)
    assert needed(db, store) - needed(db) == {Component.MARIADB}
