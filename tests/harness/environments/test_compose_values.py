"""Items as plain values."""

from collections.abc import Callable
from functools import partial

import pytest

from harness.environments import compose_values as values
from harness.environments.compose_yaml import Item, Problem, parse

positive = partial(values.seconds, positive=True)
small = partial(values.integer, least=1, most=9)


def item(text: str) -> Item:
    """The value written after `a:`."""
    return parse(f"a: {text}").value["a"]  # type: ignore[call-overload,index,return-value]


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (values.loose_text, "8080", "8080"),
        (values.loose_text, "1.5", "1.5"),
        (values.loose_text, "TRUE", "true"),
        (values.loose_text, "''", ""),
        (values.boolean, "true", True),
        (values.boolean, "'False'", False),
        (small, "9", 9),
        (small, "'9'", 9),
        (positive, "1m30s", 90.0),
        (positive, "500ms", 0.5),
        (positive, "1h1.5s", 3601.5),
        (positive, "250us", 0.00025),
        (partial(values.seconds, positive=False), "0", 0.0),
        (values.argv, "a 'b c' \"d\"", ("a", "b c", "d")),
        (values.argv, "[a, 'b c', '']", ("a", "b c", "")),
        (values.argv, "[]", ()),
        (values.pairs, "{A: 1, B: x, C: null, D: ''}", {"A": "1", "B": "x", "C": None, "D": ""}),
        (values.pairs, "[A=1, B, C=, D=a=b]", {"A": "1", "B": None, "C": "", "D": "a=b"}),
        (values.plain, "{a: [1, {b: x}], c: 1.5}", {"a": [1, {"b": "x"}], "c": 1.5}),
    ],
)
def test_a_value_is_read(read: Callable[[Item], object], text: str, expected: object) -> None:
    """Each form that Compose allows."""
    assert expected == read(item(text))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (values.mapping, "3", "a is the number 3, not a mapping"),
        (values.sequence, "true", "a is the switch true, not a list"),
        (values.sequence, "{}", "a is a mapping, not a list"),
        (values.text, "", "a is nothing, not text (put it in quotes)"),
        (values.text, "''", "a is empty (give it a value or remove it)"),
        (values.text, "5", "a is the number 5, not text (put it in quotes)"),
        (values.loose_text, "1.10", "a is the number 1.10, which YAML reads as 1.1"),
        (values.loose_text, "0777", "a is the number 0777, which YAML reads as 777"),
        (values.loose_text, "0x1F", "a is the number 0x1F, which YAML reads as 31"),
        (values.loose_text, "[]", "a is a list, not text"),
        (values.boolean, "yes", "a is the text 'yes', not true or false"),
        (small, "10", "a is 10 (write a number from 1 to 9)"),
        (small, "1.5", "a is the number 1.5, not a whole number"),
        (small, "true", "a is the switch true, not a whole number"),
        (positive, "30", "a is the number 30, not a duration"),
        (positive, "0s", "a is no time at all"),
        (positive, "1d", "a is the text '1d', not a duration"),
        (positive, "9999h", "a is 9999h, longer than a week"),
        (positive, "-1s", "a is the text '-1s', not a duration"),
        (values.argv, '"a \'b"', "a cannot be split into words: no closing quotation"),
        (values.argv, "7", "a is the number 7, not a command"),
        (values.argv, "[sleep, 5]", "a[1] is the number 5, not text (put it in quotes)"),
        (values.pairs, "x", "a is the text 'x' (write a mapping or a list of KEY=value)"),
        (values.pairs, "[A=1, A=2]", "a[1] sets A a second time"),
        (values.pairs, "[=x]", "a[0] has '' for a name"),
        (values.pairs, "{A=B: x}", "has 'A=B' for a name"),
        (values.pairs, "{A: [x]}", "a.A is a list, not text"),
    ],
)
def test_another_form_is_refused_with_what_it_is(
    read: Callable[[Item], object], text: str, says: str
) -> None:
    """The message names the attribute, what stands there, and what to write."""
    with pytest.raises(Problem) as caught:
        read(item(text))

    assert says in str(caught.value)
