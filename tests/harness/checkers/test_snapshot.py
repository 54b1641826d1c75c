"""A stored scenario as tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checkers.invariant import Derived, Invariants, Need
from harness.checkers.snapshot import QueryFailed, Snapshot, TableMissing
from harness.files import write_parquet
from harness.model.fault import FaultRecord, Probe
from harness.model.record import ScenarioRecord
from harness.model.snapshot import TRACE_SCHEMA

Make = Callable[..., ScenarioRecord]
NONE = Invariants(all=())


def test_files_are_tables_under_their_own_names(make: Make) -> None:
    """Dots and dashes included; the history is `ops`."""
    record = make({"db.order-db.orders": {"id": ["1", "2"]}, "kafka.a.b": {"key": ["x"]}})
    with Snapshot(record, NONE) as snapshot:
        assert snapshot.number('SELECT count(*) FROM "db.order-db.orders"') == 2
        assert snapshot.texts('SELECT key FROM "kafka.a.b"') == ["x"]
        assert snapshot.number("SELECT count(*) FROM ops") == 0
        names = {"db.order-db.orders", "kafka.a.b", "ops", "quiescence", "faults", "scenario"}
        assert snapshot.tables == names


def test_what_passed_on_the_wire_is_a_table(make: Make) -> None:
    """Where it was traced."""
    record = make({})
    write_parquet(record.dir / "trace.parquet", TRACE_SCHEMA.empty_table())
    with Snapshot(record, NONE) as snapshot:
        assert snapshot.number("SELECT count(*) FROM trace") == 0


def test_a_suites_own_table_hides_a_file_of_its_name(make: Make) -> None:
    """A suite that calls a table `effects` goes on to mean its own."""
    own = Derived(name="effects", needs=(), rows="SELECT 7 AS n", path=Path("e.sql"))
    with Snapshot(make({"effects": {"n": [1]}}), Invariants(all=(), tables=(own,))) as snapshot:
        snapshot.provide([Need(table="effects")])
        assert snapshot.number("SELECT n FROM effects") == 7


@pytest.mark.parametrize(
    "text, number",
    [("0/1805AC0", 25189056), ("16/b374d848", 97500059720), ("", None), ("x/y", None)],
)
def test_an_lsn_is_a_number(make: Make, text: str, number: int | None) -> None:
    """Its text does not sort as its places do."""
    with Snapshot(make({}), NONE) as snapshot:
        (row,) = snapshot.rows("SELECT lsn($lsn) AS n", 1, {"lsn": text})
    assert row["n"] == number


def test_a_quote_in_the_path_is_no_sql(make: Make, tmp_path: Path) -> None:
    """A run may be stored anywhere."""
    record = make({"t": {"a": [1]}})
    odd = tmp_path.parent / f"{tmp_path.name} o'clock"
    tmp_path.rename(odd)
    with Snapshot(ScenarioRecord(dir=odd, scenario=record.scenario), NONE) as snapshot:
        assert snapshot.number("SELECT a FROM t") == 1


def test_faults_come_from_the_scenarios_record(make: Make) -> None:
    """With what its probes showed."""
    yes, no = Probe(shown=True, says=""), Probe(shown=False, says="")
    fault = FaultRecord(name="kill", target="order", fired=True, before=yes, during=no)
    record = make({"faults": {"name": ["another"]}})
    record = ScenarioRecord(dir=record.dir, scenario=record.scenario, faults=(fault,))
    with Snapshot(record, NONE) as snapshot:
        (row,) = snapshot.rows("FROM faults", 5)
        assert snapshot.texts("SELECT pattern FROM scenario") == ["p"]
    assert row["name"] == "kill"
    assert (row["before_shown"], row["during_shown"], row["after_shown"]) == (True, False, None)
    assert row["proved"] is False


def test_rows_are_json_whatever_their_types(make: Make) -> None:
    """They are stored in scenario.json; times are told in UTC."""
    record = make({})
    sql = """SELECT TIMESTAMPTZ '2026-11-23 05:45:01.5+01' AS at, 1.25::DECIMAL(9, 2) AS amount,
        'ab'::BLOB AS raw, uuid() IS NOT NULL AS flag, [1, NULL] AS list, NULL AS nothing"""
    with Snapshot(record, NONE) as snapshot:
        (row,) = snapshot.rows(sql, 1)
    assert row["at"].startswith("2026-11-23 04:45:01.5")
    assert (row["amount"], row["raw"], row["list"]) == (1.25, "ab", [1, None])
    assert row["nothing"] is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "INSTALL httpfs",
        "COPY (SELECT 1) TO '/tmp/aftershock-test-copy.csv'",
        "ATTACH '/tmp/aftershock-test.db' AS other",
        "SET enable_external_access = true",
    ],
)
def test_queries_reach_nothing_but_the_run(make: Make, sql: str) -> None:
    """The invariants of a stored run may be anybody's."""
    with Snapshot(make({}), NONE) as snapshot, pytest.raises(QueryFailed):
        snapshot.texts(sql)
    assert not Path("/tmp/aftershock-test-copy.csv").exists()
    assert not Path("/tmp/aftershock-test.db").exists()


