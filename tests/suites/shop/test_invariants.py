"""The shop's invariants over hand-made snapshots: silent on sound ones, and each one fires, with
the right keys, on snapshots that were made bad in one place."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.fault import FaultRecord, Probe
from harness.model.record import Judged
from harness.model.verdict import Verdict
from tests.suites.shop import spoilt
from tests.suites.shop.conftest import (
    OUTBOX,
    SHIPMENTS,
    TOPIC,
    Kit,
    Shop,
    finding,
    fired,
    ids_in,
)

PATTERNS = ("event-driven", "dual-write", "outbox-polling", "outbox-cdc")
FOLDERS = (".", "events")
DECLARED = {"outbox-drained", "liveness-after-heal", "steady-state-returns"}
"""What these patterns ask for, and what is tested here."""


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_sound_snapshot_passes_and_every_invariant_has_judged_something(
    pattern: str, tmp_path: Path, kit: Kit
) -> None:
    """Silence means something only where something was looked at."""
    told = kit.judged(kit.sound(pattern), tmp_path / "run")
    findings = told.judgement.findings
    assert [(f.invariant, f.undecided) for f in findings if f.undecided] == []
    assert fired(told) == {}
    assert told.verdict is Verdict.PASS
    assert all(f.judged > 0 for f in findings)
    assert {f.invariant for f in findings} == {i.id for i in kit.invariants(pattern).all}


def test_outbox_invariants_are_not_asked_where_there_is_none(kit: Kit) -> None:
    """The outbox table is there and empty: nothing could be judged."""
    names = {pattern: {i.id for i in kit.invariants(pattern).of(pattern)} for pattern in PATTERNS}
    assert names["outbox-polling"] == names["outbox-cdc"]
    assert names["event-driven"] == names["dual-write"]
    assert names["outbox-cdc"] - names["dual-write"] == {"outbox-drained"}


@pytest.mark.parametrize(
    "pattern, spoil, expected", spoilt.BAD, ids=[f"{p}-{s.__name__}" for p, s, _ in spoilt.BAD]
)
def test_a_bad_snapshot_fires_what_it_breaks_and_nothing_else(
    pattern: str,
    spoil: Callable[[Shop], None],
    expected: spoilt.Fired,
    tmp_path: Path,
    kit: Kit,
) -> None:
    """Right invariant, right keys, no false alarm beside it."""
    shop = kit.sound(pattern)
    spoil(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == expected
    liveness_alone = set(expected) <= {"liveness-after-heal", "steady-state-returns"}
    assert told.verdict is (Verdict.LIVENESS if liveness_alone else Verdict.VIOLATION)
    said = [f.violation.summary for f in told.judgement.findings if f.violation is not None]
    assert all("{" not in summary and "None" not in summary for summary in said), said


def test_every_invariant_is_fired_by_some_bad_snapshot() -> None:
    """A guarantee that nothing can break guards nothing."""
    fired_by_some = {name for _, _, expected in spoilt.BAD for name in expected}
    assert fired_by_some == ids_in(*FOLDERS) | DECLARED


def test_the_loss_is_told_with_its_time_and_its_key(tmp_path: Path, kit: Kit) -> None:
    """The sentence that people read."""
    shop = kit.sound("dual-write")
    spoilt.lost(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert told.judgement.reason == (
        "dual-write lost 1 of 3 orders: order 17 was committed at 04:45:17.123 "
        "and no record of it is in any topic"
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_record_twice_in_the_topic_is_legal(pattern: str, tmp_path: Path, kit: Kit) -> None:
    """At least once: only its effect may not be twice."""
    shop = kit.sound(pattern)
    shop.repeat("10", 1)
    shop.repeat("17", 1)
    assert kit.judged(shop, tmp_path / "run").verdict is Verdict.PASS


def test_deleted_outbox_rows_are_no_loss(tmp_path: Path, kit: Kit) -> None:
    """The relay cleans up what it has sent."""
    shop = kit.sound("outbox-polling")
    shop[OUTBOX].clear()
    assert kit.judged(shop, tmp_path / "run").verdict is Verdict.PASS


def test_an_unknown_outcome_excuses_either_state(tmp_path: Path, kit: Kit) -> None:
    """`info` is no promise."""
    shop = kit.sound("dual-write")
    shop.row("ops", key="17", type="ok")["type"] = "info"
    shop["ops"].append({**shop["ops"][1], "index": 50, "key": "40", "type": "info"})
    assert kit.judged(shop, tmp_path / "run").verdict is Verdict.PASS


def test_what_is_missing_before_rest_is_not_called_lost(tmp_path: Path, kit: Kit) -> None:
    """What has not come to rest may still deliver: LIVENESS, and the rest is undecided."""
    shop = kit.sound("outbox-polling")
    spoilt.outbox_left(shop)
    spoilt.not_caught_up(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == {"liveness-after-heal": ("outbox empty",)}
    assert told.verdict is Verdict.LIVENESS
    assert "had not come to rest" in (finding(told, "no-event-lost").undecided or "")


def test_a_doubled_effect_counts_before_rest_too(tmp_path: Path, kit: Kit) -> None:
    """Waiting longer does not undo it."""
    shop = kit.sound("outbox-polling")
    spoilt.applied_twice(shop)
    spoilt.not_caught_up(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told)["effect-exactly-once"] == ("17",)
    assert told.verdict is Verdict.VIOLATION


def test_a_fault_that_never_worked_is_no_liveness_failure(tmp_path: Path, kit: Kit) -> None:
    """An injector that does nothing leaves the scenario undecided."""
    shop = kit.sound("dual-write")
    yes, no = Probe(shown=True, says="it answers"), Probe(shown=False, says="it still answers")
    shop.faults = (
        FaultRecord(name="kill", target="order", fired=True, before=yes, during=no, after=yes),
    )
    told = kit.judged(shop, tmp_path / "run")
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "it still answers" in told.judgement.reason


def test_stores_that_could_not_be_read_are_no_liveness_failure(tmp_path: Path, kit: Kit) -> None:
    """What the rig could not see says nothing of the system."""
    shop = kit.sound("outbox-polling")
    spoilt.not_caught_up(shop)
    spoilt.lagging(shop)
    shop.collected = False
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == {}
    assert told.verdict is Verdict.INCONCLUSIVE


def test_a_target_that_never_came_back_is_one_whatever_could_be_read(
    tmp_path: Path, kit: Kit
) -> None:
    """The fault's own probe saw it."""
    shop = kit.sound("outbox-polling")
    spoilt.never_recovered(shop)
    shop.collected = False
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == {"liveness-after-heal": ("kill",)}
    assert told.verdict is Verdict.LIVENESS


