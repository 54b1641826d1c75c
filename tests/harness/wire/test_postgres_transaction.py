"""What a transaction has written, statement by statement."""

import pytest

from harness.wire.postgres_transaction import (
    End,
    Outcome,
    Transaction,
    as_completed,
    read_tag,
)
from harness.wire.sql import UNKNOWN, Kind, recognise, recognise_one


def run(sql: str, transaction: Transaction | None = None) -> tuple[Transaction, list[Outcome]]:
    transaction = transaction or Transaction({})
    outcomes = [transaction.apply(statement) for statement in recognise(sql)]
    return transaction, [outcome for outcome in outcomes if outcome is not None]


def tables(outcome: Outcome) -> list[str]:
    return sorted(w.table for w in outcome.writes)


def test_a_commit_has_what_was_written_since_begin() -> None:
    """And its statements."""
    transaction, (outcome,) = run("BEGIN; INSERT INTO a VALUES (1); DELETE FROM b; COMMIT")
    assert (outcome.end, tables(outcome)) == (End.COMMITTED, ["a", "b"])
    assert outcome.statements == ("INSERT INTO a VALUES (1)", "DELETE FROM b")
    assert not transaction.in_block


def test_what_a_savepoint_takes_back_was_not_written() -> None:
    """Names may stand for several savepoints, the innermost counts."""
    _, (outcome,) = run(
        "BEGIN; INSERT INTO a VALUES (1); SAVEPOINT s; INSERT INTO b VALUES (1); SAVEPOINT s; "
        "INSERT INTO c VALUES (1); ROLLBACK TO s; RELEASE s; COMMIT"
    )
    assert tables(outcome) == ["a", "b"]


def test_a_failed_transaction_goes_on_after_its_savepoint() -> None:
    """Nested transactions of drivers."""
    transaction, _ = run("BEGIN; INSERT INTO a VALUES (1); SAVEPOINT s")
    transaction.failed = True
    _, (outcome,) = run("ROLLBACK TO s; COMMIT", transaction)
    assert (outcome.end, tables(outcome)) == (End.COMMITTED, ["a"])


def test_commit_of_a_failed_transaction_is_a_roll_back() -> None:
    """The server answers it with the tag ROLLBACK."""
    transaction, _ = run("BEGIN; INSERT INTO a VALUES (1)")
    transaction.failed = True
    _, (outcome,) = run("COMMIT", transaction)
    assert outcome.end is End.ROLLED_BACK


def test_a_chain_opens_the_next_transaction() -> None:
    """With nothing written in it."""
    transaction, (outcome,) = run("BEGIN; INSERT INTO a VALUES (1); COMMIT AND CHAIN")
    assert tables(outcome) == ["a"]
    assert transaction.in_block
    assert not transaction.may_have_written


def test_the_second_phase_knows_what_the_first_wrote() -> None:
    """By the transaction's name."""
    _, (known,) = run(
        "COMMIT PREPARED 'g'", Transaction({"g": frozenset(recognise_one("DELETE FROM a").writes)})
    )
    assert (known.end, tables(known), known.is_complete) == (End.COMMITTED, ["a"], True)
    _, (unknown,) = run("ROLLBACK PREPARED 'g'")
    assert (unknown.end, unknown.is_complete) == (End.ROLLED_BACK, False)


def test_a_statement_without_a_text_leaves_the_writes_incomplete() -> None:
    """Said, not guessed."""
    transaction, _ = run("INSERT INTO a VALUES (1)")
    transaction.apply(UNKNOWN)
    outcome = transaction.ended(End.COMMITTED)
    assert (outcome.is_implicit, outcome.is_complete) == (True, False)


@pytest.mark.parametrize(
    "sql, tag, kind, count",
    [
        ("COMMIT", "COMMIT", Kind.COMMIT, 0),
        ("COMMIT", "ROLLBACK", Kind.ROLLBACK, 0),
        ("INSERT INTO a VALUES (1)", "INSERT 0 1", Kind.INSERT, 1),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING", "INSERT 0 0", Kind.INSERT, 0),
        (
            "WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x",
            "INSERT 0 0",
            Kind.INSERT,
            2,
        ),
    ],
)
def test_the_tag_tells_how_a_statement_went(sql: str, tag: str, kind: Kind, count: int) -> None:
    """No row is no write, unless the statement writes elsewhere too."""
    found = as_completed(recognise_one(sql), read_tag(tag.encode()))
    assert (found.kind, len(found.writes)) == (kind, count)


def test_the_tag_tells_what_a_statement_without_text_was() -> None:
    """One that wrote remains unknown: its table is."""
    assert as_completed(UNKNOWN, read_tag(b"SELECT 3")).kind is Kind.READ
    assert as_completed(UNKNOWN, read_tag(b"COMMIT")).kind is Kind.COMMIT
    assert as_completed(UNKNOWN, read_tag(b"INSERT 0 1")).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    "tag, count", [("INSERT 0 12", 12), ("COPY 3", 3), ("BEGIN", None), ("X ²", None)]
)
def test_a_tag_may_count_rows(tag: str, count: int | None) -> None:
    """In its last word."""
    assert read_tag(tag.encode()).rows == count
