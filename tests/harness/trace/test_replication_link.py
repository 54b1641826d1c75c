"""Replication streams: rows with their keys, and flushes that cover them."""

from struct import pack

from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.tracer import Tracer
from tests.harness.trace.captures import replayed
from tests.harness.trace.links import EVENT, Database, effects
from tests.harness.wire.conversations import message, query

KEYS = frozenset({"aggregateid"})
OUTBOX = ("id", "aggregateid")


def wal(lsn: int, kind: str, body: bytes) -> bytes:
    """XLogData with one message of pgoutput."""
    return message("d", b"w" + pack(">qqq", lsn, lsn, 0) + kind.encode() + body)


def relation(columns: tuple[str, ...] = OUTBOX, table: str = "outbox") -> bytes:
    told = b"".join(b"\1" + name.encode() + b"\0" + b"\0" * 8 for name in columns)
    return wal(0, "R", pack(">i", 9) + f"public\0{table}\0".encode() + b"d" + pack(">h", len(columns)) + told)  # fmt: skip


def row(*values: str, kind: str = "I", lsn: int = 90) -> bytes:
    told = b"".join(b"t" + pack(">i", len(v)) + v.encode() for v in values)
    return wal(lsn, kind, pack(">i", 9) + b"N" + pack(">h", len(values)) + told)


def begin(xid: int, lsn: int) -> bytes:
    return wal(lsn, "B", pack(">qqi", lsn, 0, xid))


def commit(lsn: int) -> bytes:
    """Its record is at `lsn` and ends 8 bytes behind."""
    return wal(lsn, "C", b"\0" + pack(">qqq", lsn, lsn + 8, 0))


def flush(lsn: int) -> bytes:
    return message("d", b"r" + pack(">qqqqb", lsn, lsn, lsn, 0, 0))


def stream(tracer: Tracer, start: str = "0/0") -> Database:
    """A connection on which pgoutput is streamed."""
    db = Database(tracer, "connect", "order-db", replication="database")
    sql = f"START_REPLICATION SLOT \"s\" LOGICAL {start} (proto_version '1', publication_names 'p')"
    db.say(query(sql), ("<", message("W", b"\0\0\0")))
    return db


def transaction(xid: int, lsn: int, *keys: str) -> bytes:
    rows = b"".join(row(EVENT[:-2] + key, key) for key in keys)
    return begin(xid, lsn) + relation() + rows + commit(lsn)


def test_a_flush_is_an_effect_where_it_covers_more() -> None:
    """With the keys of the transactions that it newly covers, each of them."""
    db = stream(Tracer(KEYS))
    db.gets(transaction(7, 100, "17") + transaction(8, 200, "18", "19"))
    told = [*db.sends(flush(100)), *db.sends(flush(108)), *db.sends(flush(108))]
    told += [*db.sends(flush(208)), *db.sends(flush(0))]
    assert effects(told) == [
        "?connect/order-db/flush(s)/-#1",
        "?connect/order-db/flush(s)/17#1",
        "?connect/order-db/flush(s)/18#1 connect/order-db/flush(s)/19#1",
    ]
    assert [(f.kind, f.lsn) for f in told] == [
        ("flush", "0/64"),
        ("flush", "0/6C"),
        ("status-update", "0/6C"),
        ("flush", "0/D0"),
        ("status-update", "0/0"),
    ]
    effect = told[1].effect
    assert effect is not None
    assert (effect.slot, effect.lsn, effect.is_answered) == ("s", "0/6C", False)


def test_what_was_confirmed_before_is_not_moved_on_to() -> None:
    """The position from which a stream is asked for is confirmed already; a second connection
    goes on where the first one was."""
    tracer = Tracer(KEYS)
    first = stream(tracer, "0/64")
    first.gets(transaction(8, 200, "18"))
    assert effects(first.sends(flush(100))) == []
    second = stream(tracer, "0/64")
    second.gets(transaction(8, 200, "18"))
    assert effects(second.sends(flush(208))) == ["?connect/order-db/flush(s)/18#1"]


