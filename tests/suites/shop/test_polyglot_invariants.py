"""What polyglot is judged by besides what all event patterns are, over hand-made snapshots: silent on
the sound one, and each fires, with the right keys, on those that were made bad in one place."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest

from harness.checkers.demanded import invariants_of
from harness.model.record import Judged
from harness.model.snapshot import TOPIC_SCHEMA
from suites.shop.suite import SUITE
from tests.suites.shop.conftest import (
    BALANCES,
    PAYMENTS,
    Row,
    Shop,
    fired,
    ids_in,
    judged,
    sound,
)

INVARIANTS = invariants_of(SUITE, SUITE.pattern("polyglot"))
TOLD, OUTBOX, RECEIPTS = "kafka.payment.events", "db.payment-db.outbox", "db.receipts-db.receipts"
_TEXT, _TIME = pa.string(), pa.timestamp("us", tz="UTC")
# As the driver reads MariaDB's tables.
SCHEMAS = {
    TOLD: TOPIC_SCHEMA,
    OUTBOX: pa.schema(
        {"seq": pa.int64(), "id": _TEXT, "aggregateid": _TEXT, "type": _TEXT}
        | {"version": pa.int32(), "payload": _TEXT, "created_at": _TIME, "sent_at": _TIME}
    ),
    PAYMENTS: pa.schema(
        {"event_id": _TEXT, "order_id": _TEXT, "type": _TEXT, "cents": pa.int64()}
        | {"version": pa.int32(), "applied_at": _TIME}
    ),
    BALANCES: pa.schema({"account": _TEXT, "cents": pa.int64(), "limit_cents": pa.int64()}),
}


def paid() -> Shop:
    """A sound run in which every movement was told and has its receipt."""
    shop = sound("polyglot")
    shop.schemas.update(SCHEMAS)
    shop.tables |= {TOLD: [], OUTBOX: [], RECEIPTS: []}
    for seq, movement in enumerate(shop[PAYMENTS], start=1):
        _tell(shop, seq, movement)
    return shop


def _tell(shop: Shop, seq: int, movement: Row) -> None:
    order_id, at = movement["order_id"], movement["applied_at"]
    value = {
        "event_id": str(UUID(int=10_000 + seq)),
        "type": "payment-refunded" if movement["cents"] < 0 else "payment-charged",
        **{name: movement[name] for name in ("order_id", "version", "cents")},
    }
    text = json.dumps(value)
    shop[OUTBOX].append(
        {"seq": seq, "id": value["event_id"], "aggregateid": order_id, "type": value["type"]}
        | {"version": movement["version"], "payload": text, "created_at": at, "sent_at": at}
    )
    headers = json.dumps({"event_id": value["event_id"]})
    shop[TOLD].append(
        {"partition": 0, "offset": seq, "timestamp": at, "key": order_id, "value": text}
        | {"headers": headers, "committed": True}
    )
    shop[RECEIPTS].append({**value, "applied_at": at})


def told_of(shop: Shop, order_id: str) -> Row:
    """The one record of an order that was not cancelled."""
    return shop.row(TOLD, key=order_id)


def rewritten(shop: Shop, order_id: str, **change: object) -> None:
    record = told_of(shop, order_id)
    record["value"] = json.dumps({**json.loads(record["value"]), **change})


def never_published(shop: Shop) -> None:
    shop[TOLD].remove(told_of(shop, "17"))
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None


def marked_and_lost(shop: Shop) -> None:
    shop[TOLD].remove(told_of(shop, "17"))


def aborted(shop: Shop) -> None:
    told_of(shop, "17")["committed"] = False


def not_marked(shop: Shop) -> None:
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None


def not_told_at_all(shop: Shop) -> None:
    shop.drop(OUTBOX, aggregateid="17")
    shop[TOLD].remove(told_of(shop, "17"))
    shop.drop(RECEIPTS, order_id="17")


def made_up(shop: Shop) -> None:
    record = told_of(shop, "17")
    value = {**json.loads(record["value"]), "version": 2, "event_id": str(UUID(int=7))}
    headers = json.dumps({"event_id": value["event_id"]})
    shop[TOLD].append({**record, "offset": 99, "value": json.dumps(value), "headers": headers})


def wrong_amount(shop: Shop) -> None:
    rewritten(shop, "17", cents=1)


def wrong_type(shop: Shop) -> None:
    rewritten(shop, "17", type="payment-refunded")


def wrong_key(shop: Shop) -> None:
    told_of(shop, "17")["key"] = "2"


def without_header(shop: Shop) -> None:
    told_of(shop, "17")["headers"] = "{}"


def unreadable(shop: Shop) -> None:
    told_of(shop, "17")["value"] = "none"


def no_receipt(shop: Shop) -> None:
    shop.drop(RECEIPTS, order_id="10", version=2)


def two_receipts(shop: Shop) -> None:
    row = shop.row(RECEIPTS, order_id="10", version=2)
    shop[RECEIPTS].append({**row, "event_id": str(UUID(int=8))})


def receipt_of_another_amount(shop: Shop) -> None:
    shop.row(RECEIPTS, order_id="17")["cents"] += 1


def receipt_for_nothing(shop: Shop) -> None:
    shop[RECEIPTS].append({**shop.row(RECEIPTS, order_id="17"), "order_id": "99"})


LOST, ONCE, DRAINED = "payments-told", "receipt-exactly-once", "payment-outbox-drained"
BAD: dict[Callable[[Shop], None], dict[str, tuple[str, ...]]] = {
    never_published: {LOST: ("17",), DRAINED: ("17",)},
    marked_and_lost: {LOST: ("17",), DRAINED: ("17",)},
    aborted: {LOST: ("17",), DRAINED: ("17",)},
    not_marked: {DRAINED: ("17",)},
    not_told_at_all: {LOST: ("17",), ONCE: ("17",), DRAINED: ("17",)},
    made_up: {LOST: ("17",)},
    wrong_amount: {LOST: ("17",)},
    wrong_type: {LOST: ("17",)},
    wrong_key: {LOST: ("17",)},
    without_header: {LOST: ("17",)},
    unreadable: {LOST: ("17",), DRAINED: ("17",)},
    no_receipt: {ONCE: ("10",)},
    two_receipts: {ONCE: ("10",)},
    receipt_of_another_amount: {ONCE: ("17",)},
    receipt_for_nothing: {ONCE: ("99",)},
}


def judge(shop: Shop, folder: Path) -> Judged:
    return judged(shop, folder, INVARIANTS)


def test_every_invariant_is_silent_on_what_is_sound_and_has_judged_something(
    tmp_path: Path,
) -> None:
    """Those of the event patterns, too, over MariaDB's tables; and a record twice is legal."""
    shop = paid()
    shop[TOLD].append({**told_of(shop, "17"), "offset": 99})
    told = judge(shop, tmp_path)

    assert fired(told) == {}
    assert {f.invariant for f in told.judgement.findings} >= (
        ids_in("events", "polyglot") | {"outbox-drained"}
    )
    assert [f.invariant for f in told.judgement.findings if not f.judged] == []


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_each_fires_with_the_orders_that_went_wrong(
    spoil: Callable[[Shop], None], tmp_path: Path
) -> None:
    """And no other one does."""
    shop = paid()
    spoil(shop)
    assert fired(judge(shop, tmp_path)) == BAD[spoil]


def test_every_invariant_of_its_own_was_seen_to_fire() -> None:
    """None is only ever silent."""
    assert {name for fires in BAD.values() for name in fires} == ids_in("polyglot")
