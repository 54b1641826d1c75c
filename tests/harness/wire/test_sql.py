"""What a statement is, and what it says it writes."""

import pytest

from harness.wire.sql import Kind, recognise, recognise_one, table_name


@pytest.mark.parametrize(
    "sql, kind, writes",
    [
        ("INSERT INTO orders VALUES (1)", Kind.INSERT, ["orders:insert"]),
        ("insert into public.orders as o values (1)", Kind.INSERT, ["orders:insert"]),
        ('INSERT INTO "Shop"."Orders" SELECT 1', Kind.INSERT, ["Shop.Orders:insert"]),
        ("UPDATE ONLY orders SET a = 1", Kind.UPDATE, ["orders:update"]),
        ("DELETE FROM orders", Kind.DELETE, ["orders:delete"]),
        ("/* x */ DELETE -- y\n FROM orders", Kind.DELETE, ["orders:delete"]),
        (
            "INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1",
            Kind.INSERT,
            ["a:insert"],
        ),
        (
            "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE",
            Kind.MERGE,
            ["a:merge"],
        ),
        ("SELECT * FROM a FOR UPDATE", Kind.READ, []),
        ("SELECT 'INSERT INTO a'", Kind.READ, []),
        ("(SELECT 1)", Kind.READ, []),
        (
            "WITH gone AS (DELETE FROM outbox RETURNING *) INSERT INTO sent SELECT * FROM gone",
            Kind.INSERT,
            ["outbox:delete", "sent:insert"],
        ),
        (
            "WITH x AS MATERIALIZED (UPDATE a SET b = 1 RETURNING *) SELECT * FROM x",
            Kind.READ,
            ["a:update"],
        ),
        ("EXPLAIN ANALYZE DELETE FROM a", Kind.DELETE, ["a:delete"]),
        ("EXPLAIN (ANALYZE, COSTS OFF) DELETE FROM a", Kind.DELETE, ["a:delete"]),
        ("EXPLAIN (COSTS OFF) DELETE FROM a", Kind.OTHER, []),
        (
            "TRUNCATE TABLE a, ONLY public.b *, c",
            Kind.TRUNCATE,
            ["a:truncate", "b:truncate", "c:truncate"],
        ),
        ("COPY a (x, y) FROM STDIN", Kind.COPY_IN, ["a:insert"]),
        ("COPY a FROM '/tmp/x'", Kind.COPY_IN, ["a:insert"]),
        ("COPY a TO STDOUT", Kind.COPY_OUT, []),
        ("COPY (DELETE FROM a RETURNING *) TO STDOUT", Kind.COPY_OUT, ["a:delete"]),
        ("CREATE TABLE a (x int)", Kind.DEFINE, []),
        ("CALL p()", Kind.CALL, []),
        ("DO $$ BEGIN DELETE FROM a; END $$", Kind.CALL, []),
        ("SET x = 1", Kind.OTHER, []),
        ("VACUUM a", Kind.OTHER, []),
    ],
)
def test_a_statement_says_what_it_writes(sql: str, kind: Kind, writes: list[str]) -> None:
    """A table as it is called everywhere: without `public.`."""
    (found,) = recognise(sql)
    assert found.kind is kind
    assert [f"{w.table}:{w.operation.value}" for w in found.writes] == writes


@pytest.mark.parametrize(
    "sql, kind, name, is_chained",
    [
        ("BEGIN", Kind.BEGIN, None, False),
        ("begin transaction isolation level serializable", Kind.BEGIN, None, False),
        ("START TRANSACTION", Kind.BEGIN, None, False),
        ("COMMIT TRANSACTION", Kind.COMMIT, None, False),
        ("END", Kind.COMMIT, None, False),
        ("COMMIT AND CHAIN", Kind.COMMIT, None, True),
        ("COMMIT AND NO CHAIN", Kind.COMMIT, None, False),
        ("ABORT", Kind.ROLLBACK, None, False),
        ("ROLLBACK AND CHAIN", Kind.ROLLBACK, None, True),
        ('SAVEPOINT "S1"', Kind.SAVEPOINT, "S1", False),
        ("RELEASE SAVEPOINT s1", Kind.RELEASE, "s1", False),
        ("RELEASE s1", Kind.RELEASE, "s1", False),
        ("ROLLBACK TO SAVEPOINT s1", Kind.ROLLBACK_TO, "s1", False),
        ("PREPARE TRANSACTION 'g'", Kind.PREPARE_TRANSACTION, "g", False),
        ("COMMIT PREPARED 'g'", Kind.COMMIT_PREPARED, "g", False),
        ("ROLLBACK PREPARED 'g'", Kind.ROLLBACK_PREPARED, "g", False),
        ("EXECUTE s (1)", Kind.EXECUTE, "s", False),
    ],
)
def test_a_statement_says_what_becomes_of_the_transaction(
    sql: str, kind: Kind, name: str | None, is_chained: bool
) -> None:
    """Every spelling that drivers use."""
    (found,) = recognise(sql)
    assert (found.kind, found.name, found.is_chained) == (kind, name, is_chained)


def test_prepare_holds_what_it_prepares() -> None:
    """EXECUTE will be that."""
    (found,) = recognise("PREPARE s (int) AS INSERT INTO a VALUES ($1)")
    assert found.inner is not None
    assert (found.kind, found.name) == (Kind.PREPARE, "s")
    assert (found.inner.kind, found.inner.sql) == (Kind.INSERT, "INSERT INTO a VALUES ($1)")
    assert not found.may_write


def test_a_query_has_many_statements() -> None:
    """Each with its own text."""
    found = recognise("BEGIN; INSERT INTO a VALUES ('x;y');COMMIT;")
    assert [s.sql for s in found] == ["BEGIN", "INSERT INTO a VALUES ('x;y')", "COMMIT"]


def test_the_body_of_a_function_is_one_statement() -> None:
    """Its semicolons end nothing, and its END commits nothing."""
    body = "BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END"
    found = recognise(f"CREATE FUNCTION f() RETURNS int {body}; COMMIT")
    assert [s.kind for s in found] == [Kind.DEFINE, Kind.COMMIT]


def test_no_text_is_an_empty_statement() -> None:
    """Drivers ping with it."""
    assert recognise(" ; -- x") == ()
    assert recognise_one("").kind is Kind.EMPTY


def test_a_replication_command_names_its_slot() -> None:
    """And says which plug-in's options follow."""
    sql = "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '1')"
    (found,) = recognise(sql)
    assert (found.kind, found.name) == (Kind.REPLICATE, "s")
    assert "proto_version" in found.options


def test_physical_replication_may_do_without_a_slot() -> None:
    """Where none is named there is none."""
    assert recognise_one("START_REPLICATION PHYSICAL 0/100").name is None
    assert recognise_one("START_REPLICATION SLOT s PHYSICAL 0/100").name == "s"
    assert recognise_one("CREATE_REPLICATION_SLOT s LOGICAL pgoutput").name == "s"


def test_the_schema_that_everyone_means_is_left_out() -> None:
    """So that two clients call a table the same."""
    assert table_name("public", "orders") == table_name("orders") == "orders"
    assert table_name("shop", "orders") == "shop.orders"
