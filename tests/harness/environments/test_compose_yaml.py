"""YAML as a tree of items with lines and paths."""

import pytest

from harness.environments.compose_values import plain
from harness.environments.compose_yaml import Item, Problem, parse


def child(item: Item, *path: str | int) -> Item:
    """The item at a path of keys and indexes."""
    for step in path:
        item = item.value[step]  # type: ignore[assignment,index]
    return item


def refusal(text: str) -> tuple[int, str]:
    """The line and the text of the problem that parsing meets."""
    with pytest.raises(Problem) as caught:
        parse(text)
    return caught.value.line, str(caught.value)


def test_an_item_knows_its_line_and_path() -> None:
    """A mapping's entry stands on its key's line, a list's element on its own."""
    tree = parse("a:\n  b c:\n    - x\n    - y\n")

    assert (child(tree, "a").line, child(tree, "a").where) == (1, "a")
    assert (child(tree, "a", "b c").line, child(tree, "a", "b c").where) == (2, "a.'b c'")
    element = child(tree, "a", "b c", 1)
    assert (element.line, element.where, element.value) == (4, "a.'b c'[1]", "y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("010", 10),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int '1'", 1),
    ],
)
def test_scalars_follow_the_core_schema(text: str, expected: object) -> None:
    """YAML 1.2: no surprise booleans, sexagesimals or dates."""
    assert expected == child(parse(f"a: {text}"), "a").value


def test_merging_keeps_what_is_written_over_what_is_merged() -> None:
    """Own keys win, then the first of a list of merged mappings."""
    tree = parse("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 0\n")

    assert plain(child(tree, "z")) == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands here twice, first on line 1 (keep one)"),
        ("x: &x {}\na:\n  <<: *x\n  <<: *x\n", 4, "the key '<<' stands here twice"),
        ("x: &x [1]\na: {<<: *x}\n", 2, "'<<' merges what is no mapping"),
        ("a: &a [*a]\n", 1, "an alias contains itself"),
        ("1: x\n", 1, "the key '1' is not text (put it in quotes)"),
        ("[a]: x\n", 1, "the key a list or mapping is not text"),
        ("a: !!python/object:os.system x\n", 1, "is not supported (remove the tag)"),
        ("a:\n  !reset []\n", 2, "the tag '!reset' is not supported"),
        ("a: !!binary aGk=\n", 1, "is not supported (remove the tag)"),
        ("a: !!int x\n", 1, "'x' is not a usable int"),
        ("a: !!bool x\n", 1, "'x' is not a usable bool"),
        (f"a: {'9' * 5000}\n", 1, "is not a usable int"),
        ("a: 1e999\n", 1, "'1e999' is not a usable float"),
        ("a: 1\n--- \nb: 2\n", 2, "expected a single document"),
        ("a: *b\n", 1, "found undefined alias 'b'"),
        ("a: 1\nb: \x07\n", 2, "the character U+0007 is not allowed in YAML (remove it)"),
        ('a: 1\nb: "\\0"\n', 2, "text holds the character U+0000 (remove the escape)"),
        ('a: "\\ud800"\n', 1, "text holds the character U+D800 (remove the escape)"),
        ('a: "\\UFFFFFFFF"\n', 1, "not YAML"),
        ("[" * 5000, 1, "nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested deeper than 40 levels"),
        ("# only a comment\n", 1, "the file is empty"),
        ("a: 1\n\tb: 2\n", 2, "a tab is used for indentation, which YAML forbids (use spaces)"),
    ],
)
def test_what_is_no_plain_tree_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    """Duplicates, loops, foreign tags, wild numbers, characters that no process can be given."""
    found_line, found = refusal(text)

    assert line == found_line
    assert says in found


def test_a_problem_is_one_short_line_whatever_it_quotes() -> None:
    """A newline or a novel in a key cannot tear the message apart."""
    problem = Problem(1, "a\nb" + "x" * 9999, "c\td")

    assert str(problem).startswith("a\\nbxxx")
    assert str(problem).endswith("… (c\\td)")
    assert len(str(problem)) < 500
