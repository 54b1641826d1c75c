"""What must hold between services."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.environments.compose import read
from harness.errors import DeclarationError


def answer(services: Mapping[str, str], directory: Path, top: str = "") -> str | None:
    """What reading a file complains of whose services stand on line 2 and after; None if fine."""
    path = directory / "c.yaml"
    lines = [f"  {name}: {{image: postgres, {fields}}}" for name, fields in services.items()]
    path.write_text("services:\n" + "\n".join(lines) + f"\n{top}\n")
    try:
        read(path, environ={})
    except DeclarationError as error:
        return str(error).removeprefix(f"{directory}/")
    return None


SERVICE = "labels: {aftershock.role: service}"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (
            {"a": "depends_on: [c]", "b": ""},
            (
                "c.yaml:2: service a depends on c, which is not declared"
                " (declare it, or name one of: b)"
            ),
        ),
        (
            {"a": "depends_on: [a]"},
            "c.yaml:2: the dependencies go round: a → a (remove one of them)",
        ),
        (
            {"a": "depends_on: [b]", "b": "depends_on: [c]", "c": "depends_on: [a]"},
            "c.yaml:2: the dependencies go round: a → b → c → a (remove one of them)",
        ),
        (
            {"a": "depends_on: [b]", "b": "profiles: [x]"},
            (
                "c.yaml:2: service a depends on b, which is not started without a profile"
                " (give b the profiles of a, or say required: false)"
            ),
        ),
        (
            {"a": "depends_on: [b], profiles: [x, y]", "b": "profiles: [x]"},
            (
                "c.yaml:2: service a depends on b, which is not started under the profile y"
                " (give b the profiles of a, or say required: false)"
            ),
        ),
        (
            {"a": "depends_on: {b: {condition: service_healthy}}", "b": SERVICE},
            (
                "c.yaml:2: service a depends on b being healthy, but b has no health check"
                " (give b a healthcheck, or use service_started)"
            ),
        ),
        (
            {"a": "ports: ['1:2']", "b": "ports: ['1:3']"},
            (
                "c.yaml:3: the services a and b both publish the host port 1"
                " (choose another host port for one)"
            ),
        ),
        (
            {"a": "ports: ['1:2', '1:3']"},
            "c.yaml:2: service a publishes two ports as 1 (choose another host port)",
        ),
        (
            {"a": "", "A": ""},
            (
                "c.yaml:3: the services a and A differ only in case"
                " (rename one: host names have no case)"
            ),
        ),
        (
            {"a": "networks: [n]", "b": ""},
            (
                "c.yaml:2: the network 'n' is not declared"
                " (declare it under the top-level networks) (and 1 more problem)"
            ),
        ),
    ],
)
def test_services_that_do_not_fit_together_are_told(
    tmp_path: Path, services: Mapping[str, str], expected: str
) -> None:
    """Dependencies, profiles, ports, names, networks."""
    assert expected == answer(services, tmp_path)


def test_services_on_different_networks_are_refused(tmp_path: Path) -> None:
    """All nodes are on one bridge, so a file that separates them would not be obeyed."""
    found = answer({"a": "networks: [n]", "b": ""}, tmp_path, top="networks: {n: }")

    assert found == (
        "c.yaml:3: service a is on the network n, service b on default"
        " (put all services on one network)"
    )


def test_a_volume_that_two_services_share_is_refused(tmp_path: Path) -> None:
    """A named volume is a node's own disk."""
    found = answer(
        {"a": "volumes: ['v:/x']", "b": "volumes: ['v:/x']"}, tmp_path, top="volumes: {v: }"
    )

    assert found == (
        "c.yaml:3: the services a and b share the volume v"
        " (a node's disk is its own: use a bind mount)"
    )


@pytest.mark.parametrize(
    "services",
    [
        {"a": "ports: ['1:2'], profiles: [x]", "b": "ports: ['1:2'], profiles: [y]"},
        {"a": "ports: [2]", "b": "ports: [2]"},
        {"a": "depends_on: [b], profiles: [x]", "b": "profiles: [y, x]"},
        {
            "a": "depends_on: {b: {condition: service_started, required: false}}",
            "b": "profiles: [x]",
        },
        {"a": "depends_on: {b: {condition: service_healthy}}", "b": ""},
        {"a": "networks: [default]", "b": "networks: {default: }", "c": ""},
    ],
)
def test_services_that_fit_together_are_read(tmp_path: Path, services: Mapping[str, str]) -> None:
    """The same port under profiles that never meet; roles that answer for themselves."""
    assert answer(services, tmp_path) is None


def test_one_named_network_for_all_is_accepted(tmp_path: Path) -> None:
    """Its name doesn't matter."""
    services = {"a": "networks: [n]", "b": "networks: [n]"}

    assert answer(services, tmp_path, top="networks: {n: {name: shop}}") is None
