"""The catalogue of faults: its names, and which systems they fit."""

from pathlib import Path

import pytest

import faults
from harness.errors import DeclarationError
from harness.model.system import Node, Role, System


def system(*roles: Role) -> System:
    """A system with a node of each role."""
    nodes = tuple(Node(name=role.value, role=role) for role in roles)
    return System(name="s", path=Path("s.yaml"), nodes=nodes)


def test_the_names_are_the_ones_that_checks_call() -> None:
    """A contract of the command."""
    assert set(faults.CATALOGUE) == {
        "kill-between-commit-and-publish",
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
    """`none` among them."""
    with pytest.raises(DeclarationError, match=r"--fault kil: no such fault; there are none, kill"):
        faults.find("kil")


@pytest.mark.parametrize(
    "roles, expected",
    [
        ((Role.SERVICE,), {"kill"}),
        (
            (Role.SERVICE, Role.KAFKA),
            {"kill", "broker-partition", "kill-between-commit-and-publish"},
        ),
        ((Role.SERVICE, Role.KAFKA, Role.KAFKA_CONNECT), set(faults.CATALOGUE)),
    ],
)
def test_a_fault_fits_where_its_target_is(roles: tuple[Role, ...], expected: set[str]) -> None:
    """There is no connector to restart where there is no Connect."""
    fitting = {name for name, kind in faults.CATALOGUE.items() if kind.fits(system(*roles))}
    assert fitting == expected
