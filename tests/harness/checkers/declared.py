"""A small system as its declarations and a sound snapshot say it, made by hand, and how it is
judged by the built-in guarantees."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from harness.checkers.families import Declared, rendered
from harness.checkers.invariant import collected
from harness.checkers.judge import judge
from harness.files import write_parquet
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
    STEADY_SCHEMA,
    TOPIC_SCHEMA,
    TRANSACTIONS_SCHEMA,
)
from harness.model.topic import Topic

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
TICKETS = Aggregate(node="a-db", table="tickets", key="ticket", version="version", topics=(EVENTS,))
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
    "kafka.events": TOPIC_SCHEMA, "kafka.dead": TOPIC_SCHEMA, "steady": STEADY_SCHEMA,
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
