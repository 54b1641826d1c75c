"""Invariant files: what is read from them, and each mistake named with its line."""

from pathlib import Path

import pytest

from harness.checkers.invariant import (
    Derived,
    Invariant,
    Need,
    collected,
    parse,
    read_invariants,
)
from harness.errors import DeclarationError

PATH = Path("lost.sql")
GOOD = """\
-- id: no-row-lost
-- family: loss
-- guarantee: Every row is there.
-- patterns: one, two
-- summary: {count} of {judged} are lost: {detail}
-- needs: db.a.rows
-- needs: db.b.rows? (id VARCHAR, amount DECIMAL(10, 2))
-- Why it is so.
-- scope:
SELECT count(*) FROM "db.a.rows";
-- counterexamples:
-- a comment of the query's
SELECT id AS key, 'gone' AS detail
FROM "db.a.rows"
"""


def invariant(text: str) -> Invariant:
    parsed = parse(text, PATH)
    assert isinstance(parsed, Invariant)
    return parsed


def test_a_file_is_read_as_written() -> None:
    """Headers by name, queries without their semicolon, comments ignored or kept with the SQL."""
    assert invariant(GOOD) == Invariant(
        id="no-row-lost",
        family="loss",
        guarantee="Every row is there.",
        patterns=("one", "two"),
        summary="{count} of {judged} are lost: {detail}",
        needs=(
            Need(table="db.a.rows"),
            Need(table="db.b.rows", columns="id VARCHAR, amount DECIMAL(10, 2)"),
        ),
        scope='SELECT count(*) FROM "db.a.rows"',
        counterexamples=(
            "-- a comment of the query's\nSELECT id AS key, 'gone' AS detail\nFROM \"db.a.rows\""
        ),
        path=PATH,
    )


def test_patterns_restrict_and_all_does_not() -> None:
    """An invariant is asked of the patterns that promise it."""
    assert [invariant(GOOD).applies_to(p) for p in ("one", "two", "three")] == [True, True, False]
    assert invariant(GOOD.replace("one, two", "all")).applies_to("three")


def test_a_table_for_others_to_need_has_rows_alone() -> None:
    """It guarantees nothing, so it has no id."""
    parsed = parse("-- table: events\n-- needs: kafka.t\n-- rows:\nSELECT 1 AS a\n", PATH)
    needs = (Need(table="kafka.t"),)
    assert parsed == Derived(name="events", needs=needs, rows="SELECT 1 AS a", path=PATH)


@pytest.mark.parametrize(
    "old, new, line, says",
    [
        (GOOD, "", 1, "empty"),
        ("-- id: no-row-lost", "SELECT 1", 1, "first line"),
        ("no-row-lost", "No_Row", 1, "kebab-case"),
        ("-- family: loss", "-- family: luck", 2, "no family `luck`"),
        ("-- family: loss", "-- familiy: loss", 2, "unknown header `familiy`"),
        ("-- family: loss\n", "", 1, "no `-- family:`"),
        ("-- guarantee: Every row is there.", "-- guarantee:", 3, "no value"),
        ("one, two", "one,, two", 4, "patterns|names with commas"),
        ("one, two", "all, two", 4, "write `all`"),
        ("{detail}", "{detail", 5, "not a template"),
        ("{detail}", "{detail.x}", 5, "only plain names"),
        ("{detail}", "{0}", 5, "only plain names"),
        ("db.a.rows\n-- needs: db.b", "db.a rows\n-- needs: db.b", 6, "`name\\? \\(column"),
        ("db.b.rows? (id VARCHAR, amount DECIMAL(10, 2))", "db.b.rows?", 7, "optional"),
        ("-- Why it is so.", "SELECT 2", 8, "SQL before the first section"),
        ("-- Why it is so.", "-- family: loss", 8, "a second `-- family:`"),
        ('SELECT count(*) FROM "db.a.rows";\n', "", 9, "no query under `-- scope:`"),
        ("-- scope:\n", "-- scope: SELECT 1\n", 9, "stands alone"),
        ("-- counterexamples:", "-- scope:", 11, "a second section `scope`"),
    ],
)
def test_each_mistake_is_named_with_its_line(old: str, new: str, line: int, says: str) -> None:
    """File, line, and what to write instead."""
    assert old in GOOD
    with pytest.raises(DeclarationError, match=rf"^lost\.sql:{line}: .*({says})"):
        parse(GOOD.replace(old, new, 1), PATH)


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    """Invariants in the order in which their violations are told, tables apart."""
    (tmp_path / "a.sql").write_text(GOOD.replace("family: loss", "family: liveness"))
    (tmp_path / "b.sql").write_text(GOOD.replace("no-row-lost", "no-ghost"))
    (tmp_path / "c.sql").write_text("-- table: t\n-- rows:\nSELECT 1\n")
    (tmp_path / "README.md").write_text("not SQL")
    found = read_invariants(tmp_path)
    assert [i.id for i in found.of("one")] == ["no-ghost", "no-row-lost"]
    assert found.of("three") == ()
    assert [t.name for t in found.tables] == ["t"]


def test_no_invariant_is_no_suite(tmp_path: Path) -> None:
    """Judging by nothing would let everything pass."""
    with pytest.raises(DeclarationError, match="no invariants here"):
        read_invariants(tmp_path)
    (tmp_path / "c.sql").write_text("-- table: t\n-- rows:\nSELECT 1\n")
    with pytest.raises(DeclarationError, match="no invariant here"):
        read_invariants(tmp_path)


def test_texts_from_anywhere_are_collected() -> None:
    """As a run stores them: each by the path that it is to be named by."""
    elsewhere = Path("elsewhere") / "ghost.sql"
    ghost = GOOD.replace("no-row-lost", "no-ghost")
    found = collected([(GOOD, PATH), (ghost, elsewhere)])
    assert [(i.id, i.path) for i in found.all] == [("no-row-lost", PATH), ("no-ghost", elsewhere)]
    with pytest.raises(DeclarationError, match=r"ghost\.sql:1: `no-row-lost` is defined in lost\."):
        collected([(GOOD, PATH), (GOOD, elsewhere)])


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    """One of them would be lost silently."""
    (tmp_path / "a.sql").write_text(GOOD)
    (tmp_path / "b.sql").write_text(GOOD)
    with pytest.raises(DeclarationError, match=r"b\.sql:1: `no-row-lost` is defined in a\.sql"):
        read_invariants(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """By its path, not with a stack trace."""
    (tmp_path / "a.sql").write_bytes(b"-- id: \xff")
    with pytest.raises(DeclarationError, match=r"a\.sql: cannot be read as text"):
        read_invariants(tmp_path)