def test_a_missing_table_is_told_by_name(make: Make) -> None:
    """Needed or simply used."""
    with Snapshot(make({}), NONE) as snapshot:
        with pytest.raises(TableMissing, match=r"^table db\.x\.y is missing from the snapshot$"):
            snapshot.provide([Need(table="db.x.y")])
        with pytest.raises(TableMissing, match=r"db\.x\.y"):
            snapshot.texts('SELECT * FROM "db.x.y"')


def test_a_broken_file_is_told_by_name(make: Make, tmp_path: Path) -> None:
    """A cut-off Parquet file spoils its own table only."""
    record = make({"good": {"a": [1]}})
    (tmp_path / "snapshot" / "bad.parquet").write_bytes(b"PAR1 cut off")
    with Snapshot(record, NONE) as snapshot:
        snapshot.provide([Need(table="good")])
        with pytest.raises(TableMissing, match="table bad cannot be read: "):
            snapshot.provide([Need(table="bad", columns="a INTEGER")])


def test_stand_ins_are_empty_and_gone_with_the_next_query(make: Make) -> None:
    """One invariant's declaration is no table for another."""
    optional = Need(table="slots", columns='"group" VARCHAR, amount DECIMAL(4, 1)')
    with Snapshot(make({}), NONE) as snapshot:
        snapshot.provide([optional])
        assert snapshot.rows('SELECT "group", amount FROM slots', 5) == ()
        with pytest.raises(TableMissing):
            snapshot.provide([Need(table="slots")])


def test_a_table_that_is_there_needs_no_stand_in(make: Make) -> None:
    """Optional does not mean ignored."""
    with Snapshot(make({"slots": {"a": [1]}}), NONE) as snapshot:
        snapshot.provide([Need(table="slots", columns="a INTEGER")])
        assert snapshot.number("SELECT count(*) FROM slots") == 1


def derived(name: str, rows: str, *needs: Need) -> Derived:
    return Derived(name=name, needs=needs, rows=rows, path=Path("t.sql"))


def test_derived_tables_are_made_on_first_use_from_what_they_need(make: Make) -> None:
    """One may need another, and a stand-in of its own."""
    base = derived("base", "SELECT a FROM t UNION ALL SELECT a FROM u", Need(table="t"), OPTIONAL_U)
    top = derived("top", "SELECT sum(a)::INTEGER AS total FROM base", Need(table="base"))
    with Snapshot(make({"t": {"a": [1, 2]}}), Invariants(all=(), tables=(top, base))) as snapshot:
        assert "top" not in snapshot.tables
        snapshot.provide([Need(table="top")])
        assert snapshot.number("SELECT total FROM top") == 3
        assert {"top", "base"} <= snapshot.tables


OPTIONAL_U = Need(table="u", columns="a INTEGER")


def test_what_a_derived_table_lacks_is_told(make: Make) -> None:
    """Every time it is needed, not the first time alone."""
    top = derived("top", "SELECT 1", Need(table="t"))
    with Snapshot(make({}), Invariants(all=(), tables=(top,))) as snapshot:
        for _ in range(2):
            with pytest.raises(TableMissing, match="table t is missing"):
                snapshot.provide([Need(table="top")])


def test_derived_tables_that_need_each_other_end(make: Make) -> None:
    """A circle is a missing table, not an endless loop."""
    one = derived("one", "FROM two", Need(table="two"))
    two = derived("two", "FROM one", Need(table="one"))
    circle = Invariants(all=(), tables=(one, two))
    missing = pytest.raises(TableMissing, match="table one is missing")
    with Snapshot(make({}), circle) as snapshot, missing:
        snapshot.provide([Need(table="one")])


@pytest.mark.parametrize(
    "sql", ["SELECT 'a'", "SELECT 1, 2", "SELECT NULL", "SELECT 1 WHERE false"]
)
def test_a_scope_is_one_whole_number(make: Make, sql: str) -> None:
    """Anything else counted nothing."""
    with Snapshot(make({}), NONE) as snapshot, pytest.raises(QueryFailed, match="whole number"):
        snapshot.number(sql)


def test_messages_are_one_line(make: Make) -> None:
    """They become part of a sentence."""
    with Snapshot(make({}), NONE) as snapshot, pytest.raises(QueryFailed) as failed:
        snapshot.texts("SELECT\nnope\nFROM\nfaults")
    assert "nope" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("sql", ["SELECT 1; DROP TABLE faults", "DROP TABLE faults", "-- nothing"])
def test_a_query_is_one_select(make: Make, sql: str) -> None:
    """Judging reads."""
    with Snapshot(make({}), NONE) as snapshot:
        for ask in (snapshot.number, snapshot.texts, lambda text: snapshot.keep("kept", text)):
            with pytest.raises(QueryFailed, match="one SELECT"):
                ask(sql)
        with pytest.raises(QueryFailed, match="one SELECT"):
            snapshot.rows(sql, 1)
        assert snapshot.number("SELECT count(*) FROM faults") == 0
