"""Compose files that are refused: one line, with what to do."""

import pytest

from harness.environments.compose_attributes import REFUSED
from tests.harness.environments.compose_files import GOOD, Write, said, service


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_unsupported_attribute_is_refused_by_name_and_line(write: Write, name: str) -> None:
    """Whatever its value, with what to do instead."""
    assert f"shop.yaml:4: services.a.{name} is not supported ({REFUSED[name]})" == said(
        write(service(f"{name}: {{}}"))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "shop.yaml:1: the file is empty (declare at least one service under services:)"),
        ("- a\n", "shop.yaml:1: the file is a list (write services: …)"),
        ("name: x\n", "shop.yaml:1: the file declares no services (add services: …)"),
        ("\nservices: {}\n", "shop.yaml:2: services is empty (declare at least one service)"),
        (
            "\nservices: [a]\n",
            "shop.yaml:2: services is a list, not a mapping (write name: value lines)",
        ),
        ("services:\n  a:\n", "shop.yaml:2: services.a is empty (give it an image or a build)"),
        (
            "services:\n  a: postgres\n",
            (
                "shop.yaml:2: services.a is the text 'postgres', not a mapping"
                " (give it an image or a build)"
            ),
        ),
        (
            "services:\n  a:\n    image: x\n    image: y\n",
            "shop.yaml:4: the key 'image' stands here twice, first on line 3 (keep one)",
        ),
        (
            "services:\n\ta: 1\n",
            "shop.yaml:2: a tab is used for indentation, which YAML forbids (use spaces)",
        ),
        (
            "services:\n  a: [1\n",
            (
                "shop.yaml:3: not YAML: while parsing a flow sequence expected ',' or ']',"
                " but got '<stream end>' (correct the syntax)"
            ),
        ),
        (
            "include: [b.yaml]\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: include is not supported (put everything into one file)",
        ),
        (
            "service: {a: {image: postgres}}\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: service is not an attribute that is known here (did you mean services?)",
        ),
        (
            "services:\n  a_:\n    image: postgres\n",
            (
                "shop.yaml:2: services.a_ is no usable name: 'a_'"
                " (use letters, digits, - _ and ., at most 63)"
            ),
        ),
        (
            "name: Shop\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: name is 'Shop' (use lower-case letters, digits, - and _)",
        ),
        (
            "services: {a: {image: postgres}}\nx-aftershock: 3\n",
            "shop.yaml:2: x-aftershock is the number 3, not a mapping (write name: value lines)",
        ),
        (
            "services: {a: {image: postgres}}\nvolumes: {v: {external: true}}\n",
            "shop.yaml:2: volumes.v.external is not an attribute that is known here (remove it)",
        ),
        (
            "services: {a: {image: postgres}}\nnetworks: {n: {driver: macvlan}}\n",
            "shop.yaml:2: networks.n.driver is not supported (remove it)",
        ),
        (
            "services:\n  a:\n    image: $TAG\n",
            (
                "shop.yaml:3: services.a.image uses the variable TAG, which is not set"
                " (set it, or give a default: ${TAG:-…})"
            ),
        ),
        (
            "services:\n  a:\n    image: nginx\n    labels: {team: a}\n",
            (
                "shop.yaml:2: cannot tell the role of service a (set the label aftershock.role to one"
                " of: postgres, mariadb, kafka, kafka-connect, toxiproxy, service)"
            ),
        ),
    ],
)
def test_a_broken_file_is_answered_by_one_line(write: Write, text: str, expected: str) -> None:
    """File, line, what, and what to do."""
    assert expected == said(write(text))


def test_the_first_problem_is_told_and_the_others_counted(write: Write) -> None:
    """In the file's order, whatever order they were found in."""
    text = (
        "services:\n  a:\n    ports: [0]\n    deploy: {}\n    image: postgres\n    hostname: ''\n"
    )

    assert said(write(text)) == (
        "shop.yaml:3: services.a.ports[0] has '0' for a port"
        ' (write "HOST:NODE", each from 1 to 65535) (and 2 more problems)'
    )


def test_a_problem_in_an_env_file_names_that_file(write: Write) -> None:
    """File and line are those where the mistake stands."""
    path = write(GOOD)
    (path.parent / "order.env").write_text("A=1\n=2\n")

    assert said(path) == "order.env:2: '=2' is no variable (write NAME=value)"
