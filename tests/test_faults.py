"""The catalogue of faults: its names, the points besides, and which patterns they fit."""

from dataclasses import replace
from pathlib import Path

import pytest

import faults
from faults.at_point import AtPoint
from faults.failing import Failing
from faults.hang import Hang
from faults.kill import Kill
from faults.poisoned import Poisoned
from harness.errors import DeclarationError
from harness.model.scenario import Pattern
from harness.model.system import Link, Node, Role, System
from harness.stage import Stage
from tests.faults.conftest import COMMIT, SHOP, Nodes, Stores

SHORT_FORMS = {
    "kill-between-commit-and-publish",
    "kill-before-commit",
    "kill-between-publish-and-mark",
    "kill-between-effect-and-offset-commit",
    "kill-connect-before-offset-flush",
    "answer-lost",
}
KILL = f"kill:order:after:{COMMIT}"


def system(*roles: Role) -> System:
    """A system with a node of each role."""
    nodes = tuple(Node(name=role.value, role=role) for role in roles)
    return System(name="s", path=Path("s.yaml"), nodes=nodes)


def pattern(**points: str) -> Pattern:
    """A pattern that declares these points, `_` for `-` in their names."""
    named = {name.replace("_", "-"): text for name, text in points.items()}
    return Pattern(name="p", promises="", writer="order", publisher="order", points=named)


def test_the_names_are_the_ones_that_checks_call() -> None:
    """A contract of the command."""
    assert set(faults.CATALOGUE) == {
        *SHORT_FORMS,
        "kill",
        "broker-partition",
        "connector-restart",
        "connect-kill",
    }
    assert faults.NONE not in faults.CATALOGUE


@pytest.mark.parametrize("name", faults.CATALOGUE)
def test_a_fault_is_found_by_its_name(name: str) -> None:
    """And says what it does, how, and what proves it."""
    kind = faults.find(name)
    assert kind.name == name
    assert all((kind.says, kind.mechanism, kind.proof))


def test_a_name_that_there_is_not_is_answered_with_those_there_are() -> None:
    """`none` among them, and the form of a point."""
    says = (
        r"--fault kil: no such fault; there are none, kill.*and points: ACTION:NODE:before\|after"
    )
    with pytest.raises(DeclarationError, match=says):
        faults.find("kil")


@pytest.mark.parametrize(
    "roles, expected",
    [
        ((Role.SERVICE,), {"kill"}),
        ((Role.SERVICE, Role.KAFKA), {"kill", "broker-partition"}),
        ((Role.SERVICE, Role.KAFKA, Role.KAFKA_CONNECT), set(faults.CATALOGUE) - SHORT_FORMS),
    ],
)
def test_a_fault_fits_where_its_target_is(roles: tuple[Role, ...], expected: set[str]) -> None:
    """There is no connector to restart where there is no Connect."""
    kinds = faults.CATALOGUE.values()
    assert {k.name for k in kinds if k.unfit(pattern(), system(*roles)) is None} == expected


def test_a_point_is_a_fault_of_its_own() -> None:
    """Named by its text."""
    kind = faults.find(KILL)
    assert kind.name == KILL
    assert kind.says == f"kill order after {COMMIT}"
    assert kind.unfit(pattern(), SHOP) is None
    assert kind.names_one(pattern())
    assert not faults.find("kill:order:after:order/order-db/commit").names_one(pattern())


def test_a_point_fits_where_its_nodes_are() -> None:
    """What is missing is named."""
    told = faults.find("kill:connect:after:connect/order-db/flush").unfit(pattern(), SHOP)
    assert told is not None and told.startswith("there is no node 'connect'; there are order-db")


def test_a_broken_point_is_refused_at_once() -> None:
    """As the option's."""
    with pytest.raises(
        DeclarationError, match=r"^--fault smash:order:after:a/b/commit: there is no"
    ):
        faults.find("smash:order:after:a/b/commit")


