"""Attributes that are one checked value each."""

from collections.abc import Callable

import pytest

from harness.environments import compose_fields as fields
from harness.environments.compose_yaml import Item, Problem, parse


def item(text: str) -> Item:
    """The value written after `a:`."""
    return parse(f"a: {text}").value["a"]  # type: ignore[call-overload,index,return-value]


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (fields.labels, "{aftershock.role: kafka, n: 1}", {"aftershock.role": "kafka", "n": "1"}),
        (fields.labels, "[team]", {"team": ""}),
        (fields.absolute, "/app", "/app"),
        (fields.hostname, "order-1", "order-1"),
        (fields.restart, "no", "no"),
        (fields.restart, "false", "no"),
        (fields.restart, "on-failure", "on-failure"),
        (fields.signal_name, "SIGINT", "SIGINT"),
        (fields.signal_name, "quit", "SIGQUIT"),
        (fields.signal_name, "9", "SIGKILL"),
        (fields.grace, "1m", 60.0),
        (fields.profiles, "[a, b, a]", ("a", "b")),
    ],
)
def test_a_field_is_read(read: Callable[[Item], object], text: str, expected: object) -> None:
    """In each form that Compose allows."""
    assert expected == read(item(text))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (fields.labels, "{aftershock.rol: kafka}", "did you mean aftershock.role?"),
        (fields.networks, "{default: {aliases: [db]}}", "a.default has options"),
        (fields.absolute, "app", "write an absolute path"),
        (fields.hostname, "order_1", "a is 'order_1' (use letters, digits and hyphens"),
        (fields.restart, "on-failure:3", "a is 'on-failure:3' (write one of: no, always"),
        (fields.signal_name, "SIGHELLO", "a is 'SIGHELLO' (write a signal such as SIGTERM)"),
        (fields.signal_name, "99", "a is '99'"),
        (fields.grace, "10", "not a duration"),
        (fields.profiles, "a", "a is the text 'a', not a list"),
        (fields.profiles, "[a b]", "a[0] is 'a b' (use letters, digits, - _ and .)"),
    ],
)
def test_a_field_that_means_nothing_is_refused(
    read: Callable[[Item], object], text: str, says: str
) -> None:
    """With the form that would mean something."""
    with pytest.raises(Problem) as caught:
        read(item(text))

    assert says in str(caught.value)
