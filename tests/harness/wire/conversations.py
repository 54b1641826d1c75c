"""Conversations of real clients with PostgreSQL 18, and literal messages, to feed a connection."""

from collections.abc import Iterable
from pathlib import Path
from struct import pack

from harness.wire.postgres import Event, PostgresConnection
from harness.wire.postgres_events import CommitAcknowledged, CommitRequested, RolledBack

CAPTURES = Path(__file__).parent / "captures"

Conversation = list[tuple[str, bytes]]
"""Chunks in the order in which they passed: `>` of the client, `<` of the server."""

NAMES = sorted(path.stem for path in CAPTURES.glob("postgres-*.txt"))


def conversation(name: str) -> Conversation:
    """A recorded one."""
    lines = (CAPTURES / f"{name}.txt").read_text(encoding="ascii").splitlines()
    return [(line[0], bytes.fromhex(line[2:])) for line in lines]


def feed(connection: PostgresConnection, chunks: Iterable[tuple[str, bytes]]) -> list[Event]:
    """Every event of the chunks."""
    events: list[Event] = []
    for side, data in chunks:
        take = connection.feed_client if side == ">" else connection.feed_server
        events.extend(take(data))
    return events


def replayed(name: str) -> list[Event]:
    """Every event of a recorded conversation."""
    return feed(PostgresConnection(), conversation(name))


def message(kind: str, body: bytes = b"") -> bytes:
    """One typed message."""
    return kind.encode() + pack(">i", len(body) + 4) + body


def startup(**parameters: str) -> bytes:
    """A start-up message of protocol 3.0."""
    body = b"".join(f"{k}\0{v}\0".encode() for k, v in parameters.items()) + b"\0"
    return pack(">ii", len(body) + 8, 196608) + body


def query(sql: str) -> tuple[str, bytes]:
    return ">", message("Q", sql.encode() + b"\0")


def parse(sql: str, name: str = "") -> tuple[str, bytes]:
    return ">", message("P", f"{name}\0{sql}\0".encode() + b"\0\0")


def run(name: str = "") -> tuple[str, bytes]:
    """Bind and Execute of a prepared statement."""
    bind = message("B", b"\0" + name.encode() + b"\0" + b"\0\0" * 3)
    return ">", bind + message("E", b"\0" + b"\0" * 4)


SYNC = (">", message("S"))


def done(tag: str) -> tuple[str, bytes]:
    return "<", message("C", tag.encode() + b"\0")


def ready(status: str) -> tuple[str, bytes]:
    return "<", message("Z", status.encode())


ERROR = ("<", message("E", b"SERROR\0VERROR\0C23505\0Mno\0\0"))


def session(*chunks: tuple[str, bytes]) -> list[Event]:
    """What is told of a session after its start."""
    connection = PostgresConnection()
    connection.feed_client(startup(user="shop"))
    connection.feed_server(ready("I")[1])
    return feed(connection, chunks)


def ends(events: Iterable[Event]) -> list[str]:
    """Commits and roll-backs in few words: `?1 orders:insert`, `!1 orders:insert`, `x1 `."""
    marks = {CommitRequested: "?", CommitAcknowledged: "!", RolledBack: "x"}
    return [
        f"{marks[type(event)]}{event.number or ''} "
        + ",".join(sorted(f"{w.table}:{w.operation.value}" for w in event.writes))
        for event in events
        if isinstance(event, CommitRequested | CommitAcknowledged | RolledBack)
    ]
