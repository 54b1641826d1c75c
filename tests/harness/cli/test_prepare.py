"""The toolchain is there before a run enters its namespaces."""

from pathlib import Path

import pytest

from harness.cli import prepare
from harness.cli.prepare import components_of, fetch, prepared_toolchain, require_toxiproxy
from harness.errors import EnvironmentFailed, MachineUnfit
from harness.model.system import Node, Role, System
from harness.toolchain import COMMON, Component, toxiproxy


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


@pytest.fixture
def no_toxiproxy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Neither it nor Go."""
    monkeypatch.setattr(toxiproxy, "found", lambda _cache: None)
    monkeypatch.setattr(toxiproxy, "go_program", lambda: None)
    return monkeypatch


@pytest.mark.usefixtures("no_toxiproxy")
def test_where_there_is_no_toxiproxy_the_fault_is_refused_by_name(tmp_path: Path) -> None:
    """With the one command that helps, before anything is started."""
    says = r"--fault latency: it needs Toxiproxy.*pip install 'aftershock\[toxiproxy\]'"
    with pytest.raises(MachineUnfit, match=says):
        require_toxiproxy("latency", tmp_path)


def test_fetching_all_says_what_helps_where_toxiproxy_is_not_to_be_had(
    tmp_path: Path, no_toxiproxy: pytest.MonkeyPatch
) -> None:
    """Which is no failure: few faults need it."""
    fetched = prepare._fetched_toxiproxy
    assert "pip install" in fetched(tmp_path, offline=False)
    no_toxiproxy.setattr(toxiproxy, "go_program", lambda: Path("/x/go"))
    assert "fetch once with a network" in fetched(tmp_path, offline=True)
    no_toxiproxy.setattr(toxiproxy, "found", lambda _cache: Path("/x/server"))
    no_toxiproxy.setattr(toxiproxy, "ensure", lambda _cache, **_: Path("/x/server"))
    assert fetched(tmp_path, offline=True) == "Toxiproxy is /x/server"
