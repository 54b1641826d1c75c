"""A connection, both directions: what real clients say, and what must never happen."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.postgres import Event, PostgresConnection
from harness.wire.postgres_events import (
    CancelRequested,
    Completed,
    EncryptionAnswered,
    EncryptionRequested,
    Failed,
    Notified,
    Ready,
    Started,
    Statement,
)
from harness.wire.sql import CHANGES_NOTHING, Kind
from harness.wire.stream import Direction, LostSync
from tests.harness.wire.conversations import (
    NAMES,
    Conversation,
    conversation,
    ends,
    feed,
    message,
    query,
    ready,
    replayed,
    startup,
)

BOTH = "orders:insert,outbox:insert"
LINES = "order_lines:insert,orders:insert"

ENDS = {
    "postgres-asyncpg": [
        f"?1 {BOTH}",
        f"!1 {BOTH}",
        "?2 orders:insert",
        "!2 orders:insert",
        "?3 outbox:insert",
        "!3 outbox:insert",
        "x ",
        "?4 orders:insert",
        "!4 orders:insert",
    ],
    "postgres-asyncpg-pool": [f"{mark}{n} {LINES}" for n in (1, 2, 3) for mark in "?!"],
    "postgres-libpq-prepared-commit": [
        "?1 orders:insert",
        "!1 orders:insert",
        "?2 orders:insert",
        "!2 orders:insert",
    ],
    "postgres-pg8000": [f"?1 {BOTH}", f"!1 {BOTH}", "x orders:delete"],
    "postgres-pgjdbc": [
        "?1 orders:insert",
        "!1 orders:insert",
        "?2 orders:insert",
        "!2 orders:insert",
        "?3 outbox:insert",
        "!3 outbox:insert",
        "?4 orders:delete,outbox:update",
        "!4 orders:delete,outbox:update",
    ],
    "postgres-pgjdbc-batch": [
        "?1 ",
        "!1 ",
        *(f"{mark}{n} {LINES}" for n in (2, 3, 4) for mark in "?!"),
    ],
    "postgres-pgx": [
        f"?1 {BOTH}",
        f"!1 {BOTH}",
        f"?2 {BOTH}",
        f"!2 {BOTH}",
        "?3 orders:insert",
        "!3 orders:insert",
        "x orders:insert",
        "x ",
    ],
    "postgres-pgx-pipelines": [
        *(f"{mark}{n} {BOTH}" for n in (1, 2, 3) for mark in "?!"),
        "?4 orders:insert",
        "!4 orders:insert",
        "?5 orders:insert",
        "?6 outbox:insert",
        "!5 orders:insert",
        "!6 outbox:insert",
        "?7 orders:insert",
        "!7 orders:insert",
    ],
    "postgres-pgx-refused": [],
    "postgres-psycopg-cancel": [],
    "postgres-psycopg-cancel-2": [],
    "postgres-psycopg-copy": ["?1 orders:insert", "!1 orders:insert", "?2 ", "!2 ", "x "],
    "postgres-psycopg-executemany": ["?1 orders:insert", "!1 orders:insert"],
    "postgres-psycopg-notify": ["?1 orders:insert", "!1 orders:insert", "x "],
    "postgres-psycopg-pipeline": [
        f"?1 {BOTH}",
        f"!1 {BOTH}",
        "?2 orders:insert",
        "!2 orders:insert",
    ],
    "postgres-psycopg-prepared": [
        "?1 orders:insert",
        "!1 orders:insert",
        "?2 orders:insert",
        "!2 orders:insert",
    ],
    "postgres-psycopg-replication": [],
    "postgres-psycopg-transactions": [
        f"?1 {BOTH}",
        f"!1 {BOTH}",
        "x orders:update",
        "x ",
        "?2 ",
        "!2 ",
        "?3 outbox:delete",
        "!3 outbox:delete",
        "?4 orders:insert",
        "!4 orders:insert",
        "?5 orders:insert,outbox:update",
        "!5 orders:insert,outbox:update",
        "?6 orders:insert,outbox:update",
        "!6 orders:insert,outbox:update",
    ],
    "postgres-psycopg-two-phase": ["?1 orders:insert", "!1 orders:insert"],
}
"""Recorded conversation → its commits (`?` asked for, `!` acknowledged) and roll-backs (`x`)."""


def test_every_recorded_conversation_is_told_here() -> None:
    """A capture without an expectation shows nothing."""
    assert sorted(ENDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_transactions_of_a_real_client_are_told_with_what_they_wrote(name: str) -> None:
    """Among them JDBC's COMMIT without a text, pipelines, batches, COPY and two phases."""
    events = replayed(name)
    assert ENDS[name] == ends(events)
    assert not [event for event in events if isinstance(event, LostSync)]


