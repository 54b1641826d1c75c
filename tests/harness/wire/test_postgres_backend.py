"""What the server answers, and what that says of transactions."""

import pytest

from harness.wire.postgres import PostgresConnection
from harness.wire.postgres_events import (
    BackendStarted,
    Completed,
    CopyStarted,
    EncryptionAnswered,
    Failed,
    Ready,
    TransactionPrepared,
    VersionNegotiated,
)
from harness.wire.stream import LostSync
from tests.harness.wire.conversations import (
    ERROR,
    SYNC,
    done,
    ends,
    feed,
    message,
    parse,
    query,
    ready,
    run,
    session,
    startup,
)

INSERT = "INSERT INTO a VALUES (1)"
PARSED, BOUND = ("<", message("1")), ("<", message("2"))
COPY_IN = ("<", message("G", b"\0\0\0"))
COPY_DONE = (">", message("c"))
BLOCK = (query("BEGIN"), done("BEGIN"), ready("T"))
FAILED_BLOCK = (*BLOCK, query(INSERT), ERROR, ready("E"))


def test_an_implicit_commit_is_acknowledged_by_ready_alone() -> None:
    """CommandComplete comes before the commit: who stops there has lost the row."""
    asked = [parse(INSERT), run(), SYNC]
    assert ends(session(*asked, PARSED, BOUND, done("INSERT 0 1"))) == ["?1 a:insert"]
    answered = [*asked, PARSED, BOUND, done("INSERT 0 1"), ready("I")]
    assert ends(session(*answered)) == ["?1 a:insert", "!1 a:insert"]


def test_an_explicit_commit_is_acknowledged_by_its_completion() -> None:
    """Even before Sync."""
    chunks = [query("BEGIN"), done("BEGIN"), ready("T"), parse("COMMIT"), run()]
    assert ends(session(*chunks, PARSED, BOUND, done("COMMIT"))) == ["?1 ", "!1 "]


@pytest.mark.parametrize(
    "chunks, expected",
    [
        ([query(INSERT), ERROR, ready("I")], ["?1 a:insert", "x1 "]),
        ([query(INSERT), done("INSERT 0 0"), ready("I")], ["?1 a:insert", "!1 "]),
        (
            [parse(INSERT), run(), SYNC, PARSED, BOUND, done("INSERT 0 1"), ERROR, ready("I")],
            ["?1 a:insert", "x1 a:insert"],
        ),
        (
            [
                query(f"{INSERT};COMMIT;SELECT 1"),
                done("INSERT 0 1"),
                done("COMMIT"),
                ERROR,
                ready("I"),
            ],
            ["?1 a:insert", "!1 a:insert"],
        ),
        (
            [*FAILED_BLOCK, query("COMMIT"), done("ROLLBACK"), ready("I")],
            ["x "],
        ),
        (
            [*BLOCK, parse(INSERT), run(), parse("COMMIT"), run(), SYNC, PARSED, ERROR, ready("E")],
            ["?1 a:insert", "x1 "],
        ),
        (
            [run("hidden"), done("COMMIT"), ready("I")],
            ["! "],
        ),
    ],
    ids=["error", "no row", "deferred", "error after", "failed block", "pipeline", "hidden"],
)
def test_the_end_of_a_transaction(chunks: list[tuple[str, bytes]], expected: list[str]) -> None:
    """Each commit that was asked for has one answer."""
    assert ends(session(*chunks)) == expected


def test_what_an_error_swallows_is_not_answered() -> None:
    """The batch after the next Sync is, under its own number."""
    first = [parse("SELECT 1/0"), run(), parse(INSERT), run(), SYNC]
    second = [parse("DELETE FROM b"), run(), SYNC]
    answers = [PARSED, BOUND, ERROR, ready("I"), PARSED, BOUND, done("DELETE 1"), ready("I")]
    expected = ["?1 a:insert", "?2 b:delete", "x1 ", "!2 b:delete"]
    assert ends(session(*first, *second, *answers)) == expected


