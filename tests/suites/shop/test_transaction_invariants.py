"""The invariants of kafka-transactions over hand-made snapshots: silent on sound ones, and each one
fires, with the right keys, where one thing was made bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.model.snapshot import TOPIC_SCHEMA
from harness.model.verdict import Verdict
from tests.suites.shop.conftest import CHANGES, TOPIC, fired, ids_in

if TYPE_CHECKING:
    from tests.suites.shop.conftest import Kit, Row, Shop

ROUTED = "kafka.order.routed"
ONCE, ABORTED, EVENT_LOST = (
    "routed-exactly-once",
    "no-effect-of-the-aborted",
    "no-event-lost",
)


def sound(kit: Kit) -> Shop:
    """Each record of the input has its output, behind it in time and before any effect."""
    shop = kit.sound("kafka-transactions")
    shop.schemas[ROUTED] = TOPIC_SCHEMA
    shop.tables[ROUTED] = [_output(record) for record in shop[TOPIC]]
    return shop


def _output(record: Row) -> Row:
    source = f"{record['partition']}/{record['offset']}"
    headers = {**json.loads(record["headers"]), "source": source, "warehouse": "north"}
    at = record["timestamp"] + timedelta(milliseconds=10)
    return {**record, "offset": record["offset"] + 7, "timestamp": at} | {
        "headers": json.dumps(headers)
    }


def output(shop: Shop, order_id: str) -> Row:
    """The first routed record of an order."""
    return next(row for row in shop[ROUTED] if row["key"] == order_id)


def test_a_sound_snapshot_passes_and_every_invariant_has_judged_something(
    tmp_path: Path, kit: Kit
) -> None:
    """Three orders, one of them cancelled."""
    told = kit.judged(sound(kit), tmp_path / "run")
    assert [(f.invariant, f.undecided) for f in told.judgement.findings if f.undecided] == []
    assert (fired(told), told.verdict) == ({}, Verdict.PASS)
    judged = {f.invariant: f.judged for f in told.judgement.findings}
    assert {name: judged[name] for name in ids_in("transactions")} == {ONCE: 3, ABORTED: 3}


def _twice(shop: Shop) -> None:
    routed = output(shop, "17")
    shop[ROUTED].append({**routed, "offset": routed["offset"] + 100})


def _changed(shop: Shop) -> None:
    routed = output(shop, "17")
    routed["value"] = json.dumps({**json.loads(routed["value"]), "extra": 1})


def _without_source(shop: Shop) -> None:
    headers = json.loads(output(shop, "17")["headers"])
    headers["source"] = "0/9999"
    stray = {**output(shop, "17"), "offset": 900, "headers": json.dumps(headers)}
    shop[ROUTED].append(stray)


def _acted_on_an_aborted_one(shop: Shop) -> None:
    """It was aborted, and written again after one consumer had applied it."""
    routed = output(shop, "17")
    applied = shop.row(CHANGES, order_id="17")["applied_at"]
    again = {**routed, "offset": 901, "timestamp": applied + timedelta(milliseconds=1)}
    routed["committed"] = False
    shop[ROUTED].append(again)
    for name, rows in shop.tables.items():
        if name.startswith("db.") and name != CHANGES:
            for row in rows:
                if row.get("order_id") == "17" and "applied_at" in row:
                    row["applied_at"] = applied + timedelta(seconds=1)


def _not_routed(shop: Shop) -> None:
    """Its effects are there all the same."""
    shop[ROUTED].remove(output(shop, "17"))


def _never_committed(shop: Shop) -> None:
    output(shop, "17")["committed"] = False


@pytest.mark.parametrize(
    ("spoil", "fires"),
    [
        (_twice, {ONCE: ("17",)}),
        (_changed, {ONCE: ("17",)}),
        (_without_source, {ONCE: ("17",)}),
        (_acted_on_an_aborted_one, {ABORTED: ("17",)}),
    ],
)
def test_a_bad_snapshot_fires_what_it_breaks_and_nothing_else(
    spoil: Callable[[Shop], None], fires: dict[str, tuple[str, ...]], tmp_path: Path, kit: Kit
) -> None:
    """One thing made bad in each."""
    shop = sound(kit)
    spoil(shop)
    assert fired(kit.judged(shop, tmp_path / "run")) == fires


@pytest.mark.parametrize(
    ("spoil", "names"), [(_not_routed, {ONCE}), (_never_committed, {ONCE, ABORTED})]
)
def test_what_was_not_routed_is_lost_for_consumers_too(
    spoil: Callable[[Shop], None], names: set[str], tmp_path: Path, kit: Kit
) -> None:
    """Those of events judge what was routed: there the event is lost, and its effects made up."""
    shop = sound(kit)
    spoil(shop)
    told = fired(kit.judged(shop, tmp_path / "run"))
    assert names | {EVENT_LOST, "effect-exactly-once"} <= set(told)
    assert set(told.values()) == {("17",)}


def test_a_record_that_the_relay_repeats_is_routed_as_often(tmp_path: Path, kit: Kit) -> None:
    """Two inputs, two outputs: the inboxes know the second."""
    shop = sound(kit)
    shop.repeat("17", 1)
    shop[ROUTED].append(_output(shop[TOPIC][-1]))
    assert fired(kit.judged(shop, tmp_path / "run")) == {}
