"""From what the user named to the scenarios of a run."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import faults
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
from harness.model.load import Load
from harness.model.suite import Suite
from harness.model.system import Role


@pytest.fixture(scope="module")
def shop() -> Suite:
    """The suite that comes with the package."""
    return suites.load("shop")


def _pairs(shop: Suite, patterns: list[str], faults: list[str]) -> list[tuple[str, str]]:
    return [(s.pattern, s.fault) for s in scenarios_of(shop, patterns, faults, 1)]


def test_without_arguments_it_is_the_default_matrix(shop: Suite) -> None:
    """Every pattern under the faults that matter, the control marked; but for the one that needs
    what not everybody has installed."""
    scenarios = scenarios_of(shop, [], [], 1)
    assert [(s.pattern, s.fault) for s in scenarios] == list(shop.default_matrix)
    left_out = {pattern.name for pattern in shop.patterns} - {s.pattern for s in scenarios}
    assert left_out == {"polyglot"}
    controls = {(s.pattern, s.fault): s.control for s in scenarios if s.control}
    assert controls["dual-write", "kill-between-commit-and-publish"] == "no-event-lost"
    assert controls == {
        (pattern.name, fault): invariant
        for pattern in shop.patterns
        for fault in pattern.faults
        if (invariant := pattern.control_under(fault)) is not None
    }


def test_a_fault_alone_is_run_with_every_pattern_that_it_fits(shop: Suite) -> None:
    """Those that have a Connect worker."""
    fitting = [p.name for p in shop.patterns if system_of(shop, p).with_role(Role.KAFKA_CONNECT)]
    assert "outbox-cdc" in fitting and "dual-write" not in fitting
    assert _pairs(shop, [], ["connect-kill"]) == [(name, "connect-kill") for name in fitting]


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


@pytest.mark.parametrize(
    "point, nodes",
    [
        ("kill:relay:after:relay/kafka-1/produce(order.events)/17#1", {"relay", "kafka-1"}),
        (f"kill:order:after:{COMMIT}", {"order", "order-db"}),
    ],
)
def test_a_point_is_run_with_every_pattern_that_has_its_nodes(
    shop: Suite, point: str, nodes: set[str]
) -> None:
    """Its text is the fault's name."""
    fitting = [p.name for p in shop.patterns if nodes <= {n.name for n in system_of(shop, p).nodes}]
    assert "outbox-polling" in fitting
    assert ("dual-write" in fitting) is ("relay" not in nodes)
    assert _pairs(shop, [], [point]) == [(name, point) for name in fitting]


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
    declaring = [p.name for p in shop.patterns if name in p.points]
    assert {"outbox-polling", "outbox-cdc"} <= set(declaring) and "dual-write" not in declaring
    assert _pairs(shop, [], [name]) == [(pattern, name) for pattern in declaring]


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
    assert left == [
        (pattern, fault)
        for pattern, fault in shop.default_matrix
        if fault == faults.NONE or faults.find(fault).point is None
    ]
    assert ("outbox-polling", "broker-partition") in left and len(left) < len(shop.default_matrix)
    for fault in (f"kill:order:after:{COMMIT}", "kill-before-commit"):
        with pytest.raises(DeclarationError, match="only taps can see; leave out --no-taps"):
            scenarios_of(shop, [], [fault], 1, taps=False)


def test_nothing_to_run_is_told_so(shop: Suite) -> None:
    """A suite may leave a pattern out of its default matrix; who names it runs it without a fault."""
    bare = replace(shop, patterns=[replace(p, faults=()) for p in shop.patterns])
    with pytest.raises(
        DeclarationError, match=r"no fault by default for .*dual-write, .*; name one"
    ):
        scenarios_of(bare, [], [], 1)
    assert _pairs(bare, ["dual-write"], []) == [("dual-write", "none")]


def test_a_pattern_is_known_by_its_name(shop: Suite) -> None:
    """Or told with those there are."""
    assert known_pattern(shop, "dual-write").name == "dual-write"
    names = ", ".join(pattern.name for pattern in shop.patterns)
    with pytest.raises(DeclarationError, match=f"no such pattern; there are {names}$"):
        known_pattern(shop, "quantum")


def test_a_part_that_is_away_has_a_workload_that_outlasts_it(shop: Suite) -> None:
    """Unless it is said how long it lasts; the rate is nobody else's affair."""
    named = ["none", "down=10:review", "review-hangs", "latency,4:order/review"]
    found = scenarios_of(shop, ["rest-sync"], named, 1, load=Load(rate_per_s=5.0))
    assert [s.load.duration_s for s in found] == [None, 25.0, 12.5, 15.0]
    assert {s.load.rate_per_s for s in found} == {5.0}
    asked = scenarios_of(shop, ["rest-sync"], named, 1, load=Load(duration_s=7.0))
    assert {s.load.duration_s for s in asked} == {7.0}