def test_a_parse_that_fails_leaves_the_older_statement() -> None:
    """The name is still bound to it."""
    chunks = [parse("COMMIT", "s"), SYNC, PARSED, ready("I"), query("BEGIN"), done("BEGIN")]
    again = [ready("T"), parse("SELECT 1", "s"), SYNC, ERROR, ready("T"), run("s")]
    assert ends(session(*chunks, *again)) == ["?1 "]


def test_the_sync_before_the_rows_of_a_copy_is_ignored() -> None:
    """As libpq sends it; the one after the rows commits."""
    copy = [parse("COPY a FROM STDIN"), run(), SYNC, PARSED, BOUND, COPY_IN, COPY_DONE]
    events = session(*copy, SYNC, done("COPY 2"), ready("I"))
    assert ends(events) == ["?1 a:insert", "!1 a:insert"]
    assert [e.mode for e in events if isinstance(e, CopyStarted)] == ["in"]
    after = session(*copy, SYNC, done("COPY 2"), ready("I"), query("DELETE FROM b"))
    assert ends(after)[2:] == ["?2 b:delete"]


def test_the_sync_after_a_copy_that_never_began_counts() -> None:
    """The table is not there: no rows are awaited."""
    failed = [parse("COPY a FROM STDIN"), run(), SYNC, PARSED, BOUND, ERROR, ready("I")]
    events = session(*failed, query("DELETE FROM b"), done("DELETE 1"), ready("I"))
    assert ends(events) == ["?1 b:delete", "!1 b:delete"]


def test_a_prepared_transaction_is_committed_by_its_name() -> None:
    """Later, with what it wrote."""
    first = [query("BEGIN"), done("BEGIN"), ready("T"), query(INSERT), done("INSERT 0 1")]
    second = [ready("T"), query("PREPARE TRANSACTION 'g'"), done("PREPARE TRANSACTION")]
    third = [ready("I"), query("COMMIT PREPARED 'g'"), done("COMMIT PREPARED"), ready("I")]
    events = session(*first, *second, *third)
    assert [e.name for e in events if isinstance(e, TransactionPrepared)] == ["g"]
    assert ends(events) == ["?1 a:insert", "!1 a:insert"]


def test_the_server_may_speak_an_older_version() -> None:
    """And not know some options."""
    connection = PostgresConnection()
    body = (196608).to_bytes(4, "big") + b"\0\0\0\x01_pq_.x\0"
    events = connection.feed_server(message("v", body) + message("K", b"\0\0\0\x07" + b"k" * 32))
    assert events == [
        VersionNegotiated(first=0, end=20, minor=0, unknown=("_pq_.x",)),
        BackendStarted(first=20, end=61, backend=7),
    ]


def test_an_error_is_told_with_its_code() -> None:
    """Also as the answer to a request for encryption."""
    connection = PostgresConnection()
    chunks = [(">", bytes.fromhex("0000000804d2162f")), ERROR]
    (_, failed) = feed(connection, chunks)
    assert isinstance(failed, Failed)
    assert (failed.severity, failed.sqlstate, failed.message) == ("ERROR", "23505", "no")


def test_gss_may_be_refused_before_tls_is() -> None:
    """Each request has its own byte."""
    gss, ssl = bytes.fromhex("0000000804d21630"), bytes.fromhex("0000000804d2162f")
    chunks = [(">", gss), ("<", b"N"), (">", ssl), ("<", b"N"), (">", startup(user="shop"))]
    events = feed(PostgresConnection(), [*chunks, ready("I")])
    assert [e.accepted for e in events if isinstance(e, EncryptionAnswered)] == [False, False]
    assert isinstance(events[-1], Ready)


@pytest.mark.parametrize(
    "data", [message("Z", b"x"), message("Z"), message("C", b"no zero"), message("E", b"Sno zero")]
)
def test_what_is_malformed_is_a_loss_of_sync(data: bytes) -> None:
    """Never an exception."""
    (lost,) = PostgresConnection().feed_server(data)
    assert isinstance(lost, LostSync)


def test_a_tag_counts_rows() -> None:
    """As the server says."""
    events = session(query("SELECT 1"), done("SELECT 1"), ready("I"))
    assert [(e.tag, e.rows) for e in events if isinstance(e, Completed)] == [("SELECT 1", 1)]
