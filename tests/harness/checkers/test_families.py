"""The built-in guarantees over snapshots made by hand: silent on sound ones, and each one fires,
with the right keys, where something is wrong."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkers.families import FAMILIES, FOLDER, Declared, rendered
from harness.checkers.invariant import Invariant, collected, parse
from harness.checkers.judge import judge
from harness.errors import DeclarationError
from harness.model.effects import DeadLetters, Effects
from harness.model.guarantees import (
    Acknowledged,
    Conserved,
    Guarantee,
    Replica,
    Retries,
    Sum,
    Table,
)
from harness.model.op import OpCounts
from harness.model.outbox import Aggregate, Outbox
from harness.model.record import ScenarioRecord
from harness.model.saga import Saga, Step
from harness.model.scenario import Scenario
from harness.model.snapshot import (
    HISTORY_SCHEMA,
    QUIESCENCE_SCHEMA,
    TOPIC_SCHEMA,
    TRANSACTIONS_SCHEMA,
)
from harness.model.topic import Topic
from harness.store import write_parquet

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Fired = Mapping[str, tuple[str, ...]]

EVENTS = Topic(name="events", header="id", version="version", at_most=3)
DEAD = Topic(name="dead", header="id")
OUTBOX = Outbox(
    node="a-db",
    table="outbox",
    sent="sent",
    id="id",
    key="aggregate",
    version="version",
    payload="payload",
    topics=(EVENTS,),
)
LEDGER = Effects(
    consumer="mailer",
    node="b-db",
    table="mails",
    topics=(EVENTS,),
    event="event",
    key="ticket",
    version="version",
    at="at",
)
BALANCE = Effects(
    consumer="bank", node="b-db", table="balance", topics=(EVENTS,), key="ticket", changes=True
)
COPY = Replica(
    source=Table(node="a-db", name="tickets"),
    copy=Table(node="b-db", name="copies"),
    key="ticket",
    columns={"state": "status"},
)
SEATS = Conserved(
    name="seats",
    sums=(
        Sum(node="a-db", table="seats", column="free", by="hall", least=0),
        Sum(node="a-db", table="sold", column="seats", by="hall"),
    ),
    total=10,
)
SELL = Acknowledged(
    f="sell", node="a-db", table="tickets", key="ticket", states={"state": ("sold", "void")}
)
RETRIES = Retries(node="a-db", table="jobs", key="ticket", column="attempts", at_most=3)
SAGA = Saga(
    name="trip",
    node="a-db",
    table="trips",
    key="trip",
    state="state",
    terminal=("booked", "given-up"),
    completed=("booked",),
    at="at",
    steps=(
        Step(
            name="hotel", node="b-db", table="hotel", key="trip", kind="kind", done=("take",),
            undone=("free",), at="at",
        ),
        Step(name="visa", node="b-db", table="visas", key="trip"),
    ),
)  # fmt: skip
TICKETS = Aggregate(
    node="a-db", table="tickets", key="ticket", version="version", topics=(EVENTS,)
)
COUNTED = Aggregate(node="a-db", table="tickets", key="ticket", topics=(EVENTS,))


def record(event: str, key: str, version: int, offset: int, **more: Any) -> Row:
    """A record of the topic."""
    value = json.dumps({"version": version, "what": "sold"})
    told: Row = {
        "partition": 0, "offset": offset, "key": key, "value": value,
        "headers": json.dumps({"id": event}), "committed": True,
    }  # fmt: skip
    return {**told, **more}


def logged(node: str, table: str, operation: str, place: int, **columns: Any) -> Row:
    """A change in a server's log, each in a transaction of its own."""
    texts = {name: None if value is None else str(value) for name, value in columns.items()}
    return {
        "node": node, "database": "d", "xid": place, "lsn": f"0/{place:X}", "position": 1,
        "table": table, "operation": operation, "key": None, "columns": json.dumps(texts),
    }  # fmt: skip


def op(kind: str, key: str, index: int = 0) -> Row:
    return {"index": index, "type": kind, "process": "c", "f": "sell", "key": key, "value": "{}"}


