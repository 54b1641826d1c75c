"""A text read by its form says what it says read by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.sql_forms import Forms
from harness.trace.sql_values import template

KEYS = frozenset({"k", "order_id"})
ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
PIECES = [
    "INSERT INTO t (id, k) VALUES (", "INSERT INTO t SELECT ", "UPDATE t SET k = ", " WHERE k = ",
    " WHERE k IN (", " AND order_id = ANY(", "k=", "- ", "-", ", ", ")", "::numeric(10,2)", "::text",
    " uuid ", "CAST(", " AS int)", " + ", " t1 ", "k1 = ", " date ", "E", "x", "N", "array[", "]",
    " LIMIT ", ".", "1", "17", "1.5e3", "1_000", "'17'", "''", "'it''s'", "'{1,2}'", "'a'", "'",
    f"'{ID}'", f"'{{{ID}}}'", '"k"', "--", "/*", "$1", "\\", "é", ";", " k ", "(", "FROM unnest(",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.lists(st.integers(0, 99), max_size=2))
def test_what_a_form_says_is_what_the_text_says(pieces: list[str], numbers: list[int]) -> None:
    """Also for the second text of the form, with other literals."""
    forms = Forms(KEYS)
    for text in ("".join(pieces), "".join(map(str, numbers)).join(pieces)):
        found = forms.read(text)
        if found is not None:
            (of_form, _), literals = found
            assert of_form.read(literals) == template(text, KEYS).read(())


def test_texts_of_one_form_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(text: str, keys: frozenset[str]) -> object:
        read.append(text)
        return template(text, keys)

    monkeypatch.setattr("harness.trace.sql_forms.template", counted)
    forms = Forms(KEYS)
    for number in range(50):
        found = forms.read(
            f"UPDATE t SET n = n + {number}, s = 'it''s {number}' WHERE k = {number}"
        )
        assert found is not None
        (of_form, _), literals = found
        _, conditions = of_form.read(literals)
        assert conditions.keys == (str(number),)
    assert len(read) == 1


def test_digits_of_names_are_no_literals() -> None:
    forms = Forms(frozenset({"k1"}))
    for text, keys in (("DELETE FROM t WHERE k1 = 5", ("5",)), ("DELETE FROM t WHERE k2 = 6", ())):
        found = forms.read(text)
        assert found is not None
        (of_form, _), literals = found
        assert of_form.read(literals)[1].keys == keys


def test_a_number_and_a_string_are_two_forms() -> None:
    forms = Forms(KEYS)
    for text, key in (
        ("DELETE FROM t WHERE k = 17", "17"),
        ("DELETE FROM t WHERE k = '1''7'", "1'7"),
    ):
        found = forms.read(text)
        assert found is not None
        (of_form, _), literals = found
        assert of_form.read(literals)[1].keys == (key,)


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM t WHERE k = -17",
        "DELETE FROM t WHERE k = E'17'",
        'DELETE FROM t WHERE "k" = 17',
        "DELETE FROM t WHERE k = $1 AND n = 17",
        "DELETE FROM t WHERE k = 17 -- 18",
        f"DELETE FROM t WHERE k = '{ID}'",
        "DELETE FROM t WHERE k = '17",
        "DELETE FROM t WHERE k = 17" + " " * 5000,
    ],
)
def test_what_depends_on_more_is_left_to_the_text(text: str) -> None:
    assert Forms(KEYS).read(text) is None
