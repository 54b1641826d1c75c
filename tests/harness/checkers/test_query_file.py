"""Files of SQL with a header: what they say, and the line of what is wrong with them."""

from pathlib import Path

import pytest

from harness.checkers.query_file import (
    TABLE,
    Derived,
    Form,
    Need,
    QueryFile,
    read_text,
    refuse_twins,
)
from harness.errors import DeclarationError

FORM = Form(headers=("rule", "says", "needs"), sections=("scope", "rows"))
PATH = Path("r.sql")
TEXT = """\

-- rule: two-words
-- says: {node} did it
-- needs: db.a-b.c
-- needs: d? (id VARCHAR, n INTEGER)
-- A line that is no header is for people.
-- scope:
SELECT 1;
-- rows:
SELECT 2 -- scoped
"""


def read(text: str) -> QueryFile:
    return QueryFile(text, PATH, (FORM, TABLE))


def test_headers_needs_and_queries_are_what_they_say() -> None:
    """A query ends without its semicolon."""
    file = read(TEXT)
    assert (file.kind, file.name("rule"), file.template("says")) == (
        "rule",
        "two-words",
        "{node} did it",
    )
    assert file.needs == (
        Need(table="db.a-b.c"),
        Need(table="d", columns="id VARCHAR, n INTEGER"),
    )
    assert (file.sql("scope"), file.sql("rows")) == ("SELECT 1", "SELECT 2 -- scoped")


def test_a_table_is_one_query_under_a_name() -> None:
    """Its form is the same in every folder."""
    file = read("-- table: some.name\n-- needs: x\n-- rows:\nSELECT 3\n")
    assert file.table() == Derived(
        name="some.name", needs=(Need(table="x"),), rows="SELECT 3", path=PATH
    )


@pytest.mark.parametrize(
    "old, new, line, says",
    [
        ("-- rule: two-words", "-- ruler: x", 2, "must be `-- rule: …` or `-- table: …`"),
        ("-- says: {node} did it\n", "", 1, "no `-- says:` in the header"),
        ("two-words", "Two words", 2, "is not in kebab-case"),
        ("{node}", "{node!r}", 3, "only plain names stand in braces"),
        ("{node}", "{node", 3, "not a template"),
        ("-- needs: db.a-b.c", "-- needs: a b", 4, "write `name`"),
        ("-- scope:", "-- rows:", 9, "a second section `rows`"),
        ("SELECT 1;", "", 7, "no query under `-- scope:`"),
        ("-- A line", "-- scoped: a line", 6, "unknown header `scoped`"),
        ("-- A line", "SELECT", 6, "SQL before the first section `-- scope:`"),
    ],
)
def test_each_mistake_is_named_with_its_line(old: str, new: str, line: int, says: str) -> None:
    """A user can find it."""

    def use(file: QueryFile) -> None:
        file.name("rule")
        file.template("says")

    with pytest.raises(DeclarationError, match=rf"^r\.sql:{line}: ") as raised:
        use(read(TEXT.replace(old, new, 1)))
    assert says in str(raised.value)


def test_an_empty_file_is_a_mistake() -> None:
    """It says nothing."""
    with pytest.raises(DeclarationError, match="the file is empty"):
        read("\n\n")


def test_a_file_that_is_no_text_is_the_users_mistake(tmp_path: Path) -> None:
    """Named by its place."""
    (tmp_path / "a.sql").write_bytes(b"\xff")
    with pytest.raises(DeclarationError, match=r"a\.sql: cannot be read as text"):
        read_text(tmp_path / "a.sql")


def test_names_are_defined_once() -> None:
    """The second file is the one to blame."""
    refuse_twins([("a", Path("1.sql")), ("b", Path("2.sql"))])
    with pytest.raises(DeclarationError, match=r"^2\.sql:1: `a` is defined in 1\.sql already"):
        refuse_twins([("a", Path("1.sql")), ("a", Path("2.sql"))])