def outbox_row(event: str, key: str, version: int) -> Row:
    payload = json.dumps({"what": "sold", "version": version})
    return {
        "id": event, "aggregate": key, "version": version, "payload": payload, "sent": "now",
    }  # fmt: skip


def mail(event: str, key: str, version: int, at: int) -> Row:
    return {"event": event, "ticket": key, "version": version, "at": at}


def sound() -> Tables:
    """Tickets 1 and 2 were sold, 2 was made void; every part of the system agrees."""
    return {
        "ops": [op("ok", "1"), op("ok", "2"), op("fail", "3"), op("info", "4")],
        "transactions": [
            logged("a-db", "outbox", "insert", 1, id="e1", aggregate="1", version=1,
                   payload='{"version": 1, "what": "sold"}'),
            logged("b-db", "balance", "update", 2, ticket="1", amount=7),
            logged("b-db", "balance", "update", 3, ticket="2", amount=7),
            logged("b-db", "balance", "update", 4, ticket="2", amount=0),
            logged("a-db", "tickets", "insert", 5, ticket="1", state="sold", version=1),
            logged("a-db", "tickets", "insert", 6, ticket="2", state="sold", version=1),
            logged("a-db", "tickets", "update", 7, ticket="2", state="void", version=2),
        ],
        "kafka.events": [
            record("e1", "1", 1, 0), record("e2", "2", 1, 1), record("e1", "1", 1, 2),
            record("e3", "2", 2, 3),
        ],
        "kafka.dead": [],
        # The row of e1 was sent and deleted.
        "db.a-db.outbox": [outbox_row("e2", "2", 1), outbox_row("e3", "2", 2)],
        "db.b-db.mails": [mail("e1", "1", 1, 5), mail("e2", "2", 1, 6), mail("e3", "2", 2, 7)],
        "db.b-db.balance": [{"ticket": "1", "amount": 7}, {"ticket": "2", "amount": 0}],
        "db.a-db.tickets": [
            {"ticket": "1", "state": "sold", "version": 1},
            {"ticket": "2", "state": "void", "version": 2},
        ],
        "db.b-db.copies": [
            {"ticket": "1", "status": "sold"}, {"ticket": "2", "status": "void"},
        ],
        "db.a-db.seats": [{"hall": "red", "free": 7}, {"hall": "blue", "free": 10}],
        "db.a-db.sold": [{"hall": "red", "seats": 1}, {"hall": "red", "seats": 2},
                         {"hall": "blue", "seats": 0}],
        "db.a-db.jobs": [{"ticket": "1", "attempts": 3}],
        "db.a-db.trips": [
            {"trip": "1", "state": "booked", "at": "2026-01-01 00:00:09+00"},
            {"trip": "2", "state": "given-up", "at": "2026-01-01 00:00:09+00"},
        ],
        "db.b-db.hotel": [
            {"trip": "1", "kind": "take", "at": "2026-01-01 00:00:01+00"},
            {"trip": "2", "kind": "take", "at": "2026-01-01 00:00:01+00"},
            {"trip": "2", "kind": "free", "at": "2026-01-01 00:00:02+00"},
        ],
        "db.b-db.visas": [{"trip": "1"}],
    }  # fmt: skip


SCHEMAS = {
    "ops": HISTORY_SCHEMA, "transactions": TRANSACTIONS_SCHEMA,
    "kafka.events": TOPIC_SCHEMA, "kafka.dead": TOPIC_SCHEMA,
}  # fmt: skip


def written(tables: Tables, folder: Path) -> ScenarioRecord:
    """The tables as a run's snapshot."""
    (folder / "snapshot").mkdir()
    rest = [{"condition": "lag", "met": True, "waited_s": 0.1, "detail": ""}]
    tables = {**tables, "quiescence": tables.get("quiescence", rest)}
    for name, rows in tables.items():
        schema = QUIESCENCE_SCHEMA if name == "quiescence" else SCHEMAS.get(name)
        # A table that a test has emptied keeps the columns that it has in a sound snapshot.
        shape = pa.Table.from_pylist(sound().get(name, [])).schema if schema is None else schema
        file = "history.parquet" if name == "ops" else f"snapshot/{name}.parquet"
        table = pa.Table.from_pylist(rows, schema=shape if not rows or schema else None)
        write_parquet(folder / file, table)
    return ScenarioRecord(
        dir=folder,
        scenario=Scenario(suite="s", pattern="p", fault="none", seed=1),
        ops=OpCounts(ok=3),
        collected=True,
    )