def test_a_connection_begins_with_what_its_first_messages_say() -> None:
    """Encryption asked for and refused, then the start with its parameters."""
    asked, answered, started = replayed("postgres-psycopg-transactions")[:3]
    assert asked == EncryptionRequested(first=0, end=8, method="ssl")
    assert answered == EncryptionAnswered(first=0, end=1, accepted=False)
    assert isinstance(started, Started)
    assert started.version == (3, 0)
    assert started.parameter("application_name") == "order"
    assert started.parameter("replication") is None


def test_parameters_are_told_as_text_or_as_the_bytes_that_were_bound() -> None:
    """The key of an order is in them."""
    told = [e.params for e in replayed("postgres-psycopg-transactions") if isinstance(e, Statement)]
    assert ("1", '{"v":1}') in told
    assert ("3", "1") in told  # a smallint in binary, as its Parse says
    told = [e.params for e in replayed("postgres-asyncpg") if isinstance(e, Statement)]
    assert (b"a2", b"\0\0\0\x07") in told  # nothing says of what types


@pytest.mark.parametrize("name", ["postgres-pgx", "postgres-pgx-pipelines"])
def test_statements_of_pgx_are_known_by_the_names_that_it_prepared_them_under(name: str) -> None:
    """Described once, bound from then on; the key is among what is bound."""
    told = [e for e in replayed(name) if isinstance(e, Statement) and e.params]
    texts = {e.sql.split(" (")[0] for e in told if e.params[0] not in {"32", "e32"}}
    assert {"INSERT INTO orders", "INSERT INTO outbox"} <= texts
    first = "17" if name == "postgres-pgx" else "27"
    assert [e.params[:2] for e in told[:2]] == [(first, "anvil"), (f"e{first}", first)]


def test_a_client_may_hang_up_when_encryption_is_refused() -> None:
    """pgx does, and comes again without asking."""
    asked, answered = replayed("postgres-pgx-refused")
    assert isinstance(asked, EncryptionRequested)
    assert answered == EncryptionAnswered(first=0, end=1, accepted=False)


def test_a_cancel_request_comes_on_its_own_connection() -> None:
    """It names the backend whose statement then fails."""
    cancel = replayed("postgres-psycopg-cancel-2")
    assert isinstance(cancel[-1], CancelRequested)
    failed = [e for e in replayed("postgres-psycopg-cancel") if isinstance(e, Failed)]
    assert [e.sqlstate for e in failed] == ["57014"]


def test_notifications_are_told() -> None:
    """They come between answers."""
    told = [e for e in replayed("postgres-psycopg-notify") if isinstance(e, Notified)]
    assert [(e.channel, e.payload) for e in told] == [("ch", "hello")]


@pytest.mark.parametrize("name", NAMES)
def test_bytes_one_by_one_tell_the_same(name: str) -> None:
    """The smallest chunks there are."""
    single = [(side, bytes([b])) for side, data in conversation(name) for b in data]
    assert replayed(name) == feed(PostgresConnection(), single)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_chunks_make_no_difference(data: st.DataObject, name: str) -> None:
    """However the bytes of a conversation are cut."""
    assert replayed(name) == feed(PostgresConnection(), cut(data, conversation(name)))


def cut(data: st.DataObject, chunks: Conversation) -> Conversation:
    """The same bytes, cut elsewhere."""
    pieces: Conversation = []
    for side, chunk in chunks:
        places = data.draw(st.lists(st.integers(0, len(chunk)), max_size=4))
        edges = [0, *sorted(places), len(chunk)]
        pieces += [(side, chunk[a:b]) for a, b in pairwise(edges)]
    return pieces


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_no_mutation_of_bytes_raises_and_none_depends_on_chunks(
    data: st.DataObject, name: str
) -> None:
    """Sync may be lost, once; what was told before stays the same."""
    mutated = damaged(data, name)
    connection = PostgresConnection()
    events = feed(connection, mutated)
    assert events == feed(PostgresConnection(), cut(data, mutated))
    lost = [event for event in events if isinstance(event, LostSync)]
    assert len(lost) <= 1
    assert lost == events[len(events) - len(lost) :]
    if not lost:
        assert connection.unparsed == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("<>"), st.binary(max_size=40)), max_size=8))
