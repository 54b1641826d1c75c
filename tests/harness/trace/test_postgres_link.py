"""PostgreSQL: real drivers' transactions, and what stands on which message."""

import pytest

from harness.model.effect import Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.postgres_link import detail
from harness.trace.tracer import Tracer
from harness.wire.sql import Operation, Write
from tests.harness.trace.captures import NAMES, replayed
from tests.harness.trace.links import Connection, Database, answered, effects, extended
from tests.harness.wire.conversations import (
    ERROR,
    SYNC,
    done,
    message,
    query,
    ready,
    startup,
)

COMMITS = {
    "asyncpg": ["orders:insert,outbox:insert a1", "orders:insert -", "outbox:insert a3 a4",
                "orders:insert -"],
    "libpq-prepared-commit": ["orders:insert -", "orders:insert -"],
    "pg8000": ["orders:insert,outbox:insert g1"],
    "pgx": ["orders:insert,outbox:insert 17", "orders:insert,outbox:insert 18", "orders:insert 19"],
    "pgjdbc": ["orders:insert -", "orders:insert -", "outbox:insert d0 d1",
               "orders:delete,outbox:update d0 z"],
    "psycopg-copy": ["orders:insert -"],
    "psycopg-executemany": ["orders:insert -"],
    "psycopg-pipeline": ["orders:insert,outbox:insert p1", "orders:insert -"],
    "psycopg-transactions": ["orders:insert,outbox:insert 1", "outbox:delete 1", "orders:insert -",
                             "orders:insert,outbox:update x", "orders:insert,outbox:update x"],
}  # fmt: skip
"""Recording → what each transaction wrote, and the keys in it."""


@pytest.mark.parametrize("name", COMMITS)
def test_real_drivers_commits(name: str) -> None:
    """Each is asked for and acknowledged; its addresses are what a person would call it."""
    counts: dict[str, int] = {}
    expected = []
    for commit in COMMITS[name]:
        tables, *keys = commit.split()
        addresses = []
        for key in keys:
            place = f"c/s/commit({tables})/{key}"
            counts[place] = counts.get(place, 0) + 1
            addresses.append(f"{place}#{counts[place]}")
        expected += [mark + " ".join(addresses) for mark in "?!"]
    assert effects(replayed(f"postgres-{name}")) == expected


def test_a_commit_of_jdbc_that_has_no_text() -> None:
    """Its name was given to COMMIT earlier: it is a commit all the same."""
    commits = [f for f in replayed("postgres-pgjdbc") if f.kind == "commit"]
    assert [frame.name for frame in commits[:2]] == ["COMMIT", "COMMIT"]
    assert [f.effect.addresses[0].text for f in commits[:2] if f.effect] == [
        "c/s/commit(orders:insert)/-#1",
        "c/s/commit(orders:insert)/-#2",
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("postgres-")])
def test_a_message_is_one_frame(name: str) -> None:
    """However many events it tells, unless it answers several commits."""
    frames = replayed(name)
    places = [(frame.direction, frame.first) for frame in frames]
    assert len(places) == len(set(places))


def shown(frames: list[Frame]) -> list[tuple[str, str, str]]:
    return [(frame.direction, frame.kind, frame.name) for frame in frames]


def test_what_only_reads_is_told_and_is_no_effect() -> None:
    """Three frames for a SELECT, and its own transaction leaves nothing."""
    db = Database(Tracer(frozenset()), "c", "s")
    rows = ("<", message("T", b"\0\0") + message("D", b"\0\0") * 3)
    told = db.say(query("SELECT 1"), rows, done("SELECT 3"), ready("I"))
    assert shown(told) == [
        (FROM_CLIENT, "statement", "SELECT 1"),
        (FROM_SERVER, "completed", "SELECT 3"),
        (FROM_SERVER, "ready", "I"),
    ]
    db.begin()
    assert [(f.kind, f.effect) for f in db.commit()] == [
        ("commit", None),
        ("commit-acknowledged", None),
        ("ready", None),
    ]