def judged(
    declared: Declared, tables: Tables
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], list[str]]:
    """Invariant → keys, invariant → why it is undecided, and what was said."""
    files = {n: t for n, t in rendered(declared).items() if n != "liveness-after-heal.sql"}
    invariants = collected((text, Path(name)) for name, text in files.items())
    with TemporaryDirectory() as folder:
        findings = judge(written(tables, Path(folder)), invariants).judgement.findings
    violations = [f.violation for f in findings if f.violation is not None]
    assert all("{" not in v.summary and "NULL" not in v.summary for v in violations), violations
    return (
        {v.invariant: v.keys for v in violations},
        {f.invariant: f.undecided for f in findings if f.undecided is not None},
        [v.summary for v in violations],
    )


def declaring(*guarantees: Guarantee, outboxes: Sequence[Outbox] = ()) -> Declared:
    return Declared(outboxes=outboxes, guarantees=guarantees)


EVERYTHING = declaring(
    LEDGER, BALANCE, DeadLetters(consumer="mailer", topic=DEAD), COPY, SEATS, SELL, RETRIES, SAGA,
    outboxes=(OUTBOX,),
)  # fmt: skip


def test_a_sound_snapshot_violates_nothing_and_leaves_nothing_undecided() -> None:
    """Under everything that can be declared at once."""
    assert judged(EVERYTHING, sound()) == ({}, {}, [])


Spoil = Callable[[Tables], object]


def drop(table: str, **wanted: object) -> Spoil:
    """Delete the rows with these values."""

    def spoil(tables: Tables) -> None:
        kept = [r for r in tables[table] if not all(r[k] == v for k, v in wanted.items())]
        assert kept != tables[table]
        tables[table] = kept

    return spoil


def add(table: str, *rows: Row) -> Spoil:
    return lambda tables: tables[table].extend(rows)


def change(table: str, index: int, **values: object) -> Spoil:
    return lambda tables: tables[table][index].update(values)


def lost_effect(tables: Tables) -> None:
    drop("db.b-db.mails", event="e2")(tables)


def without_log(tables: Tables) -> None:
    del tables["transactions"]


