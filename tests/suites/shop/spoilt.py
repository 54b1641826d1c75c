"""Ways in which the snapshot of an order's way through a topic goes bad, in one place each, and
which invariants, with which keys, are to say so."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

from harness.model.fault import FaultRecord, Probe
from tests.suites.shop.conftest import (
    BALANCES,
    CHANGES,
    MOVEMENTS,
    ORDERS,
    OUTBOX,
    PAYMENTS,
    PUSHES,
    REVIEW_CHANGES,
    REVIEWS,
    SHIPMENTS,
    STOCK,
    TOPIC,
    Shop,
)


def _lose_everywhere(shop: Shop, order_id: str, version: int) -> None:
    """An event that was never published, with what follows from that."""
    shop[TOPIC].remove(shop.record(order_id, version))
    movement = shop.row(MOVEMENTS, order_id=order_id, version=version)
    shop.row(STOCK, product_id=movement["product_id"])["on_hand"] -= movement["delta"]
    _pay_back(shop, shop.row(PAYMENTS, order_id=order_id, version=version)["cents"])
    for ledger in (MOVEMENTS, PAYMENTS, CHANGES, REVIEW_CHANGES, PUSHES):
        shop.drop(ledger, order_id=order_id, version=version)
    for mirror, status in ((SHIPMENTS, "placed"), (REVIEWS, "requested")):
        row = shop.row(mirror, order_id=order_id)
        if version == 1:
            shop[mirror].remove(row)
        else:
            row.update(status=status, version=1)


def _pay_back(shop: Shop, cents: int) -> None:
    """Correct the accounts by so much."""
    shop.row(BALANCES, account="shop")["cents"] -= cents
    shop.row(BALANCES, account="customers")["cents"] += cents


def lost(shop: Shop) -> None:
    _lose_everywhere(shop, "17", 1)


def lost_cancellation(shop: Shop) -> None:
    _lose_everywhere(shop, "10", 2)


def aborted(shop: Shop) -> None:
    shop.record("17", 1)["committed"] = False


def outbox_row_without_order(shop: Shop) -> None:
    row = shop.row(OUTBOX, aggregateid="2")
    shop[OUTBOX].append({**row, "aggregateid": "99", "id": shop.event_id("99", 1), "seq": 99})


def phantom(shop: Shop) -> None:
    shop.drop(ORDERS, order_id="17")
    shop["ops"][:] = [op for op in shop["ops"] if op["key"] != "17"]


def phantom_cancellation(shop: Shop) -> None:
    shop.row(ORDERS, order_id="10").update(status="placed", version=1)
    shop["ops"][:] = [op for op in shop["ops"] if op["f"] != "cancel-order"]


def applied_twice(shop: Shop) -> None:
    shop[CHANGES].append(dict(shop.row(CHANGES, order_id="17")))


def stock_taken_twice(shop: Shop) -> None:
    shop[MOVEMENTS].append(dict(shop.row(MOVEMENTS, order_id="17")))
    shop.row(STOCK, product_id="drill")["on_hand"] -= 2


def applied_twice_under_two_ids(shop: Shop) -> None:
    shop.repeat("17", 1)
    again = {"event_id": shop.event_id("999", 1)}
    shop[TOPIC][-1]["value"] = json.dumps({**json.loads(shop[TOPIC][-1]["value"]), **again})
    shop[TOPIC][-1]["headers"] = json.dumps(again)
    shop[CHANGES].append({**shop.row(CHANGES, order_id="17"), **again})


def never_applied(shop: Shop) -> None:
    shop.drop(CHANGES, order_id="17")
    shop.drop(CHANGES, order_id="2")


def applied_from_nowhere(shop: Shop) -> None:
    row = shop.row(CHANGES, order_id="17")
    shop[CHANGES].append({**row, "version": 2, "applied_at": row["applied_at"] + timedelta(1)})


def shipment_behind(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="10").update(status="placed", version=1)


def shipment_of_another_thing(shop: Shop) -> None:
    shop.row(SHIPMENTS, order_id="10")["quantity"] = 7


def wrong_amount_taken(shop: Shop) -> None:
    shop.row(MOVEMENTS, order_id="2")["delta"] = -30
    shop.row(STOCK, product_id="anvil")["on_hand"] -= 27


def paid_twice(shop: Shop) -> None:
    payment = dict(shop.row(PAYMENTS, order_id="17"))
    shop[PAYMENTS].append(payment)
    _pay_back(shop, -payment["cents"])


def pushed_twice(shop: Shop) -> None:
    shop[PUSHES].append(dict(shop.row(PUSHES, order_id="17")))


def never_asked_for_a_review(shop: Shop) -> None:
    shop.drop(REVIEW_CHANGES, order_id="17")
    shop.drop(REVIEWS, order_id="17")


def never_charged(shop: Shop) -> None:
    payment = shop.row(PAYMENTS, order_id="17")
    _pay_back(shop, payment["cents"])
    payment["cents"] = 0


def paid_for_by_the_shop(shop: Shop) -> None:
    payment = shop.row(PAYMENTS, order_id="17")
    _pay_back(shop, 2 * payment["cents"])
    payment["cents"] *= -1


def half_given_back(shop: Shop) -> None:
    refund = shop.row(PAYMENTS, order_id="10", version=2)
    _pay_back(shop, -100)
    refund["cents"] += 100


def charged_for_nothing(shop: Shop) -> None:
    phantom(shop)
    for table in (SHIPMENTS, REVIEWS, MOVEMENTS):
        shop.drop(table, order_id="17")
    shop.row(STOCK, product_id="drill")["on_hand"] = 1000


def review_behind(shop: Shop) -> None:
    shop.row(REVIEWS, order_id="10").update(status="requested", version=1)


def review_of_a_cancelled_order(shop: Shop) -> None:
    shop.row(REVIEWS, order_id="10")["status"] = "requested"


def review_of_nothing(shop: Shop) -> None:
    shop[REVIEWS].append({**shop.row(REVIEWS, order_id="17"), "order_id": "99"})


def acknowledged_and_gone(shop: Shop) -> None:
    shop.row(ORDERS, order_id="10").update(status="placed")


def acknowledged_and_no_row(shop: Shop) -> None:
    shop["ops"].append({**shop["ops"][1], "index": 50, "key": "40"})


def refused_and_done(shop: Shop) -> None:
    shop.row("ops", key="17", type="ok")["type"] = "fail"


def cancel_refused_and_done(shop: Shop) -> None:
    shop.row("ops", key="10", type="ok", f="cancel-order")["type"] = "fail"


def outbox_left(shop: Shop) -> None:
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None
    lost(shop)


def outbox_unmarked(shop: Shop) -> None:
    shop.row(OUTBOX, aggregateid="17")["sent_at"] = None


def overtaken_in_topic(shop: Shop) -> None:
    first, second = shop.record("10", 1), shop.record("10", 2)
    first["offset"], second["offset"] = second["offset"], first["offset"]


def in_two_partitions(shop: Shop) -> None:
    shop.record("10", 2)["partition"] = 2


def overtaken_in_ledger(shop: Shop) -> None:
    later = shop.row(CHANGES, order_id="10", version=2)["applied_at"] + timedelta(seconds=1)
    shop.row(CHANGES, order_id="10", version=1)["applied_at"] = later


def wrong_quantity(shop: Shop) -> None:
    shop.rewrite("17", 1, quantity=20)


def wrong_key(shop: Shop) -> None:
    shop.record("17", 1)["key"] = "18"


def wrong_header(shop: Shop) -> None:
    shop.record("17", 1)["headers"] = json.dumps({"event_id": "another"})


def wrong_type(shop: Shop) -> None:
    shop.rewrite("17", 1, type="order-shipped")


def unreadable(shop: Shop) -> None:
    shop.repeat("17", 1)
    shop[TOPIC][-1]["value"] = '{"event_id": '


def stock_off(shop: Shop) -> None:
    shop.row(STOCK, product_id="drill")["on_hand"] += 5


def stock_without_row(shop: Shop) -> None:
    shop.drop(STOCK, product_id="drill")


def money_off(shop: Shop) -> None:
    shop.row(BALANCES, account="shop")["cents"] += 5


def account_without_row(shop: Shop) -> None:
    shop.drop(BALANCES, account="customers")


def payment_not_in_the_ledger(shop: Shop) -> None:
    _pay_back(shop, -700)


def not_caught_up(shop: Shop) -> None:
    shop.row("quiescence", condition="outbox empty").update(met=False, detail="3 rows")


def not_steady_again(shop: Shop) -> None:
    shop.row("steady", when="after").update(holds=False, value="refused")


def lagging(shop: Shop) -> None:
    shop.row("groups", group="shipping")["lag"] = 4


def task_failed(shop: Shop) -> None:
    shop.row("connect", task=0)["state"] = "FAILED"


def slot_inactive(shop: Shop) -> None:
    shop["slots"][0]["active"] = False


def never_recovered(shop: Shop) -> None:
    yes, no = Probe(shown=True, says="so"), Probe(shown=False, says="still dead")
    shop.faults = (
        FaultRecord(name="kill", target="kafka-1", fired=True, before=yes, during=yes, after=no),
    )


Fired = Mapping[str, tuple[str, ...]]
BAD: list[tuple[str, Callable[[Shop], None], Fired]] = [
    ("dual-write", lost, {"no-event-lost": ("17",), "databases-converge": ("17",)}),
    (
        "outbox-cdc",
        lost,
        {"no-event-lost": ("17",), "databases-converge": ("17",), "outbox-drained": ("17",)},
    ),
    (
        "outbox-polling",
        lost,
        {"no-event-lost": ("17",), "databases-converge": ("17",), "outbox-drained": ("17",)},
    ),
    ("dual-write", lost_cancellation, {"no-event-lost": ("10",), "databases-converge": ("10",)}),
    ("dual-write", aborted, {"no-event-lost": ("17",), "effect-exactly-once": ("17",)}),
    (
        "outbox-polling",
        outbox_row_without_order,
        {"no-event-lost": ("99",), "outbox-drained": ("99",)},
    ),
    (
        "outbox-cdc",
        outbox_row_without_order,
        {"no-event-lost": ("99",), "outbox-drained": ("99",)},
    ),
    ("dual-write", phantom, {"no-phantom-event": ("17",), "databases-converge": ("17",)}),
    ("event-driven", phantom, {"no-phantom-event": ("17",), "databases-converge": ("17",)}),
    (
        "event-driven",
        phantom_cancellation,
        {"no-phantom-event": ("10",), "databases-converge": ("10",)},
    ),
    ("event-driven", lost, {"no-event-lost": ("17",), "databases-converge": ("17",)}),
    ("dual-write", applied_twice, {"effect-exactly-once": ("17",)}),
    (
        "dual-write",
        stock_taken_twice,
        {"effect-exactly-once": ("17",), "databases-converge": ("17",)},
    ),
    ("dual-write", applied_twice_under_two_ids, {"effect-exactly-once": ("17",)}),
    ("outbox-cdc", never_applied, {"effect-exactly-once": ("2", "17")}),
    ("dual-write", applied_from_nowhere, {"effect-exactly-once": ("17",)}),
    ("outbox-cdc", shipment_behind, {"databases-converge": ("10",)}),
    ("outbox-cdc", shipment_of_another_thing, {"databases-converge": ("10",)}),
    ("outbox-cdc", wrong_amount_taken, {"databases-converge": ("2",)}),
    ("event-driven", paid_twice, {"effect-exactly-once": ("17",)}),
    ("event-driven", pushed_twice, {"effect-exactly-once": ("17",)}),
    (
        "outbox-polling",
        never_asked_for_a_review,
        {"effect-exactly-once": ("17",), "databases-converge": ("17",)},
    ),
    ("outbox-cdc", never_charged, {"databases-converge": ("17",)}),
    ("outbox-cdc", paid_for_by_the_shop, {"databases-converge": ("17",)}),
    ("outbox-cdc", half_given_back, {"databases-converge": ("10",)}),
    (
        "event-driven",
        charged_for_nothing,
        {
            "no-phantom-event": ("17",),
            "effect-exactly-once": ("17",),
            "databases-converge": ("17",),
        },
    ),
    ("outbox-cdc", review_behind, {"databases-converge": ("10",)}),
    ("outbox-cdc", review_of_a_cancelled_order, {"databases-converge": ("10",)}),
    ("outbox-cdc", review_of_nothing, {"databases-converge": ("99",)}),
    (
        "dual-write",
        acknowledged_and_gone,
        {"acknowledged-means-durable": ("10",), "databases-converge": ("10",)},
    ),
    ("dual-write", acknowledged_and_no_row, {"acknowledged-means-durable": ("40",)}),
    ("dual-write", refused_and_done, {"acknowledged-means-durable": ("17",)}),
    ("dual-write", cancel_refused_and_done, {"acknowledged-means-durable": ("10",)}),
    (
        "outbox-polling",
        outbox_left,
        {"outbox-drained": ("17",), "no-event-lost": ("17",), "databases-converge": ("17",)},
    ),
    ("outbox-polling", outbox_unmarked, {"outbox-drained": ("17",)}),
    ("outbox-polling", overtaken_in_topic, {"order-per-key": ("10",)}),
    ("outbox-polling", in_two_partitions, {"order-per-key": ("10",)}),
    (
        "outbox-cdc",
        overtaken_in_ledger,
        {"order-per-key": ("10",), "terminal-is-final": ("10",)},
    ),
    ("outbox-cdc", wrong_quantity, {"payload-intact": ("17",)}),
    ("outbox-cdc", wrong_key, {"payload-intact": ("17",)}),
    ("outbox-cdc", wrong_header, {"payload-intact": ("17",)}),
    ("outbox-cdc", wrong_type, {"payload-intact": ("17",)}),
    ("outbox-cdc", unreadable, {"payload-intact": ("17",), "no-phantom-event": ("17",)}),
    ("outbox-cdc", stock_off, {"stock-conserved": ("drill",)}),
    ("outbox-cdc", stock_without_row, {"stock-conserved": ("drill",)}),
    ("event-driven", money_off, {"money-conserved": ("shop",)}),
    ("dual-write", account_without_row, {"money-conserved": ("customers",)}),
    ("outbox-cdc", payment_not_in_the_ledger, {"money-conserved": ("customers", "shop")}),
    (
        "outbox-polling",
        not_steady_again,
        {"steady-state-returns": ("GET order:8080/health",)},
    ),
    ("outbox-polling", not_caught_up, {"liveness-after-heal": ("outbox empty",)}),
    ("outbox-polling", lagging, {"liveness-after-heal": ("shipping order.events/0",)}),
    ("outbox-cdc", task_failed, {"liveness-after-heal": ("order-outbox/0",)}),
    ("outbox-cdc", slot_inactive, {"liveness-after-heal": ("order_outbox",)}),
    ("outbox-cdc", never_recovered, {"liveness-after-heal": ("kill",)}),
]
