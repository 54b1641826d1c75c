"""The built-in guarantees over snapshots made by hand: silent on sound ones, and each one fires,
with the right keys, where something is wrong."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkers.families import FAMILIES, FOLDER, Declared, Family, rendered
from harness.checkers.invariant import Invariant, parse
from harness.errors import DeclarationError
from harness.model.effects import DeadLetters, Effects
from harness.model.guarantees import Replica, Table
from harness.model.outbox import Outbox
from harness.model.saga import Saga
from harness.model.topic import Topic
from tests.harness.checkers.declared import (
    BALANCE,
    COPY,
    DEAD,
    EVENTS,
    EVERYTHING,
    LEDGER,
    OUTBOX,
    RETRIES,
    SAGA,
    SEATS,
    SELL,
    TICKETS,
    Fired,
    declaring,
    judged,
    mail,
    outbox_row,
    record,
    sound,
)
from tests.harness.checkers.spoilt import (
    BAD,
    Spoil,
    add,
    all_of,
    drop,
    lost_effect,
    without_log,
)


def test_a_sound_snapshot_violates_nothing_and_leaves_nothing_undecided() -> None:
    """Under everything that can be declared at once."""
    assert judged(EVERYTHING, sound()) == ({}, {}, [])


@pytest.mark.parametrize("declared, spoil, expected", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_is_wrong_fires_its_guarantee_and_no_other(
    declared: Declared, spoil: Spoil, expected: Fired
) -> None:
    """With the keys of what was spoilt."""
    tables = sound()
    spoil(tables)
    fired, undecided, said = judged(declared, tables)
    assert (fired, undecided) == (expected, {})
    assert all("{" not in summary and "NULL" not in summary for summary in said), said


def test_every_guarantee_is_fired_by_some_bad_snapshot() -> None:
    """But those of liveness, which are judged elsewhere."""
    fired = {name for *_, expected in BAD for name in expected}
    assert {f.file.removesuffix(".sql") for f in FAMILIES} - fired == {
        "liveness-after-heal",
        "steady-state-returns",
    }


def probed(*readings: tuple[str, str, bool]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """What is said of probes: name, `before` or `after`, and whether it held."""
    rows = [
        {
            "probe": probe, "when": when, "holds": holds, "value": "7", "wanted": "at most 0",
            "waited_s": 30.0,
        }
        for probe, when, holds in readings
    ]  # fmt: skip
    fired, undecided, _ = judged(Declared(steady=True), {**sound(), "steady": rows})
    return fired, undecided


def test_a_probe_that_does_not_hold_again_is_told_by_its_name() -> None:
    """What held before, and what holds again, is not; where nobody measured, nothing is known."""
    before = [("lag", "before", True), ("answers", "before", True)]
    assert probed(*before, ("lag", "after", True), ("answers", "after", True)) == ({}, {})
    assert probed(*before, ("lag", "after", False), ("answers", "after", True)) == (
        {"steady-state-returns": ("lag",)},
        {},
    )
    assert probed(*before) == ({}, {"steady-state-returns": "judged nothing"})


GOOD: list[tuple[str, Declared, Spoil]] = [
    ("a record twice", EVERYTHING, add("kafka.events", record("e3", "2", 2, 9))),
    (
        "a dead letter in place of an effect",
        declaring(LEDGER, DeadLetters(consumer="mailer", topic=DEAD)),
        all_of(lost_effect, add("kafka.dead", record("e2", "2", 1, 0))),
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
        all_of(without_log, add("db.a-db.outbox", outbox_row("e1", "1", 1))),
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
def test_every_file_is_an_invariant_of_its_own_name(family: Family) -> None:
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
def test_declarations_that_do_not_fit_together_are_refused(declared: Declared, reason: str) -> None:
    """Before anything is started."""
    with pytest.raises(DeclarationError, match=reason):
        rendered(declared)


NAMES = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("äß€"),
    min_size=1,
    max_size=12,
).filter(str.isprintable)


@settings(max_examples=10, deadline=None)
@given(key=NAMES, column=NAMES, state=NAMES)
def test_names_are_names_whatever_they_are(key: str, column: str, state: str) -> None:
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
    rows = [{key: "1", column: "e1"}, {key: "2", column: "e2"}, {key: "3", column: "e3"}]
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
    events = [
        (f"e{key}.{v}", key, v) for key in keys for v in range(1, data.draw(st.integers(1, 3)) + 1)
    ]
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
