"""Texts that differ in numbers and strings only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.fields import decoded
from harness.wire.sql import recognise
from harness.wire.sql_seen import seen, statements

PIECES = (
    *("INSERT INTO ", "UPDATE ", "DELETE FROM ", "SELECT ", "WITH x AS (", "COPY ", "SAVEPOINT "),
    *("PREPARE TRANSACTION ", "EXECUTE ", "SET ", "VALUES ", "FROM STDIN", "orders", "o1", " a "),
    *("'", "''", "'x'", "'it''s 7'", '"', '"T"', '"t1"', "E'", "\\", "--", "/*", "*/", "\n", "$1"),
    *("$$", "$q1$", "$q2$", "1", "23", "4.5e6", " ", ";", ",", "(", ")", ".", "=", "é", "\x85"),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


@settings(max_examples=600, deadline=None)
@given(
    text=TEXTS,
    others=st.lists(st.tuples(st.integers(0, 99), st.sampled_from("0189'x")), max_size=6),
)
def test_what_is_told_is_what_the_text_says(text: str, others: list[tuple[int, str]]) -> None:
    """Also when much the same text was seen before."""
    for place, character in [*others, (0, "")]:
        changed = text[: place % (len(text) + 1)] + character + text[place % (len(text) + 1) :]
        for data in (text.encode(), changed.encode(), changed.replace("1", "2").encode()):
            assert statements(data) == recognise(decoded(data))


@pytest.mark.parametrize(
    "one, other",
    [
        ("SELECT a FROM b WHERE c = 1;", "SELECT a FROM b WHERE c = 234;"),
        ("UPDATE a SET b = -1", "UPDATE a SET b = -29"),
        ("INSERT INTO a VALUES ('x', 1)", "INSERT INTO a VALUES ('it''s', 25)"),
        ("INSERT INTO \"a'b\" VALUES ('x')", "INSERT INTO \"a'b\" VALUES ('y')"),
    ],
)
def test_another_number_or_string_makes_no_other_statement(one: str, other: str) -> None:
    """Each with its own text."""
    statements(one.encode())
    found = statements(other.encode())
    assert found == recognise(other)
    assert found[0].writes == recognise(one)[0].writes


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE orders2 SET a = 1",
        "SAVEPOINT s1",
        "PREPARE TRANSACTION 'g'",
        "PREPARE s AS DELETE FROM a",
        "BEGIN; COMMIT",
        "SELECT $$ 1 $$",
        "",
    ],
)
def test_what_may_mean_something_else_is_not_taken_for_the_same(text: str) -> None:
    """A digit in a table's name, what a string names, several statements."""
    assert seen(text.encode()) is None
    assert statements(text.encode()) == recognise(text)


def test_the_quick_way_is_taken() -> None:
    """One form, whatever the numbers."""
    one, other = seen(b"SELECT a WHERE b = 17"), seen(b"SELECT a WHERE b = 4")
    assert one is not None
    assert one is other
    assert one.statement.is_plain


def test_memory_has_a_limit() -> None:
    """Many forms, and a long one."""
    for i in range(5000):
        statements(b"SELECT " + b"a" * (i % 50) + b"," * (i // 50))
    long = b"INSERT INTO a VALUES ('" + b"x" * 50_000 + b"')"
    assert statements(long) == recognise(long.decode())