def test_random_bytes_never_raise(chunks: Conversation) -> None:
    """Garbage is a loss of sync at most."""
    feed(PostgresConnection(), chunks)


def in_few_words(events: list[Event]) -> list[Event]:
    """Those that are told to whoever wants no more."""
    silent = {*CHANGES_NOTHING, Kind.BEGIN}
    return [
        event
        for event in events
        if not isinstance(event, Completed | Ready)
        and not (isinstance(event, Statement) and event.kind in silent and not event.writes)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_in_few_words_what_has_a_meaning_is_told_all_the_same(name: str) -> None:
    """No statement that changes nothing, no completion, no readiness; all else as ever."""
    events = feed(PostgresConnection(terse=True), conversation(name))
    assert events == in_few_words(replayed(name))
    has_begun = any(isinstance(event, Ready) for event in replayed(name))
    assert (len(events) < len(replayed(name))) == has_begun


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_in_few_words_the_same_is_told_of_any_bytes(data: st.DataObject, name: str) -> None:
    """However damaged, and however they are cut."""
    mutated = damaged(data, name)
    events = feed(PostgresConnection(), mutated)
    few = feed(PostgresConnection(terse=True), cut(data, mutated))
    assert few == in_few_words(events)


def damaged(data: st.DataObject, name: str) -> Conversation:
    """A conversation with some bytes changed."""
    chunks = [(side, bytearray(chunk)) for side, chunk in conversation(name)]
    for _ in range(data.draw(st.integers(1, 4))):
        _, chunk = data.draw(st.sampled_from(chunks))
        chunk[data.draw(st.integers(0, len(chunk) - 1))] = data.draw(st.integers(0, 255))
    return [(side, bytes(chunk)) for side, chunk in chunks]


def test_tls_from_the_first_byte_is_a_loss_of_sync() -> None:
    """Direct TLS, as clients of PostgreSQL 17 may begin; all bytes are counted."""
    connection = PostgresConnection()
    events = connection.feed_client(bytes.fromhex("16030102000100"))
    lost = LostSync(direction=Direction.CLIENT, from_byte=0, reason="TLS from the first byte")
    assert events == [lost]
    assert connection.feed_server(b"\x16\x03\x03") == []
    assert connection.unparsed == 10


def test_after_a_yes_to_encryption_nothing_is_read() -> None:
    """What follows is the handshake."""
    connection = PostgresConnection()
    connection.feed_client(bytes.fromhex("0000000804d2162f"))
    answered, lost = connection.feed_server(b"S")
    assert answered == EncryptionAnswered(first=0, end=1, accepted=True)
    assert isinstance(lost, LostSync)
    assert connection.feed_client(b"\x16\x03\x01") == []
    assert connection.unparsed == 3


def test_a_message_that_has_begun_is_not_forwarded_before_it_is_all_here() -> None:
    """So that a gate never holds half of it; one that is too big is held at its last byte."""
    connection = PostgresConnection()
    start = startup(user="shop")
    connection.feed_client(start)
    assert connection.forwardable(Direction.CLIENT) == len(start)
    commit = query("COMMIT")[1]
    connection.feed_client(commit[:-1])
    assert connection.forwardable(Direction.CLIENT) == len(start)
    connection.feed_client(commit[-1:])
    at = len(start) + len(commit)
    assert connection.forwardable(Direction.CLIENT) == at
    big = query("INSERT INTO orders VALUES ('" + "x" * 100_000 + "')")[1]
    connection.feed_client(big[:50_000])
    assert connection.forwardable(Direction.CLIENT) == at + 50_000
    connection.feed_client(big[50_000:])
    assert connection.forwardable(Direction.CLIENT) == at + len(big)


def test_big_rows_pass_without_being_kept() -> None:
    """A row of 100 MB is counted."""
    connection = PostgresConnection()
    connection.feed_client(startup(user="shop"))
    connection.feed_server(b"D" + (100_000_004).to_bytes(4, "big"))
    for _ in range(100):
        assert connection.feed_server(bytes(1_000_000)) == []
    assert len(connection.feed_server(ready("I")[1])) == 1


def test_what_no_server_sends_is_a_loss_of_sync() -> None:
    """Told with the byte from which on nothing is understood."""
    connection = PostgresConnection()
    connection.feed_client(startup(user="shop"))
    ok = ready("I")[1]
    *_, lost = connection.feed_server(ok + message("?", b"x"))
    assert isinstance(lost, LostSync)
    assert (Direction.SERVER, len(ok)) == (lost.direction, lost.from_byte)
