"""Variables of the official images as Java properties, and back as a file."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.environments.recipes.properties import from_environment, property_name, render


@pytest.mark.parametrize(
    "suffix, expected",
    [
        ("LOG_DIRS", "log.dirs"),
        ("NODE_ID", "node.id"),
        ("A__B", "a_b"),
        ("SASL___MECHANISM", "sasl-mechanism"),
        ("LISTENER_NAME__CTL___X_Y", "listener.name_ctl-x.y"),
        ("MIXEDcase", "mixedcase"),
    ],
)
def test_a_variable_names_a_property(suffix: str, expected: str) -> None:
    """By the rule of the official images: one underscore a dot, two one, three a dash."""
    assert property_name(suffix) == expected


def test_only_variables_with_the_prefix_are_taken() -> None:
    """And of those none that is excluded."""
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_HEAP_OPTS": "-Xmx1g",
        "CLUSTER_ID": "x",
        "kafka_x": "2",
    }

    given_ = from_environment(environment, "KAFKA_", excluded=frozenset({"KAFKA_HEAP_OPTS"}))
    assert given_ == {"node.id": "1"}


def test_a_file_is_sorted_lines() -> None:
    """The same properties give the same bytes, whatever their order was."""
    assert render({"b": "2", "a": "1"}) == render({"a": "1", "b": "2"}) == "a=1\nb=2\n"


ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


def load(text: str) -> dict[str, str]:
    """Read as java.util.Properties.load does: a line ends anywhere, a backslash escapes."""
    found = {}
    for line in re.split(r"[\n\r]+", text):
        if line:
            key, _, raw = line.partition("=")
            raw = raw.lstrip(" \t\f")
            value = re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), raw)
            found[key] = value
    return found


VALUES = st.text(st.sampled_from(list("aé=:#! \\\n\r\t\fnrtu")), max_size=12)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z.]{0,6}", fullmatch=True), VALUES))
def test_what_is_written_is_what_java_reads(properties: dict[str, str]) -> None:
    """Backslashes, line ends and leading blanks survive."""
    assert load(render(properties)) == properties