BAD: list[tuple[str, Declared, Spoil, Fired]] = [
    (
        "no record of an event",
        declaring(outboxes=(OUTBOX,)),
        drop("kafka.events", offset=3),
        {"no-event-lost": ("2",), "outbox-drained": ("2",)},
    ),
    (
        "no record of an event whose row is deleted, too",
        declaring(outboxes=(OUTBOX,)),
        drop("kafka.events", key="1"),
        {"no-event-lost": ("1",)},
    ),
    (
        "a record that only an uncommitted read sees",
        declaring(outboxes=(OUTBOX,)),
        change("kafka.events", 3, committed=False),
        {"no-event-lost": ("2",), "outbox-drained": ("2",)},
    ),
    (
        "a record of no event",
        declaring(outboxes=(OUTBOX,)),
        add("kafka.events", record("e9", "9", 1, 9)),
        {"no-phantom-event": ("9",)},
    ),
    (
        "a row that is published and not marked",
        declaring(outboxes=(OUTBOX,)),
        change("db.a-db.outbox", 0, sent=None),
        {"outbox-drained": ("2",)},
    ),
    (
        "a version without record",
        declaring(TICKETS),
        drop("kafka.events", offset=3),
        {"no-event-lost": ("2",)},
    ),
    (
        "a version between that only the log knows",
        declaring(TICKETS),
        lambda t: (
            t["transactions"].append(
                logged("a-db", "tickets", "update", 8, ticket="1", state="held", version=2)
            )
        ),
        {"no-event-lost": ("1",)},
    ),
    (
        "a version that no row came to",
        declaring(TICKETS),
        add("kafka.events", record("e4", "1", 2, 9)),
        {"no-phantom-event": ("1",)},
    ),
    (
        "fewer records than changes",
        declaring(COUNTED),
        drop("kafka.events", offset=3),
        {"no-event-lost": ("2",)},
    ),
    (
        "more events than changes",
        declaring(COUNTED),
        add("kafka.events", record("e4", "1", 2, 9)),
        {"no-phantom-event": ("1",)},
    ),
    (
        "another payload",
        declaring(outboxes=(OUTBOX,)),
        change("db.a-db.outbox", 1, payload='{"what": "held", "version": 2}'),
        {"payload-intact": ("2",)},
    ),
    (
        "another key",
        declaring(outboxes=(OUTBOX,)),
        change("kafka.events", 1, key="7"),
        {"payload-intact": ("2",)},
    ),
    ("an effect twice", declaring(LEDGER), add("db.b-db.mails", mail("e1", "1", 1, 9)),
     {"effect-exactly-once": ("1",)}),
    (
        "an effect twice under two ids",
        declaring(LEDGER),
        lambda t: (
            add("db.b-db.mails", mail("e1b", "1", 1, 9))(t),
            add("kafka.events", record("e1b", "1", 1, 9))(t),
        ),
        {"effect-exactly-once": ("1",)},
    ),
    (
        "an effect twice, and one of them deleted",
        declaring(LEDGER),
        lambda t: t["transactions"].extend(
            logged("b-db", "mails", "insert", n, **mail("e1", "1", 1, n)) for n in (10, 11)
        ),
        {"effect-exactly-once": ("1",)},
    ),
    ("no effect", declaring(LEDGER), lost_effect, {"effect-exactly-once": ("2",)}),
    (
        "an effect of nothing",
        declaring(LEDGER),
        add("db.b-db.mails", mail("e8", "8", 1, 9)),
        {"effect-exactly-once": ("8",)},
    ),
    (
        "a balance changed twice, and then corrected",
        declaring(BALANCE),
        lambda t: t["transactions"].extend(
            logged("b-db", "balance", "update", n, ticket="1", amount=amount)
            for n, amount in ((8, 14), (9, 7))
        ),
        {"effect-exactly-once": ("1",)},
    ),
    (
        "a balance never changed",
        declaring(BALANCE),
        lambda t: t["transactions"].pop(1),
        {"effect-exactly-once": ("1",)},
    ),
    (
        "twice what no topic counts",
        declaring(Effects(consumer="mailer", node="b-db", table="mails", event="event")),
        add("db.b-db.mails", mail("e1", "1", 1, 9)),
        {"effect-at-most-once": ("e1",)},
    ),
    (
        "a version of a key twice, without ids",
        declaring(
            Effects(consumer="mailer", node="b-db", table="mails", key="ticket", version="version")
        ),
        add("db.b-db.mails", mail("e9", "1", 1, 9)),
        {"effect-at-most-once": ("1",)},
    ),
    (
        "the later version first",
        declaring(outboxes=(OUTBOX,)),
        lambda t: (
            change("kafka.events", 1, offset=3)(t), change("kafka.events", 3, offset=1)(t)
        ),
        {"order-per-key": ("2",)},
    ),
    (
        "two partitions",
        declaring(outboxes=(OUTBOX,)),
        change("kafka.events", 3, partition=1),
        {"order-per-key": ("2",)},
    ),
    (
        "applied in the wrong order",
        declaring(LEDGER),
        change("db.b-db.mails", 1, at=20),
        {"order-per-key": ("2",)},
    ),
    (
        "applied in the wrong order, as the log has it and no column tells",
        declaring(LEDGER),
        lambda t: t["transactions"].extend(
            logged("b-db", "mails", "insert", n, **row)
            for n, row in ((8, mail("e3", "2", 2, 1)), (9, mail("e2", "2", 1, 2)))
        ),
        {"order-per-key": ("2",)},
    ),
    ("a copy without a row", declaring(COPY), drop("db.b-db.copies", ticket="1"),
     {"replica-equals-source": ("1",)}),
    ("a copy with a row too many", declaring(COPY),
     add("db.b-db.copies", {"ticket": "5", "status": "sold"}), {"replica-equals-source": ("5",)}),
    ("a copy with a row twice", declaring(COPY),
     add("db.b-db.copies", {"ticket": "1", "status": "sold"}), {"replica-equals-source": ("1",)}),
    ("a copy that is behind", declaring(COPY), change("db.b-db.copies", 1, status="sold"),
     {"replica-equals-source": ("2",)}),
    ("a seat too many", declaring(SEATS), change("db.a-db.seats", 0, free=8),
     {"amount-conserved": ("red",)}),
    ("a hall that is gone", declaring(SEATS), drop("db.a-db.seats", hall="blue"),
     {"amount-conserved": ("blue",)}),
    (
        "below nothing for a moment",
        declaring(SEATS),
        lambda t: t["transactions"].append(
            logged("a-db", "seats", "update", 9, hall="red", free=-1)
        ),
        {"amount-conserved": ("red",)},
    ),
    ("acknowledged and gone", declaring(SELL), drop("db.a-db.tickets", ticket="1"),
     {"acknowledged-means-durable": ("1",)}),
    ("acknowledged and otherwise", declaring(SELL), change("db.a-db.tickets", 0, state="held"),
     {"acknowledged-means-durable": ("1",)}),
    (
        "refused and done",
        declaring(SELL),
        add("db.a-db.tickets", {"ticket": "3", "state": "sold", "version": 1}),
        {"acknowledged-means-durable": ("3",)},
    ),
    ("tried too often", declaring(RETRIES), change("db.a-db.jobs", 0, attempts=4),
     {"retries-bounded": ("1",)}),
    (
        "tried too often and set back",
        declaring(RETRIES),
        lambda t: t["transactions"].append(
            logged("a-db", "jobs", "update", 9, ticket="1", attempts=9)
        ),
        {"retries-bounded": ("1",)},
    ),
    (
        "published too often",
        declaring(outboxes=(OUTBOX,)),
        add("kafka.events", record("e1", "1", 1, 8), record("e1", "1", 1, 9)),
        {"retries-bounded": ("1",)},
    ),
    (
        "a dead letter of an event that was applied",
        declaring(LEDGER, DeadLetters(consumer="mailer", topic=DEAD)),
        add("kafka.dead", record("e1", "1", 1, 0)),
        {"dead-letters-accounted": ("1",)},
    ),
    (
        "a dead letter of nothing",
        declaring(LEDGER, DeadLetters(consumer="mailer", topic=DEAD)),
        add("kafka.dead", record("e9", "9", 1, 0)),
        {"dead-letters-accounted": ("9",)},
    ),
    ("a saga without an end", declaring(SAGA), change("db.a-db.trips", 0, state="asking"),
     {"saga-terminal": ("1",)}),
    ("a step not undone", declaring(SAGA), drop("db.b-db.hotel", kind="free"),
     {"saga-compensated-exactly-once": ("2",)}),
    (
        "a step undone twice",
        declaring(SAGA),
        add("db.b-db.hotel", {"trip": "2", "kind": "free", "at": "2026-01-01 00:00:03+00"}),
        {"saga-compensated-exactly-once": ("2",)},
    ),
    (
        "a step done twice, and one of the rows deleted",
        declaring(SAGA),
        lambda t: t["transactions"].extend(
            logged("b-db", "hotel", "insert", n, trip="1", kind="take") for n in (10, 11)
        ),
        {"saga-compensated-exactly-once": ("1",)},
    ),
    ("a step never done", declaring(SAGA), drop("db.b-db.visas", trip="1"),
     {"saga-compensated-exactly-once": ("1",)}),
    ("a step that cannot be undone", declaring(SAGA), add("db.b-db.visas", {"trip": "2"}),
     {"saga-compensated-exactly-once": ("2",)}),
    (
        "a step of no saga",
        declaring(SAGA),
        add("db.b-db.hotel", {"trip": "9", "kind": "take", "at": "2026-01-01 00:00:03+00"}),
        {"saga-compensated-exactly-once": ("9",)},
    ),
    (
        "a step undone though the saga completed",
        declaring(SAGA),
        add("db.b-db.hotel", {"trip": "1", "kind": "free", "at": "2026-01-01 00:00:03+00"}),
        {"saga-compensated-exactly-once": ("1",)},
    ),
    (
        "a step after the end",
        declaring(SAGA),
        change("db.b-db.hotel", 2, at="2026-01-01 00:00:10+00"),
        {"terminal-is-final": ("2",)},
    ),
    (
        "an end that was left, and come back to",
        declaring(SAGA),
        lambda t: t["transactions"].extend(
            logged("a-db", "trips", "update", n, trip="1", state=state)
            for n, state in ((10, "booked"), (11, "asking"), (12, "booked"))
        ),
        {"terminal-is-final": ("1",)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("declared, spoil, expected", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_is_wrong_fires_its_guarantee_and_no_other(
    declared: Declared, spoil: Spoil, expected: Fired
) -> None:
    """With the keys of what was spoilt."""
    tables = sound()
    spoil(tables)
    fired, undecided, _ = judged(declared, tables)
    assert (fired, undecided) == (expected, {})


def test_every_guarantee_is_fired_by_some_bad_snapshot() -> None:
    """But those of liveness, which are judged elsewhere."""
    fired = {name for *_, expected in BAD for name in expected}
    assert {f.file.removesuffix(".sql") for f in FAMILIES} - fired == {
        "liveness-after-heal",
        "steady-state-returns",
    }


GOOD: list[tuple[str, Declared, Spoil]] = [
    ("a record twice", EVERYTHING, add("kafka.events", record("e3", "2", 2, 9))),
    (
        "a dead letter in place of an effect",
        declaring(LEDGER, DeadLetters(consumer="mailer", topic=DEAD)),
        lambda t: (lost_effect(t), add("kafka.dead", record("e2", "2", 1, 0))(t)),
    ),
    (
        "an event that the consumer passes over",
        declaring(
            Effects(
                consumer="mailer", node="b-db", table="mails", topics=(EVENTS,), event="event",
                only={"what": ("sold",)},
            )
        ),
        add("kafka.events", record("e5", "1", 2, 9, value='{"what": "held"}')),
    ),
    (
        "an outcome that is not known, either way",
        declaring(SELL),
        add("db.a-db.tickets", {"ticket": "4", "state": "sold", "version": 1}),
    ),
    (
        "no log, where rows are kept",
        declaring(outboxes=(Outbox(
            node="a-db", table="outbox", id="id", topics=(EVENTS,), kept=True),)),
        lambda t: (without_log(t), add("db.a-db.outbox", outbox_row("e1", "1", 1))(t)),
    ),
    ("no log, where it only adds", declaring(LEDGER, SAGA, SEATS, RETRIES, TICKETS), without_log),
]  # fmt: skip


@pytest.mark.parametrize("declared, spoil", [g[1:] for g in GOOD], ids=[g[0] for g in GOOD])
def test_what_is_allowed_fires_nothing(declared: Declared, spoil: Spoil) -> None:
    """No false alarm."""
    tables = sound()
    spoil(tables)
    assert judged(declared, tables) == ({}, {}, [])


def test_without_a_log_deleted_rows_make_no_phantoms() -> None:
    """Their records tell of rows that nobody can look up any more."""
    tables = sound()
    without_log(tables)
    fired, undecided, _ = judged(declaring(outboxes=(OUTBOX,)), tables)
    assert (fired, undecided) == ({}, {"no-phantom-event": "judged nothing"})


def test_changes_without_a_log_are_undecided() -> None:
    """An update leaves nothing behind that could be counted."""
    tables = sound()
    tables["transactions"] = [r for r in tables["transactions"] if r["node"] != "b-db"]
    fired, undecided, _ = judged(declaring(BALANCE), tables)
    assert fired == {}
    assert "no log of b-db tells of changes" in undecided["effect-exactly-once"]


WRONG: list[tuple[str, Declared, Mapping[str, str]]] = [
    (
        "table",
        declaring(Effects(consumer="m", node="b-db", table="posts", topics=(EVENTS,), event="e")),
        {"effect-exactly-once": "table db.b-db.posts is missing from the snapshot"},
    ),
    (
        "column",
        declaring(Effects(consumer="m", node="b-db", table="mails", topics=(EVENTS,), event="eid")),
        {"effect-exactly-once": '"eid" not found'},
    ),
    (
        "column of changes",
        declaring(
            Effects(
                consumer="m", node="b-db", table="balance", topics=(EVENTS,), key="t", changes=True
            )
        ),
        {"effect-exactly-once": '"t" not found'},
    ),
    (
        "topic",
        declaring(
            Effects(
                consumer="m", node="b-db", table="mails", event="event", topics=(Topic(name="no"),)
            )
        ),
        {"effect-exactly-once": "table kafka.no is missing from the snapshot"},
    ),
]


@pytest.mark.parametrize("declared, reasons", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_declaration_of_what_is_not_there_is_undecided_and_named(
    declared: Declared, reasons: Mapping[str, str]
) -> None:
    """Never a pass."""
    fired, undecided, _ = judged(declared, sound())
    assert fired == {}
    for name, reason in reasons.items():
        assert reason in undecided[name]
        assert "(declared: " in undecided[name]


def test_before_rest_only_what_no_time_mends_counts() -> None:
    """An absence may be made good; what was done twice stays so."""
    tables = sound()
    drop("kafka.events", offset=3)(tables)
    lost_effect(tables)
    add("db.b-db.mails", mail("e1", "1", 1, 9))(tables)
    tables["quiescence"] = [{"condition": "lag", "met": False, "waited_s": 9.0, "detail": "3"}]
    fired, undecided, _ = judged(declaring(LEDGER, outboxes=(OUTBOX,)), tables)
    # The record is missing for good as far as effects go: e3 was applied and is in no topic.
    assert fired == {"effect-exactly-once": ("1",)}
    assert undecided["no-event-lost"].startswith("the system had not come to rest")


def test_what_is_said_names_event_source_and_topic() -> None:
    """The sentence that people read."""
    tables = sound()
    drop("kafka.events", offset=3)(tables)
    _, _, said = judged(declaring(outboxes=(OUTBOX,)), tables)
    assert said[0] == (
        "p lost 1 of 3 events: event e3 of key 2 was committed in outbox outbox of a-db and has no "
        "record in events"
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.file)
def test_every_file_is_an_invariant_of_its_own_name(family: Any) -> None:
    """And none is left out of the list."""
    invariant = parse(family.text, Path(family.file))
    assert isinstance(invariant, Invariant)
    assert f"{invariant.id}.sql" == family.file
    assert invariant.patterns == ()


def test_no_file_is_left_out() -> None:
    """What lies in the folder is in the list."""
    assert {p.name for p in FOLDER.glob("*.sql")} == {f.file for f in FAMILIES}


def test_only_what_is_declared_is_asked() -> None:
    """With the tables that it needs, and no others."""
    assert [*rendered(Declared())] == ["liveness-after-heal.sql"]
    files = rendered(declaring(COPY))
    assert {*files} == {
        "liveness-after-heal.sql", "replica-equals-source.sql", "family.pairs.sql",
        "family.pairs.1.sql",
    }  # fmt: skip


def test_a_guarantee_that_the_suite_has_itself_is_left_to_it() -> None:
    """Its tables too, where nothing else needs them."""
    files = rendered(declaring(COPY), without=frozenset({"replica-equals-source"}))
    assert [*files] == ["liveness-after-heal.sql"]


@pytest.mark.parametrize(
    "declared, reason",
    [
        (declaring(TICKETS, Effects(consumer="m", node="b", table="t", event="e",
                                    topics=(Topic(name="events"),))),
         "topic events is declared twice"),
        (declaring(LEDGER, DeadLetters(consumer="nobody", topic=DEAD)), "no Effects of nobody"),
        (declaring(SAGA, SAGA), "two of one name"),
        (declaring(SEATS, SEATS), "two of one name"),
    ],
)  # fmt: skip
def test_declarations_that_do_not_fit_together_are_refused(
    declared: Declared, reason: str
) -> None:
    """Before anything is started."""
    with pytest.raises(DeclarationError, match=reason):
        rendered(declared)


NAMES = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("äß€"), min_size=1, max_size=12
).filter(lambda name: name.isprintable() and name.casefold() not in {"at", "seen"})


@settings(max_examples=10, deadline=None)
@given(key=NAMES, column=NAMES, table=NAMES, state=NAMES)
def test_names_are_names_whatever_they_are(
    key: str, column: str, table: str, state: str
) -> None:
    """Quotes, braces, comment signs and semicolons included."""
    key, column = f"k{key}", f"c{column}"
    declared = declaring(
        Effects(consumer=state, node="b-db", table="m", topics=(EVENTS,), event=column, key=key),
        Saga(name=state, node="b-db", table="m", key=key, state=column, terminal=(state,)),
        Replica(
            source=Table(node="b-db", name="m"), copy=Table(node="b-db", name="m"), key=key,
            columns=(column,),
        ),
    )  # fmt: skip
    rows = [{key: "1", column: "e1"}, {key: "2", column: "e2"}, {key: "2", column: "e3"}]
    tables = {
        "kafka.events": sound()["kafka.events"], "transactions": [], "db.b-db.m": rows
    }  # fmt: skip
    fired, undecided, _ = judged(declared, tables)
    assert undecided in ({}, {"terminal-is-final": "judged nothing"})
    assert fired.keys() <= {"saga-terminal"}


def test_a_table_of_any_name_is_found_under_its_files_name() -> None:
    """What a file's name cannot hold is an underscore there."""
    strange = 'ma"i;l s'
    declared = declaring(
        Effects(consumer="m", node="b-db", table=strange, topics=(EVENTS,), event="event")
    )
    tables = sound()
    tables["db.b-db.ma_i_l_s"] = tables.pop("db.b-db.mails")
    assert judged(declared, tables) == ({}, {}, [])


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_order_of_delivery_is_judged_by_what_was_applied(data: st.DataObject) -> None:
    """Events of some keys, redelivered at will and applied once each: nothing is wrong. Any one
    effect repeated, or left out, is told by its key."""
    keys = data.draw(st.lists(st.integers(1, 50).map(str), min_size=1, max_size=5, unique=True))
    events = [(f"e{key}.{v}", key, v) for key in keys for v in range(1, data.draw(st.integers(1, 3)) + 1)]
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    tables = sound()
    tables["transactions"] = []
    tables["db.a-db.outbox"] = [outbox_row(*event) for event in events]
    tables["kafka.events"] = [
        record(*event, offset) for offset, event in enumerate((*events, *again))
    ]
    tables["db.b-db.mails"] = [mail(*event, at) for at, event in enumerate(events)]
    bounded = Topic(name="events", header="id", version="version")
    outbox = Outbox(
        node="a-db", table="outbox", sent="sent", id="id", key="aggregate", payload="payload",
        topics=(bounded,), kept=True,
    )  # fmt: skip
    ledger = Effects(
        consumer="mailer", node="b-db", table="mails", topics=(bounded,), event="event",
        key="ticket", version="version", at="at",
    )  # fmt: skip
    declared = declaring(ledger, outboxes=(outbox,))
    assert judged(declared, tables) == ({}, {}, [])
    spoilt = data.draw(st.sampled_from(tables["db.b-db.mails"]))
    if data.draw(st.booleans()):
        tables["db.b-db.mails"].append({**spoilt, "at": 10_000})
    else:
        tables["db.b-db.mails"].remove(spoilt)
    if tables["db.b-db.mails"]:
        assert judged(declared, tables)[0]["effect-exactly-once"] == (spoilt["ticket"],)
