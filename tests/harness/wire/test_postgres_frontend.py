"""What the client says, and which of its messages will commit."""

import pytest

from harness.wire.postgres import PostgresConnection
from harness.wire.postgres_events import CommitRequested, CopyEnded, Started, Statement
from harness.wire.sql import Kind
from harness.wire.stream import LostSync
from tests.harness.wire.conversations import (
    SYNC,
    done,
    ends,
    message,
    parse,
    query,
    ready,
    run,
    session,
    startup,
)

INSERT = "INSERT INTO a VALUES (1)"


def asked(*chunks: tuple[str, bytes]) -> list[str]:
    return ends(session(*chunks))


def test_the_commit_is_at_the_message_that_commits() -> None:
    """Not at the one before and not at the Sync after."""
    start = len(startup(user="shop"))
    begin, insert, commit = query("BEGIN"), parse(INSERT), parse("COMMIT")
    events = session(begin, insert, run(), commit, run(), SYNC)
    (request,) = [e for e in events if isinstance(e, CommitRequested)]
    before = sum(len(data) for _, data in (begin, insert, run(), commit))
    assert request.end == start + before + len(run()[1])
    assert request.end - request.first == len(message("E", b"\0" + b"\0" * 4))


@pytest.mark.parametrize(
    "chunks, expected",
    [
        ([query(INSERT)], ["?1 a:insert"]),
        ([query("SELECT 1")], []),
        ([query("BEGIN"), query(INSERT)], []),
        ([query(f"BEGIN;{INSERT};COMMIT;UPDATE b SET x = 1")], ["?1 a:insert,b:update"]),
        ([parse(INSERT), run()], []),
        ([parse(INSERT), run(), run(), SYNC], ["?1 a:insert"]),
        ([parse("SELECT 1"), run(), SYNC], []),
        ([query("COPY a FROM STDIN")], []),
        ([query("COPY a FROM STDIN"), (">", message("c"))], ["?1 a:insert"]),
        ([query("COPY a FROM STDIN"), (">", message("f", b"no\0"))], []),
        ([query("PREPARE s AS " + INSERT), query("EXECUTE s")], ["?1 a:insert"]),
        ([(">", message("F", b"\0\0\0\x01"))], ["?1 "]),
        ([run("never seen"), SYNC], ["?1 "]),
        ([query("CALL p()")], ["?1 "]),
    ],
)
def test_a_commit_is_foreseen(chunks: list[tuple[str, bytes]], expected: list[str]) -> None:
    """From what the client has sent, before any answer."""
    assert asked(*chunks) == expected


def test_a_prepared_commit_has_no_text() -> None:
    """It is known by the name under which it was parsed."""
    events = session(query("BEGIN"), parse("COMMIT", "S_1"), SYNC, run("S_1"), SYNC)
    assert ends(events) == ["?1 "]
    assert [e.sql for e in events if isinstance(e, Statement)] == ["BEGIN", "COMMIT"]


def test_commit_in_a_failed_transaction_will_not_commit() -> None:
    """Nothing is to be held for it."""
    chunks = [query("BEGIN"), done("BEGIN"), ready("E"), query("COMMIT")]
    assert asked(*chunks) == []


def test_a_closed_statement_is_known_no_more() -> None:
    """Its name may come back with another text."""
    close = (">", message("C", b"SS_1\0"))
    events = session(parse("COMMIT", "S_1"), close, run("S_1"))
    assert [e.kind for e in events if isinstance(e, Statement)] == [Kind.UNKNOWN]


def test_a_statement_that_is_too_long_is_told_as_far_as_it_was_kept() -> None:
    """What it writes stands at its beginning."""
    chunk = query("INSERT INTO a VALUES ('" + "x" * 200_000 + "')")
    events = session(chunk)
    (statement,) = [e for e in events if isinstance(e, Statement)]
    assert len(statement.sql) == 64 * 1024
    assert ends(events) == ["?1 a:insert"]


def test_parameters_that_were_not_kept_are_left_out() -> None:
    """The others are there."""
    body = b"\0s\0" + b"\0\0" + b"\0\x02" + b"\0\0\0\x01k" + (100_000).to_bytes(4, "big")
    bind = (">", message("B", body + b"x" * 100_000 + b"\0\0"))
    events = session(parse(INSERT, "s"), bind, (">", message("E", b"\0" * 5)))
    assert [e.params for e in events if isinstance(e, Statement)] == [("k",)]


def test_the_end_of_a_copy_is_told() -> None:
    """Whether it was given up."""
    events = session((">", message("c")), (">", message("f", b"no\0")))
    assert [e.failed for e in events if isinstance(e, CopyEnded)] == [False, True]


def test_protocol_3_2_is_understood() -> None:
    """Its start differs by the version alone."""
    data = bytearray(startup(user="shop"))
    data[4:8] = (196610).to_bytes(4, "big")
    (started,) = PostgresConnection().feed_client(bytes(data))
    assert isinstance(started, Started)
    assert started.version == (3, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x08\0\x02\0\0",
        b"\0\0\0\x0c\0\x03\0\0user",
        b"GET / HTTP/1.1\r\n",
        startup() + message("Q", b"no zero"),
        startup() + message("B", b"\0"),
        startup() + message("E", b"no zero"),
    ],
)
def test_what_is_malformed_is_a_loss_of_sync(data: bytes) -> None:
    """Once; nothing raises."""
    connection = PostgresConnection()
    events = connection.feed_client(data) + connection.feed_client(data)
    assert [isinstance(e, LostSync) for e in events].count(True) == 1
    assert isinstance(events[-1], LostSync)


def test_too_many_messages_without_an_answer_are_a_loss_of_sync() -> None:
    """Memory has a limit."""
    assert isinstance(session((">", SYNC[1] * 70_000))[-1], LostSync)
    assert isinstance(session((">", query("SELECT 1;SELECT 2")[1] * 1100))[-1], LostSync)