def test_what_commits_by_itself() -> None:
    """A simple query asks with itself, an extended one with its Sync; both are answered by
    ReadyForQuery, for until then nothing is committed."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    told = db.run("INSERT INTO t (k) VALUES (1)", "INSERT 0 1", "I")
    sql = "INSERT INTO t (k) VALUES ($1)"
    told += [*db.sends(extended(sql, "1")), *db.say(*answered(sql, status="I"))]
    assert [(f.kind, f.name, f.outcome) for f in told] == [
        ("commit", "INSERT INTO t (k) VALUES (1)", Outcome.REQUESTED),
        ("completed", "INSERT 0 1", None),
        ("commit-acknowledged", "I", Outcome.ACKNOWLEDGED),
        ("statement", sql, None),
        ("commit", sql, Outcome.REQUESTED),
        ("completed", "INSERT 0 1", None),
        ("commit-acknowledged", "I", Outcome.ACKNOWLEDGED),
    ]
    assert all(frame.keys == ("1",) for frame in told if frame.outcome)
    assert told[3].keys == ("1",)
    assert told[4].end - told[4].first == 5


def test_rows_that_are_copied_commit_with_their_end() -> None:
    """Which has no words of its own."""
    frames = replayed("postgres-pgx-pipelines")
    names = [frame.name for frame in frames if frame.outcome is Outcome.REQUESTED]
    assert [name[:13] for name in names if "stdin" in name] == ['copy "orders"']


def test_several_statements_of_one_query_are_one_frame() -> None:
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    sql = "BEGIN; INSERT INTO t (k) VALUES (2); DELETE FROM u WHERE k = 1"
    (frame,) = db.say(query(sql))
    assert (frame.kind, frame.name, frame.keys) == ("statement", sql, ("1", "2"))
    (frame,) = db.say(query("SELECT 1; COMMIT"))
    assert (frame.kind, frame.name, frame.keys) == ("commit", "SELECT 1; COMMIT", ("1", "2"))


def test_long_statements_are_cut_in_names_only() -> None:
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    sql = "INSERT INTO t (x, k) VALUES ('" + "x" * 300 + "', 17)"
    (frame,) = db.say(query(sql))
    assert (frame.name, frame.keys) == (sql[:200], ("17",))
    (frame,) = db.say(query(f"{sql}; {sql}"))
    assert frame.name == sql[:200]


def test_a_commit_that_comes_to_nothing() -> None:
    """In a failed transaction COMMIT is answered by ROLLBACK; a failed statement by an error."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    db.begin()
    db.run("INSERT INTO t (k) VALUES (1)", "INSERT 0 1")
    told = db.say(query("INSERT INTO t (k) VALUES (2)"), ERROR, ready("E"))
    assert [(f.kind, f.error) for f in told[1:]] == [("failed", "23505"), ("ready", None)]
    assert told[1].name == "ERROR: no"
    told = db.commit("ROLLBACK")
    assert [(f.kind, f.effect) for f in told[1:]] == [("rolled-back", None), ("ready", None)]
    told = db.say(query("INSERT INTO t (k) VALUES (3)"), ERROR, ready("I"))
    assert effects(told) == ["?c/s/commit(t:insert)/3#1", "xc/s/commit(t:insert)/3#1"]


def test_one_error_that_answers_several_commits() -> None:
    """Of a pipeline, which the server leaves at its first error: a frame for each."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    for sql in ("BEGIN", "INSERT INTO t (k) VALUES (1)", "COMMIT",
                "BEGIN", "INSERT INTO t (k) VALUES (2)", "COMMIT"):  # fmt: skip
        db.sends(extended(sql, sync=False))
    db.say(SYNC)
    told = db.say(ERROR, ready("I"))
    assert effects(told) == ["xc/s/commit(t:insert)/1#1", "xc/s/commit(t:insert)/2#1"]
    assert [(f.kind, f.error) for f in told] == [
        ("rolled-back", "23505"),
        ("rolled-back", None),
        ("ready", None),
    ]
    assert told[0].first == told[1].first


def test_what_was_written_without_a_word_of_it() -> None:
    """By a procedure: no effect, and the frame says so."""
    db = Database(Tracer(frozenset()), "c", "s")
    told = db.run("CALL settle(17)", "CALL", "I")
    assert effects(told) == []
    assert told[-1].name == "I: wrote what no statement says"


def test_the_start_of_a_session() -> None:
    """With what it says of itself; TLS ends what can be read."""
    connection = Connection(Tracer(frozenset()), "c", "s", "postgres")
    connection.sends(b"\0\0\0\x08\x04\xd2\x16\x2f")
    connection.gets(b"N")
    connection.sends(startup(user="shop", application_name="x"))
    connection.gets(message("K", b"\0\0\0\x07abcd") + ready("I")[1])
    connection.sends(message("X"))
    assert shown(connection.frames) == [
        (FROM_CLIENT, "encryption-requested", "ssl"),
        (FROM_SERVER, "encryption-answered", "no"),
        (FROM_CLIENT, "started", "user=shop application_name=x"),
        (FROM_SERVER, "backend-started", "7"),
        (FROM_SERVER, "ready", "I"),
        (FROM_CLIENT, "terminated", ""),
    ]
    connection = Connection(Tracer(frozenset()), "c", "s", "postgres")
    connection.sends(b"\x16\x03\x01\0\0\0\0\0")
    assert [(f.kind, f.error) for f in connection.frames] == [
        ("lost-sync", "TLS from the first byte")
    ]
    assert connection.reader.boundary(FROM_CLIENT) == 8


def test_what_else_a_session_says() -> None:
    """Every kind of frame that real conversations have."""
    kinds = {f.kind for name in NAMES if name.startswith("postgres-") for f in replayed(name)}
    assert kinds >= {
        "cancel-requested",
        "copy-ended",
        "copy-started",
        "failed",
        "notified",
        "prepared",
        "rolled-back",
        "started",
        "wal-begin",
        "wal-commit",
        "wal-message",
        "wal-other",
        "wal-relation",
        "wal-row",
        "wal-truncate",
    }


def test_messages_are_held_or_sent_as_a_whole() -> None:
    db = Database(Tracer(frozenset()), "c", "s")
    start = db.reader.boundary(FROM_CLIENT)
    data = query("COMMIT")[1]
    db.sends(data[:-1])
    assert db.reader.boundary(FROM_CLIENT) == start
    db.sends(data[-1:])
    assert db.reader.boundary(FROM_CLIENT) == start + len(data)


def test_the_detail_of_a_commit() -> None:
    """Sorted, and the same for the same writes, of however many kinds there are."""
    writes = frozenset(
        {
            Write(table="u", operation=Operation.UPDATE),
            Write(table="t", operation=Operation.INSERT),
            Write(table="t", operation=Operation.DELETE),
        }
    )
    assert detail(writes) == ("t:delete", "t:insert", "u:update")
    for number in range(1100):
        write = Write(table=f"t{number}", operation=Operation.INSERT)
        assert detail(frozenset({write})) == (f"t{number}:insert",)
    assert detail(writes) == ("t:delete", "t:insert", "u:update")