def shown(frame: Frame) -> tuple[str, str, tuple[str, ...], int | None, str | None]:
    return frame.kind, frame.name, frame.keys, frame.xid, frame.lsn


def test_rows_carry_keys_and_ids() -> None:
    """And so does their commit."""
    db = stream(Tracer(KEYS))
    told = db.gets(transaction(7, 100, "17"))
    assert [shown(frame) for frame in told] == [
        ("wal-begin", "", (), 7, "0/64"),
        ("wal-relation", "outbox", (), None, None),
        ("wal-row", "outbox:insert", ("17",), 7, "0/5A"),
        ("wal-commit", "", ("17",), 7, "0/64"),
    ]
    assert all(frame.direction == FROM_SERVER for frame in told)


def test_a_row_teaches_and_uses_what_stands_for_keys() -> None:
    """An id that was seen beside the key in one table is the key in another one."""
    db = stream(Tracer(KEYS))
    db.gets(begin(7, 100) + relation() + row(EVENT, "17"))
    db.gets(relation(("event",), "inbox"))
    (told,) = db.gets(row(EVENT))
    assert told.keys == ("17",)


def test_a_streamed_transaction_is_its_blocks() -> None:
    """Whose rows name subtransactions."""
    db = stream(Tracer(KEYS))

    def inside(data: bytes, xid: int) -> bytes:
        """The message with the number of its own transaction, as it has inside a block."""
        at = 5 + 1 + 24 + 1
        return message("d", data[5:at] + pack(">i", xid) + data[at:])

    db.gets(wal(90, "S", pack(">ib", 7, 1)) + inside(relation(), 7) + inside(row(EVENT, "17"), 8))
    db.gets(wal(90, "E", b""))
    ended = wal(100, "c", pack(">ib", 7, 0) + pack(">qqq", 100, 108, 0))
    assert [frame.keys for frame in db.gets(ended)] == [("17",)]
    assert effects(db.sends(flush(108))) == ["?connect/order-db/flush(s)/17#1"]


def test_what_else_is_streamed() -> None:
    """Keepalives, messages, truncations, and what has only a name."""
    db = stream(Tracer(KEYS))
    keepalive = message("d", b"k" + pack(">qqb", 100, 0, 0))
    emitted = wal(90, "M", b"\1" + pack(">q", 90) + b"pre\0" + pack(">i", 2) + b"{}")
    truncated = wal(90, "T", pack(">ibi", 1, 0, 9))
    told = db.gets(keepalive + emitted + relation() + truncated + wal(90, "Y", b""))
    assert [(frame.kind, frame.name, frame.lsn) for frame in told] == [
        ("keepalive", "", "0/64"),
        ("wal-message", "pre", "0/5A"),
        ("wal-relation", "outbox", None),
        ("wal-truncate", "outbox", "0/5A"),
        ("wal-other", "Type", None),
    ]


def test_physical_replication_has_no_effect() -> None:
    """A stream without a slot confirms nothing that lasts."""
    db = Database(Tracer(KEYS), "replica", "order-db", replication="true")
    db.say(query("START_REPLICATION PHYSICAL 0/100"), ("<", message("W", b"\0\0\0")))
    assert effects(db.sends(flush(100))) == []


def test_a_recorded_stream() -> None:
    """libpq's, through its first status update."""
    frames = replayed("postgres-psycopg-replication")
    assert effects(frames) == ["?c/s/flush(s)/w1#1 c/s/flush(s)/w2#1"]
    rows = [f for f in frames if f.kind == "wal-row" and f.keys]
    assert [(f.name, f.keys) for f in rows] == [
        ("orders:insert", ("w1",)),
        ("outbox:insert", ("w1",)),
        ("orders:update", ("w1",)),
        ("orders:update", ("w1", "w2")),
        ("orders:delete", ("w2",)),
    ]
    assert frames[-1].direction == FROM_CLIENT
