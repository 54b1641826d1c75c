"""Interpolation and env files."""

import pytest

from harness.environments.compose_text import BadText, interpolate, interpolated, parse_env_file
from harness.environments.compose_values import plain
from harness.environments.compose_yaml import Problem, parse

ENVIRON = {"A": "1", "EMPTY": "", "D": "$A"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$A", "1"),
        ("x${A}y", "x1y"),
        ("$A$A", "11"),
        ("$$A $${A}", "$A ${A}"),
        ("${D}", "$A"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-}", ""),
        ("${NONE:-${A}}", "1"),
        ("${NONE:-a:b}", "a:b"),
        ("${A:-${NONE}}", "1"),
        ("${A:+x}", "x"),
        ("${NONE:+x}", ""),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${A:?must}", "1"),
        ("${EMPTY?must}", ""),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, expected: str) -> None:
    """All forms of the specification, nested defaults included."""
    assert expected == interpolate(text, ENVIRON)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("$NONE", "uses the variable NONE, which is not set"),
        ("${NONE}", "uses the variable NONE, which is not set"),
        ("${NONE:?set the $A}", "needs the variable NONE: set the 1"),
        ("${EMPTY:?}", "needs the variable EMPTY"),
        ("5 $", "has a lone $ in '5 $'"),
        ("$ x", "has a lone $"),
        ("${A", "has a ${ without its }"),
        ("${}", "has no variable name in '${}'"),
        ("${1}", "has no variable name"),
        ("${A!x}", "has an unknown form of variable"),
        ("${N:-" * 30 + "}" * 30, "nests ${…} too deeply"),
    ],
)
def test_a_variable_without_a_meaning_is_refused(text: str, says: str) -> None:
    """Also the one that is just not set, which Compose would turn into nothing."""
    with pytest.raises(BadText) as caught:
        interpolate(text, ENVIRON)

    assert str(caught.value).startswith(says)


def test_values_are_interpolated_throughout_a_tree_and_keys_are_not() -> None:
    """Lists and mappings at any depth; numbers stay numbers."""
    tree = parse("$A: [{b: $A}, 2, null]")

    assert plain(interpolated(tree, ENVIRON)) == {"$A": [{"b": "1"}, 2, None]}


def test_a_bad_variable_in_a_tree_is_told_with_its_place() -> None:
    """Line and path of the text."""
    with pytest.raises(Problem) as caught:
        interpolated(parse("a:\n  - $NONE"), {})

    assert caught.value.line == 2
    assert str(caught.value).startswith("a[0] uses the variable NONE")


def test_an_env_file_is_read_line_by_line() -> None:
    """Comments, export, quotes, interpolation of earlier lines, names passed on."""
    text = """\
# comment

export PLAIN = some text  # comment
HASH=a#b
EMPTY=
ONLY= # comment
SINGLE='as $A it is' # comment
DOUBLE="two\\nlines \\"$A\\" \\$A"
LATER=${HASH}!
A
MISSING
X.Y-Z=1
"""
    expected = {
        "PLAIN": "some text",
        "HASH": "a#b",
        "EMPTY": "",
        "ONLY": "",
        "SINGLE": "as $A it is",
        "DOUBLE": 'two\nlines "1" $A',
        "LATER": "a#b!",
        "A": "1",
        "X.Y-Z": "1",
    }

    assert expected == parse_env_file(text, ENVIRON, path="x.env")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A=1\n=2", "'=2' is no variable"),
        ("A=1\na b", "'a b' is no variable"),
        ("A=1\nB='x", "B has a quote that is not closed on its line"),
        ("A=1\nB='x' y", "B has text after its closing quote"),
        ("A=1\nB=${", "B has a ${ without its }"),
        ("A=1\nB=\0", "B holds a NUL character"),
    ],
)
def test_a_bad_line_of_an_env_file_is_told_with_file_and_line(text: str, says: str) -> None:
    """The problem stands in the env file, not in the compose file."""
    with pytest.raises(Problem) as caught:
        parse_env_file(text, {}, path="x.env")

    assert (caught.value.path, caught.value.line) == ("x.env", 2)
    assert str(caught.value).startswith(says)
