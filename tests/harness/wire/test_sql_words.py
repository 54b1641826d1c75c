"""Words, literals and quoted names of SQL."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.sql_words import literal, split, words


@pytest.mark.parametrize(
    "sql, texts",
    [
        ("SELECT 1", ["SELECT", "1"]),
        ("a -- b\n c", ["a", "c"]),
        ("a /* b /* c */ ; */ d", ["a", "d"]),
        ("'it''s; ' x", ["'it''s; '", "x"]),
        (r"E'a\'; b' x", [r"E'a\'; b'", "x"]),
        (r"'a\' x", [r"'a\'", "x"]),
        ("$$ ; $$ x", ["$$ ; $$", "x"]),
        ("$q$ $$ ; $q$ x", ["$q$ $$ ; $q$", "x"]),
        ("$1, $2", ["$", "1", ",", "$", "2"]),
        ('"A ""b"";" x', ['"A ""b"";"', "x"]),
        ('schema."T"', ["schema", ".", '"T"']),
        ("'never ends ; x", ["'never ends ; x"]),
        ("/* never ends", []),
    ],
)
def test_words_are_told_apart(sql: str, texts: list[str]) -> None:
    """As PostgreSQL's scanner does, with standard_conforming_strings."""
    assert [w.text for w in words(sql)] == texts


def test_statements_are_what_stands_between_semicolons() -> None:
    """None is empty."""
    found = [[w.text for w in s] for s in split(words(";a b;;c;"))]
    assert found == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "sql, name", [("Orders", "orders"), ('"Or""ders"', 'Or"ders'), ("'g''1'", "g'1")]
)
def test_a_name_is_what_it_means(sql: str, name: str) -> None:
    """Bare words have no capitals."""
    assert [literal(w) for w in words(sql)] == [name]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="'\"$/*-\\aeE;_1 \n", max_size=200))
def test_words_stand_in_the_text_in_order(sql: str) -> None:
    """Whatever the text is, none overlaps."""
    at = 0
    for word in words(sql):
        assert at <= word.start < word.end
        assert sql[word.start : word.end] == word.text
        at = word.end


@pytest.mark.parametrize("piece", ["'", "''", "\\'", "E'\\", "/*", "$a$", '"', "$$'", "--"])
def test_a_hostile_text_takes_no_longer(piece: str) -> None:
    """100,000 pieces; a scanner that goes back would not end."""
    assert len(list(words(piece * 100_000))) <= 8192