@pytest.mark.parametrize("name", sorted(SHORT_FORMS))
def test_a_short_form_is_what_the_pattern_declares(name: str) -> None:
    """And fits only where it declares something."""
    kind = faults.find(name)
    point = "kill:order:before:order/order-db/commit(orders,*)"
    declaring = Pattern(
        name="p", promises="", writer="order", publisher="order", points={name: point}
    )
    assert kind.unfit(pattern(), SHOP) == "it declares no such point"
    assert kind.unfit(declaring, SHOP) is None
    assert not kind.names_one(declaring)
    fault = kind.make(stage(declaring))
    assert isinstance(fault, AtPoint)
    assert fault.name == name
    assert fault.evidence()["intended_cut"]["asked"] == "order/order-db/commit(orders,*)"


def test_a_pattern_that_declares_no_point_is_told_so() -> None:
    """By name."""
    name = "kill-before-commit"
    declaring = pattern(kill_before_commit="kill:order")
    with pytest.raises(
        DeclarationError, match=r"^pattern p, points, kill-before-commit: kill:order"
    ):
        faults.find(name).unfit(declaring, SHOP)
    with pytest.raises(DeclarationError, match=r"^pattern p declares no point kill-before-commit"):
        faults.find(name).make(stage(pattern()))


def stage(of: Pattern) -> Stage:
    """Enough to make a fault."""
    log: list[str] = []
    return Stage(
        environment=Nodes(log=log),
        system=SHOP,
        pattern=of,
        witness=Stores(log=log),
        connectors={},
    )


def test_an_outage_is_found_by_its_form_and_by_a_suites_name() -> None:
    """The name is kept: it is what the user asked for."""
    named = {"part-hangs": "hang=3:order", "part-errors": "errors=500:*/order"}
    hang, errors = (faults.find(name, named) for name in named)
    assert [kind.name for kind in (hang, errors)] == [*named]
    assert hang.outage is not None and hang.outage.duration_s == 3.0
    assert [kind.needs_taps for kind in (hang, errors)] == [False, True]
    assert faults.find("down=2:nobody").unfit(pattern(), SHOP) is not None
    assert hang.unfit(pattern(), SHOP) is None
    assert not hang.names_one(pattern())
    for kind, made in ((hang, Hang), (errors, Failing), (faults.find("down:order"), Kill)):
        fault = kind.make(stage(pattern()))
        assert isinstance(fault, made)
        assert (fault.name, fault.duration_s > 1) == (kind.name, True)
    with pytest.raises(DeclarationError, match="--fault down:a:b: the form is down"):
        faults.find("down:a:b")


def test_a_toxic_is_found_by_its_form_and_by_a_suites_name() -> None:
    """It needs taps and Toxiproxy, on the links that it names, or that the pattern has."""
    named = {"slow-broker": "bandwidth=5,2:order/kafka-1"}
    slow, late = faults.find("slow-broker", named), faults.find("latency")
    assert [kind.name for kind in (slow, late)] == ["slow-broker", "latency"]
    assert all(kind.needs_taps for kind in (slow, late))
    assert slow.lasts_s is not None and slow.lasts_s > 2
    assert faults.find("down=2:order").lasts_s == 2
    assert faults.find("kill").lasts_s is None
    link = Link(client="order", server="kafka-1")
    assert [kind.detours(pattern(), SHOP) for kind in (slow, late)] == [(link,), (link,)]
    assert faults.find("kill").detours(pattern(), SHOP) == ()
    for kind in (slow, late):
        assert kind.unfit(pattern(), SHOP) is None
        assert not kind.names_one(pattern())
        fault = kind.make(stage(pattern()))
        assert isinstance(fault, Poisoned)
        assert (fault.name, fault.target) == (kind.name, "order→kafka-1")
    assert "no node 'x'" in str(faults.find("latency:x/order").unfit(pattern(), SHOP))
    with pytest.raises(DeclarationError, match="--fault latency=x: 'x' is no amount"):
        faults.find("latency=x")
    with pytest.raises(DeclarationError, match="name a link"):
        late.make(replace(stage(pattern()), system=system(Role.SERVICE)))
