"""From what the user named to the scenarios of a run."""

from pathlib import Path

import pytest

from harness.cli import suites
from harness.cli.matrix import results_root, scenarios_of, system_of, union_of
from harness.errors import DeclarationError
from harness.model.suite import Suite


@pytest.fixture(scope="module")
def shop() -> Suite:
    """The suite that comes with the package."""
    return suites.load("shop")


def _pairs(shop: Suite, patterns: list[str], faults: list[str]) -> list[tuple[str, str]]:
    return [(s.pattern, s.fault) for s in scenarios_of(shop, patterns, faults, 1)]


def test_without_arguments_it_is_the_default_matrix(shop: Suite) -> None:
    """Every pattern under the faults that matter, the control marked."""
    scenarios = scenarios_of(shop, [], [], 1)
    everywhere = ["none", "kill-between-commit-and-publish", "broker-partition"]
    expected = [(p, f) for p in ("dual-write", "outbox-polling", "outbox-cdc") for f in everywhere]
    expected.append(("outbox-cdc", "connector-restart"))
    assert [(s.pattern, s.fault) for s in scenarios] == expected
    controls = [(s.pattern, s.fault, s.control) for s in scenarios if s.control]
    assert controls == [("dual-write", "kill-between-commit-and-publish", "no-event-lost")]


def test_a_fault_alone_is_run_with_every_pattern_that_it_fits(shop: Suite) -> None:
    """A connector is there in one pattern only."""
    assert _pairs(shop, [], ["connect-kill"]) == [("outbox-cdc", "connect-kill")]


def test_what_is_named_twice_is_run_once(shop: Suite) -> None:
    """In the order in which it was named."""
    named = ["outbox-polling", "dual-write", "outbox-polling"]
    assert _pairs(shop, named, ["none", "none"]) == [
        ("outbox-polling", "none"),
        ("dual-write", "none"),
    ]


def test_a_fault_that_fits_no_chosen_pattern_is_refused(shop: Suite) -> None:
    """And says what it needs."""
    with pytest.raises(DeclarationError, match=r"connector-restart.*kafka-connect.*dual-write"):
        scenarios_of(shop, ["dual-write"], ["connector-restart"], 1)


def test_a_patterns_system_has_its_profile_and_its_variables(shop: Suite) -> None:
    """Compose profiles and interpolation."""
    system = system_of(shop, shop.pattern("outbox-polling"))
    names = {node.name for node in system.nodes}
    assert "relay" in names and "connect" not in names
    assert system.node("order").environment["PATTERN"] == "outbox-polling"


def test_the_union_has_every_patterns_nodes_once(shop: Suite) -> None:
    """In file order."""
    chosen = [shop.pattern("dual-write"), shop.pattern("outbox-cdc")]
    names = [node.name for node in union_of(shop, chosen).nodes]
    assert "connect" in names and "relay" not in names
    assert len(names) == len(set(names))


def test_results_are_kept_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or where `--out` says."""
    monkeypatch.chdir(tmp_path)
    assert results_root(None) == tmp_path / "results"
    assert results_root(Path("there")) == tmp_path / "there"
