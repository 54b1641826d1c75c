"""The shop's invariants over hand-made snapshots: silent on sound ones, and each one fires, with
the right keys, on snapshots that were made bad in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.fault import FaultRecord, Probe
from harness.model.record import Judged
from harness.model.verdict import Finding, Verdict

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit, Shop

PATTERNS = ("dual-write", "outbox-polling", "outbox-cdc")
TOPIC = "kafka.order.events"
ORDERS, OUTBOX = "db.order-db.orders", "db.order-db.outbox"
STOCK, MOVEMENTS = "db.inventory-db.stock", "db.inventory-db.stock_movements"
SHIPMENTS, CHANGES = "db.shipping-db.shipments", "db.shipping-db.shipment_changes"


def fired(told: Judged) -> dict[str, tuple[str, ...]]:
    """Violated invariant → keys."""
    return {
        f.invariant: f.violation.keys for f in told.judgement.findings if f.violation is not None
    }


def finding(told: Judged, invariant: str) -> Finding:
    (found,) = [f for f in told.judgement.findings if f.invariant == invariant]
    return found


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
    assert {f.invariant for f in findings} == {i.id for i in kit.invariants.of(pattern)}


def test_outbox_invariants_are_not_asked_of_dual_write(kit: Kit) -> None:
    """Its outbox table is there and empty: nothing could be judged."""
    names = {pattern: {i.id for i in kit.invariants.of(pattern)} for pattern in PATTERNS}
    assert names["outbox-polling"] == names["outbox-cdc"]
    assert names["outbox-cdc"] - names["dual-write"] == {"outbox-drained"}


def _lose_everywhere(shop: Shop, order_id: str, version: int) -> None:
    """An event that was never published, with what follows from that."""
    shop[TOPIC].remove(shop.record(order_id, version))
    movement = shop.row(MOVEMENTS, order_id=order_id, version=version)
    shop[MOVEMENTS].remove(movement)
    shop.row(STOCK, product_id=movement["product_id"])["on_hand"] -= movement["delta"]
    shop.drop(CHANGES, order_id=order_id, version=version)
    shipment = shop.row(SHIPMENTS, order_id=order_id)
    if version == 1:
        shop[SHIPMENTS].remove(shipment)
    else:
        shipment.update(status="placed", version=1)


def _lost(shop: Shop) -> None:
    _lose_everywhere(shop, "17", 1)


def _lost_cancellation(shop: Shop) -> None:
    _lose_everywhere(shop, "10", 2)


def _aborted(shop: Shop) -> None:
    shop.record("17", 1)["committed"] = False


def _outbox_row_without_order(shop: Shop) -> None:
    row = shop.row(OUTBOX, aggregateid="2")
    shop[OUTBOX].append({**row, "aggregateid": "99", "id": shop.event_id("99", 1), "seq": 99})


def _phantom(shop: Shop) -> None:
    shop.drop(ORDERS, order_id="17")
    shop["ops"][:] = [op for op in shop["ops"] if op["key"] != "17"]


def _phantom_cancellation(shop: Shop) -> None:
    shop.row(ORDERS, order_id="10").update(status="placed", version=1)
    shop["ops"][:] = [op for op in shop["ops"] if op["f"] != "cancel-order"]
    shop.row(SHIPMENTS, order_id="10").update(status="placed", version=1)
    movement = shop.row(MOVEMENTS, order_id="10", version=2)
    movement["delta"] = 0
    shop.row(STOCK, product_id="anvil")["on_hand"] -= 1


def _applied_twice(shop: Shop) -> None:
    shop[CHANGES].append(dict(shop.row(CHANGES, order_id="17")))


def _stock_taken_twice(shop: Shop) -> None:
    shop[MOVEMENTS].append(dict(shop.row(MOVEMENTS, order_id="17")))
    shop.row(STOCK, product_id="drill")["on_hand"] -= 2


def _applied_twice_under_two_ids(shop: Shop) -> None:
    shop.repeat("17", 1)
    again = {"event_id": shop.event_id("999", 1)}
    shop[TOPIC][-1]["value"] = json.dumps({**json.loads(shop[TOPIC][-1]["value"]), **again})
    shop[TOPIC][-1]["headers"] = json.dumps(again)
    shop[CHANGES].append({**shop.row(CHANGES, order_id="17"), **again})


def _never_applied(shop: Shop) -> None:
    shop.drop(CHANGES, order_id="17")
    shop.drop(CHANGES, order_id="2")


def _applied_from_nowhere(shop: Shop) -> None:
    row = shop.row(CHANGES, order_id="17")
    shop[CHANGES].append({**row, "version": 2, "applied_at": row["applied_at"] + timedelta(1)})


def _shipment_behind(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="10").update(status="placed", version=1)


def _shipment_of_another_thing(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="10")["quantity"] = 7


def _wrong_amount_taken(shop: Shop) -> None:
    shop.row(MOVEMENTS, order_id="2")["delta"] = -30
    shop.row(STOCK, product_id="anvil")["on_hand"] -= 27


def _acknowledged_and_gone(shop: Shop) -> None:
    shop.row(ORDERS, order_id="10").update(status="placed")


def _acknowledged_and_no_row(shop: Shop) -> None:
    shop["ops"].append({**shop["ops"][1], "index": 50, "key": "40"})


def _refused_and_done(shop: Shop) -> None:
    shop.row("ops", key="17", type="ok")["type"] = "fail"


def _cancel_refused_and_done(shop: Shop) -> None:
    shop.row("ops", key="10", type="ok", f="cancel-order")["type"] = "fail"


def _outbox_left(shop: Shop) -> None:
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None
    _lost(shop)


def _outbox_unmarked(shop: Shop) -> None:
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None


def _overtaken_in_topic(shop: Shop) -> None:
    first, second = shop.record("10", 1), shop.record("10", 2)
    first["offset"], second["offset"] = second["offset"], first["offset"]


def _in_two_partitions(shop: Shop) -> None:
    shop.record("10", 2)["partition"] = 2


def _overtaken_in_ledger(shop: Shop) -> None:
    later = shop.row(CHANGES, order_id="10", version=2)["applied_at"] + timedelta(seconds=1)
    shop.row(CHANGES, order_id="10", version=1)["applied_at"] = later


def _wrong_quantity(shop: Shop) -> None:
    shop.rewrite("17", 1, quantity=20)


def _wrong_key(shop: Shop) -> None:
    shop.record("17", 1)["key"] = "18"


def _wrong_header(shop: Shop) -> None:
    shop.record("17", 1)["headers"] = json.dumps({"event_id": "another"})


def _wrong_type(shop: Shop) -> None:
    shop.rewrite("17", 1, type="order-shipped")


def _unreadable(shop: Shop) -> None:
    shop.repeat("17", 1)
    shop[TOPIC][-1]["value"] = '{"event_id": '


def _stock_off(shop: Shop) -> None:
    shop.row(STOCK, product_id="drill")["on_hand"] += 5


def _stock_without_row(shop: Shop) -> None:
    shop.drop(STOCK, product_id="drill")


def _not_caught_up(shop: Shop) -> None:
    shop.row("quiescence", condition="outbox empty").update(met=False, detail="3 rows")


def _lagging(shop: Shop) -> None:
    shop.row("groups", group="shipping")["lag"] = 4


def _task_failed(shop: Shop) -> None:
    shop.row("connect", task=0)["state"] = "FAILED"


def _slot_inactive(shop: Shop) -> None:
    shop["slots"][0]["active"] = False


def _never_recovered(shop: Shop) -> None:
    yes, no = Probe(shown=True, says="so"), Probe(shown=False, says="still dead")
    shop.faults = (
        FaultRecord(name="kill", target="kafka-1", fired=True, before=yes, during=yes, after=no),
    )


Fired = Mapping[str, tuple[str, ...]]
BAD: list[tuple[str, Callable[[Shop], None], Fired]] = [
    ("dual-write", _lost, {"no-event-lost": ("17",), "databases-converge": ("17",)}),
    (
        "outbox-cdc",
        _lost,
        {"no-event-lost": ("17",), "databases-converge": ("17",), "outbox-drained": ("17",)},
    ),
    (
        "outbox-polling",
        _lost,
        {"no-event-lost": ("17",), "databases-converge": ("17",), "outbox-drained": ("17",)},
    ),
    ("dual-write", _lost_cancellation, {"no-event-lost": ("10",), "databases-converge": ("10",)}),
    ("dual-write", _aborted, {"no-event-lost": ("17",), "effect-exactly-once": ("17",)}),
    (
        "outbox-polling",
        _outbox_row_without_order,
        {"no-event-lost": ("99",), "outbox-drained": ("99",)},
    ),
    (
        "outbox-cdc",
        _outbox_row_without_order,
        {"no-event-lost": ("99",), "outbox-drained": ("99",)},
    ),
    ("dual-write", _phantom, {"no-phantom-event": ("17",), "databases-converge": ("17",)}),
    ("dual-write", _phantom_cancellation, {"no-phantom-event": ("10",)}),
    ("dual-write", _applied_twice, {"effect-exactly-once": ("17",)}),
    (
        "dual-write",
        _stock_taken_twice,
        {"effect-exactly-once": ("17",), "databases-converge": ("17",)},
    ),
    ("dual-write", _applied_twice_under_two_ids, {"effect-exactly-once": ("17",)}),
    ("outbox-cdc", _never_applied, {"effect-exactly-once": ("2", "17")}),
    ("dual-write", _applied_from_nowhere, {"effect-exactly-once": ("17",)}),
    ("outbox-cdc", _shipment_behind, {"databases-converge": ("10",)}),
    ("outbox-cdc", _shipment_of_another_thing, {"databases-converge": ("10",)}),
    ("outbox-cdc", _wrong_amount_taken, {"databases-converge": ("2",)}),
    (
        "dual-write",
        _acknowledged_and_gone,
        {"acknowledged-means-durable": ("10",), "databases-converge": ("10",)},
    ),
    ("dual-write", _acknowledged_and_no_row, {"acknowledged-means-durable": ("40",)}),
    ("dual-write", _refused_and_done, {"acknowledged-means-durable": ("17",)}),
    ("dual-write", _cancel_refused_and_done, {"acknowledged-means-durable": ("10",)}),
    (
        "outbox-polling",
        _outbox_left,
        {"outbox-drained": ("17",), "no-event-lost": ("17",), "databases-converge": ("17",)},
    ),
    ("outbox-polling", _outbox_unmarked, {"outbox-drained": ("17",)}),
    ("outbox-polling", _overtaken_in_topic, {"order-per-key": ("10",)}),
    ("outbox-polling", _in_two_partitions, {"order-per-key": ("10",)}),
    (
        "outbox-cdc",
        _overtaken_in_ledger,
        {"order-per-key": ("10",), "terminal-is-final": ("10",)},
    ),
    ("outbox-cdc", _wrong_quantity, {"payload-intact": ("17",)}),
    ("outbox-cdc", _wrong_key, {"payload-intact": ("17",)}),
    ("outbox-cdc", _wrong_header, {"payload-intact": ("17",)}),
    ("outbox-cdc", _wrong_type, {"payload-intact": ("17",)}),
    ("outbox-cdc", _unreadable, {"payload-intact": ("17",), "no-phantom-event": ("17",)}),
    ("outbox-cdc", _stock_off, {"stock-conserved": ("drill",)}),
    ("outbox-cdc", _stock_without_row, {"stock-conserved": ("drill",)}),
    ("outbox-polling", _not_caught_up, {"liveness-after-heal": ("outbox empty",)}),
    ("outbox-polling", _lagging, {"liveness-after-heal": ("shipping order.events/0",)}),
    ("outbox-cdc", _task_failed, {"liveness-after-heal": ("order-outbox/0",)}),
    ("outbox-cdc", _slot_inactive, {"liveness-after-heal": ("order_outbox",)}),
    ("outbox-cdc", _never_recovered, {"liveness-after-heal": ("kill",)}),
]


@pytest.mark.parametrize(
    "pattern, spoil, expected", BAD, ids=[f"{p}-{s.__name__[1:]}" for p, s, _ in BAD]
)
def test_a_bad_snapshot_fires_what_it_breaks_and_nothing_else(
    pattern: str,
    spoil: Callable[[Shop], None],
    expected: Fired,
    tmp_path: Path,
    kit: Kit,
) -> None:
    """Right invariant, right keys, no false alarm beside it."""
    shop = kit.sound(pattern)
    spoil(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == expected
    liveness_alone = set(expected) == {"liveness-after-heal"}
    assert told.verdict is (Verdict.LIVENESS if liveness_alone else Verdict.VIOLATION)
    said = [f.violation.summary for f in told.judgement.findings if f.violation is not None]
    assert all("{" not in summary and "None" not in summary for summary in said), said


def test_every_invariant_is_fired_by_some_bad_snapshot(kit: Kit) -> None:
    """A guarantee that nothing can break guards nothing."""
    assert {name for _, _, expected in BAD for name in expected} == {
        i.id for i in kit.invariants.all
    }


def test_the_loss_is_told_with_its_time_and_its_key(tmp_path: Path, kit: Kit) -> None:
    """The sentence that people read."""
    shop = kit.sound("dual-write")
    _lost(shop)
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
    _outbox_left(shop)
    _not_caught_up(shop)
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == {"liveness-after-heal": ("outbox empty",)}
    assert told.verdict is Verdict.LIVENESS
    assert "had not come to rest" in (finding(told, "no-event-lost").undecided or "")


def test_a_doubled_effect_counts_before_rest_too(tmp_path: Path, kit: Kit) -> None:
    """Waiting longer does not undo it."""
    shop = kit.sound("outbox-polling")
    _applied_twice(shop)
    _not_caught_up(shop)
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
    _not_caught_up(shop)
    _lagging(shop)
    shop.collected = False
    told = kit.judged(shop, tmp_path / "run")
    assert fired(told) == {}
    assert told.verdict is Verdict.INCONCLUSIVE


def test_a_target_that_never_came_back_is_one_whatever_could_be_read(
    tmp_path: Path, kit: Kit
) -> None:
    """The fault's own probe saw it."""
    shop = kit.sound("outbox-polling")
    _never_recovered(shop)
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