def test_a_table_that_is_not_there_leaves_its_invariants_undecided(
    tmp_path: Path, kit: Kit
) -> None:
    """Named, and never a pass."""
    shop = kit.sound("dual-write")
    del shop.tables[SHIPMENTS]
    told = kit.judged(shop, tmp_path / "run")
    undecided = {f.invariant: f.undecided for f in told.judgement.findings if f.undecided}
    reason = "table db.shipping-db.shipments is missing from the snapshot"
    assert undecided == {"databases-converge": reason}
    assert told.verdict is Verdict.INCONCLUSIVE


@st.composite
def histories(draw: st.DrawFn, kit: Kit) -> Shop:
    """A run in which everything went well, with legal redeliveries."""
    ids = draw(st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True))
    orders = tuple(
        kit.order(
            number,
            draw(st.sampled_from(("anvil", "drill", "easel"))),
            draw(st.integers(1, 9)),
            cancelled=draw(st.booleans()),
        )
        for number in ids
    )
    shop = kit.sound(draw(st.sampled_from(PATTERNS)), orders)
    for order in orders:
        if draw(st.booleans()):
            shop.repeat(order.id, 1)
    return shop


@contextmanager
def verdict_on(kit: Kit, shop: Shop) -> Iterator[Judged]:
    """The judgement, from a directory of its own."""
    with TemporaryDirectory() as folder:
        yield kit.judged(shop, Path(folder) / "run")


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_sound_history_is_ever_violated(kit: Kit, data: st.DataObject) -> None:
    """No false alarm."""
    with verdict_on(kit, data.draw(histories(kit))) as told:
        assert fired(told) == {}
        assert told.verdict is Verdict.PASS


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_event_deleted_from_the_topic_is_caught_by_its_key(
    kit: Kit, data: st.DataObject
) -> None:
    """No loss escapes, whichever it is."""
    shop = data.draw(histories(kit))
    name = data.draw(st.sampled_from([json.loads(r["value"])["event_id"] for r in shop[TOPIC]]))
    gone = [r for r in shop[TOPIC] if json.loads(r["value"])["event_id"] == name]
    shop[TOPIC][:] = [r for r in shop[TOPIC] if r not in gone]
    with verdict_on(kit, shop) as told:
        assert fired(told)["no-event-lost"] == (gone[0]["key"],)
        assert told.verdict is Verdict.VIOLATION
