"""Ways to spoil the sound snapshot of `declared`, each with what fires then."""

from collections.abc import Callable

from harness.checkers.families import Declared
from harness.model.effects import DeadLetters, Effects
from tests.harness.checkers.declared import (
    BALANCE,
    COPY,
    COUNTED,
    DEAD,
    LEDGER,
    OUTBOX,
    RETRIES,
    SAGA,
    SEATS,
    SELL,
    TICKETS,
    Fired,
    Row,
    Tables,
    declaring,
    logged,
    mail,
    record,
)

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


def all_of(*spoils: Spoil) -> Spoil:
    """One after the other."""

    def spoil(tables: Tables) -> None:
        for one in spoils:
            one(tables)

    return spoil


def log(*rows: Row) -> Spoil:
    """Add to the servers' logs."""
    return add("transactions", *rows)


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
