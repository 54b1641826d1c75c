"""The tables of attributes: read, without effect, refused."""

import pytest

from harness.environments.compose_attributes import NO_EFFECT, READ, REFUSED, only, unsupported
from harness.environments.compose_values import mapping
from harness.environments.compose_yaml import Problem, parse


def refusals(text: str) -> list[str]:
    """What is said of a service's attributes."""
    return [str(problem) for problem in unsupported(mapping(parse(text)))]


def test_no_attribute_stands_in_two_tables() -> None:
    """Read, without effect and refused exclude each other."""
    assert not READ & NO_EFFECT.keys()
    assert not READ & REFUSED.keys()
    assert not NO_EFFECT.keys() & REFUSED.keys()


def test_what_matters_to_containers_alone_passes_if_well_formed() -> None:
    """Each in its usual form; x- attributes and empty ones too."""
    assert (
        refusals("""
annotations: {a: b}
attach: false
container_name: shop-order
develop: {watch: []}
init: true
logging: {driver: json-file}
platform: linux/amd64
pull_policy: always
stdin_open: true
tty: true
user: "1000:1000"
x-ours: [1]
image: a
""")
        == []
    )


def test_an_ill_formed_attribute_is_told_even_if_it_does_nothing() -> None:
    """A typing error doesn't hide behind its lack of effect."""
    assert refusals("init: yes") == [
        "init is the text 'yes', not true or false (write true or false)"
    ]


def test_a_misspelt_attribute_is_told_with_the_nearest_one() -> None:
    """Unknown is refused as well."""
    assert refusals("depend_on: [a]\nzzz: 1") == [
        "depend_on is not an attribute that is known here (did you mean depends_on?)",
        "zzz is not an attribute that is known here (remove it)",
    ]


@pytest.mark.parametrize("name", ["deploy", "privileged", "cap_add", "network_mode", "extends"])
def test_the_well_known_ones_that_change_how_a_node_runs_are_refused(name: str) -> None:
    """By name, with what to do instead."""
    assert [f"{name} is not supported ({REFUSED[name]})"] == refusals(f"{name}: x")


def test_a_nested_mapping_may_only_hold_what_is_known() -> None:
    """Extensions pass, others are refused."""
    known = frozenset({"context"})
    assert list(only(parse("{context: ., x-a: 1}"), known)) == ["context", "x-a"]

    with pytest.raises(Problem) as caught:
        only(parse("contxt: ."), known)
    assert "did you mean context?" in str(caught.value)
