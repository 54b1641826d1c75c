"""The only key of a statement, read without its template."""

import pytest

from harness.trace.aliases import Aliases
from harness.trace.sql_single import single
from harness.trace.sql_values import template
from harness.trace.statement_keys import StatementKeys

KEYS = frozenset({"k"})
ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"


@pytest.mark.parametrize(
    ("sql", "params", "key"),
    [
        ("UPDATE t SET n = $1 WHERE k = $2", ("5", "17"), "17"),
        ("DELETE FROM t WHERE k = 'x'", (), "x"),
        ("INSERT INTO t (n, k) VALUES ($1, $2)", (b"\0\0\0\5", b"\0\0\0\x11"), "17"),
        ("INSERT INTO t (n, k) VALUES ($1, $2)", (None, "17"), "17"),
    ],
)
def test_it_is_what_the_template_says(
    sql: str, params: tuple[str | bytes | None, ...], key: str
) -> None:
    of_text = single(template(sql, KEYS))
    assert of_text is not None
    assert of_text.read(params) == key
    assert StatementKeys(KEYS, Aliases()).keys(sql, params) == (key,)


def test_what_may_be_more_is_left_to_the_template() -> None:
    """A NULL, a parameter that was not kept, and an id that stands for the key from now on."""
    of_text = single(template("INSERT INTO t (n, k) VALUES ($1, $2)", KEYS))
    assert of_text is not None
    assert of_text.read(("5", None)) is None
    assert of_text.read(("5",)) is None
    assert of_text.read((ID, "17")) is None


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (k) VALUES ($1), ($2)",
        "INSERT INTO t (n) VALUES ($1)",
        "UPDATE t SET k = $1 WHERE k = $2",
        "DELETE FROM t WHERE k = ANY($1)",
        f"INSERT INTO t (n, k) VALUES ('{ID}', $1)",
        "INSERT INTO t (n, k) VALUES ($1, $2) ON CONFLICT DO UPDATE SET k = $3",
        "INSERT INTO t (k) SELECT * FROM unnest($1::text[])",
    ],
)
def test_of_more_than_one_there_is_none(sql: str) -> None:
    assert single(template(sql, KEYS)) is None
