"""What a suite demands of a pattern: its own files, and those of the folders the pattern names."""

from pathlib import Path

import pytest

from harness.checkers.demanded import demanded, invariants_of
from harness.errors import DeclarationError
from harness.model.guarantees import Guarantee, Replica, Table
from harness.model.scenario import Pattern
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

LOST = """\
-- id: no-row-lost
-- family: loss
-- guarantee: Every row is there.
-- patterns: all
-- summary: {count} of {judged} are lost: {detail}
-- needs: db.a.rows
-- scope:
SELECT 1
-- counterexamples:
SELECT 1 AS key, 'gone' AS detail
"""


def invariant(name: str) -> str:
    """Another one, which reads like the first."""
    return LOST.replace("no-row-lost", name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Invariants for all, and two folders of more."""
    for name, text in {
        "lost.sql": LOST,
        "events/events.sql": "-- table: events\n-- rows:\nSELECT 1\n",
        "events/phantom.sql": invariant("no-phantom"),
        "outbox/drained.sql": invariant("drained"),
        "outbox/README.md": "no SQL",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


BUILT_IN = "liveness-after-heal.sql"
"""Demanded of everyone."""
COPY = Replica(
    source=Table(node="a", name="rows"),
    copy=Table(node="b", name="rows"),
    key="id",
    columns=("id",),
)
COPY_FILES = {"replica-equals-source.sql", "family.pairs.sql", "family.pairs.1.sql"}


def asking(*names: str, guarantees: tuple[Guarantee, ...] = ()) -> Pattern:
    """A pattern that names these folders."""
    return Pattern(
        name="p", promises="", writer="a", publisher="a", invariants=names, guarantees=guarantees
    )


def suite(folder: Path | None, guarantees: tuple[Guarantee, ...] = ()) -> Suite:
    return Suite(
        name="s",
        about="",
        compose=Path("compose.yaml"),
        invariants=folder,
        guarantees=guarantees,
        patterns=(),
        committed=StoreQuery(name="rows", node="a", database="a", sql="SELECT 1"),
        entry=("a", 80),
        plan=lambda _random: (),
    )


def test_a_pattern_that_names_no_folder_is_asked_what_holds_for_all(folder: Path) -> None:
    """Nothing of the folders below; and what is built in and asked of everyone."""
    found = demanded(suite(folder), asking())
    assert [*found] == ["lost.sql", BUILT_IN]
    assert found["lost.sql"] == LOST


def test_what_suite_and_pattern_declare_is_demanded_of_the_pattern(folder: Path) -> None:
    """With the tables that it needs."""
    for found in (
        demanded(suite(folder, (COPY,)), asking()),
        demanded(suite(folder), asking(guarantees=(COPY,))),
        demanded(suite(None, (COPY,)), asking()),
    ):
        assert {*found} - {"lost.sql", BUILT_IN} == COPY_FILES


def test_an_own_invariant_takes_the_place_of_a_built_in_one(folder: Path) -> None:
    """By its id, whatever its file is called."""
    (folder / "mine.sql").write_text(invariant("replica-equals-source"))
    (folder / "rest.sql").write_text(invariant("liveness-after-heal"))
    found = demanded(suite(folder, (COPY,)), asking())
    assert [*found] == ["lost.sql", "mine.sql", "rest.sql"]


def test_a_suite_without_a_folder_has_no_folders_in_it() -> None:
    """Whoever names one has forgotten to say where it is."""
    with pytest.raises(DeclarationError, match="the suite has no folder"):
        demanded(suite(None, (COPY,)), asking("events"))


def test_being_asked_to_come_to_rest_is_not_enough() -> None:
    """A system that does nothing does that."""
    with pytest.raises(DeclarationError, match="pattern p has no invariants"):
        demanded(suite(None), asking())


def test_what_holds_for_all_comes_before_the_folders_in_the_order_named(folder: Path) -> None:
    """By file name, without the folder: that is how a run keeps them. Only SQL counts."""
    found = demanded(suite(folder), asking("outbox", "events"))
    assert [*found] == ["lost.sql", "drained.sql", "events.sql", "phantom.sql", BUILT_IN]
    assert found["drained.sql"] == invariant("drained")


def test_a_pattern_may_name_a_single_file(folder: Path) -> None:
    """Of a folder whose others do not fit it."""
    found = demanded(suite(folder), asking("events/phantom", "outbox"))
    assert [*found] == ["lost.sql", "phantom.sql", "drained.sql", BUILT_IN]


def test_the_files_are_parsed_with_the_tables_that_they_share(folder: Path) -> None:
    """Named by file, as `aftershock check` finds them with the run."""
    found = invariants_of(suite(folder), asking("events"))
    assert [i.id for i in found.all] == ["no-row-lost", "no-phantom", "liveness-after-heal"]
    assert [t.name for t in found.tables] == ["events"]
    assert [i.path for i in found.all] == [Path("lost.sql"), Path("phantom.sql"), Path(BUILT_IN)]


def test_a_suite_may_have_all_of_its_invariants_in_folders(folder: Path) -> None:
    """Where no guarantee holds for every pattern."""
    (folder / "lost.sql").unlink()
    assert [*demanded(suite(folder), asking("outbox"))] == ["drained.sql", BUILT_IN]


def test_a_pattern_without_invariants_is_refused(folder: Path) -> None:
    """Judging by nothing would let everything pass."""
    (folder / "lost.sql").unlink()
    with pytest.raises(DeclarationError, match="pattern p has no invariants"):
        demanded(suite(folder), asking())


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_with_nothing_in_it_is_refused(folder: Path, name: str) -> None:
    """Misspelt or emptied, it would demand less than is meant."""
    (folder / "empty").mkdir()
    with pytest.raises(DeclarationError, match=rf"{name}: pattern p asks for .* no \.sql file"):
        demanded(suite(folder), asking("events", name))


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    """They are stored side by side: one would hide the other."""
    (folder / "outbox" / "lost.sql").write_text(invariant("another"))
    with pytest.raises(DeclarationError, match=r"outbox/lost\.sql: pattern p has .*/lost\.sql"):
        demanded(suite(folder), asking("outbox"))


def test_two_invariants_of_one_id_are_refused(folder: Path) -> None:
    """Whatever their files are called."""
    (folder / "outbox" / "other.sql").write_text(LOST)
    with pytest.raises(DeclarationError, match=r"`no-row-lost` is defined in lost\.sql already"):
        invariants_of(suite(folder), asking("outbox"))


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    """By its path."""
    (folder / "outbox" / "drained.sql").write_bytes(b"-- id: \xff")
    with pytest.raises(DeclarationError, match=r"drained\.sql: cannot be read as text"):
        demanded(suite(folder), asking("outbox"))
