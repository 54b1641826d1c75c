"""From what the user named to the scenarios of a run."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import suites
from harness.cli.matrix import (
    known_pattern,
    results_root,
    scenarios_of,
    seeded_faults,
    system_of,
    union_of,
)
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
    says = r"--fault connector-restart: .*\(dual-write: there is no kafka-connect node\)"
    with pytest.raises(DeclarationError, match=says):
        scenarios_of(shop, ["dual-write"], ["connector-restart"], 1)


COMMIT = "order/order-db/commit(orders:insert)/17#1"


def test_a_point_is_run_with_every_pattern_that_has_its_nodes(shop: Suite) -> None:
    """Its text is the fault's name."""
    relay = "kill:relay:after:relay/kafka-1/produce(order.events)/17#1"
    assert _pairs(shop, [], [relay]) == [("outbox-polling", relay)]
    order = f"kill:order:after:{COMMIT}"
    assert len(_pairs(shop, [], [order])) == 3


@pytest.mark.parametrize(
    "fault, says",
    [
        (f"smash:order:after:{COMMIT}", r"there is no action 'smash'; there are kill, pause"),
        (f"kill:ordr:after:{COMMIT}", r"dual-write: there is no node 'ordr'; there are "),
        ("kill:order:after:order/db/commit(orders)", r"no server 'db'; there are order-db, inv"),
        ("kill:order:after:orders/order-db/commit", r"no client 'orders'; there are order-db"),
        ("kill:order:after:order-db/commit", r"'order-db/commit' is no address"),
        (f"swallow:order:before:{COMMIT}", r"no answer to swallow before the effect"),
        ("kill-connect-before-offset-flush", r"outbox-polling: it declares no such point"),
    ],
)
def test_a_point_that_there_cannot_be_is_refused_with_what_there_is(
    shop: Suite, fault: str, says: str
) -> None:
    """Before anything is started."""
    with pytest.raises(DeclarationError, match=rf"^--fault {re.escape(fault)}: .*{says}"):
        scenarios_of(shop, ["dual-write", "outbox-polling"], [fault], 1)


def test_a_short_form_is_run_where_it_is_declared(shop: Suite) -> None:
    """A dual writer marks nothing."""
    name = "kill-between-publish-and-mark"
    assert _pairs(shop, [], [name]) == [("outbox-polling", name), ("outbox-cdc", name)]


def test_faults_that_name_one_effect_depend_on_the_seed(shop: Suite) -> None:
    """Short forms and patterns of addresses do not."""
    one = f"kill:order:after:{COMMIT}"
    others = ["none", "kill", "kill-before-commit", "kill:order:after:order/order-db/commit"]
    assert seeded_faults(shop, scenarios_of(shop, [], others, 1)) == ()
    assert seeded_faults(shop, scenarios_of(shop, [], [one, *others], 1)) == (one,)


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


def test_without_taps_nothing_strikes_at_a_point(shop: Suite) -> None:
    """The default matrix goes without those, and who asks for one is told why not."""
    left = [(s.pattern, s.fault) for s in scenarios_of(shop, [], [], 1, taps=False)]
    assert len(left) == 7
    assert {fault for _, fault in left} == {"none", "broker-partition", "connector-restart"}
    for fault in (f"kill:order:after:{COMMIT}", "kill-before-commit"):
        with pytest.raises(DeclarationError, match="only taps can see; leave out --no-taps"):
            scenarios_of(shop, [], [fault], 1, taps=False)


def test_nothing_to_run_is_told_so(shop: Suite) -> None:
    """A suite may leave a pattern out of its default matrix."""
    bare = replace(shop, default_matrix=())
    with pytest.raises(DeclarationError, match="no fault by default for dual-write; name one with"):
        scenarios_of(bare, ["dual-write"], [], 1)


def test_a_pattern_is_known_by_its_name(shop: Suite) -> None:
    """Or told with those there are."""
    assert known_pattern(shop, "dual-write").name == "dual-write"
    with pytest.raises(DeclarationError, match="no such pattern; there are dual-write, outbox-"):
        known_pattern(shop, "quantum")
