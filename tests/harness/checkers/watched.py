"""Traces under the rules that tell hazards: what flows are like, and what the rules find."""

from collections.abc import Callable
from dataclasses import replace

from harness.checkers.hazards import watch
from harness.model.hazard import Watch
from harness.model.outbox import Outbox
from harness.model.record import ScenarioRecord
from tests.harness.traffic import Traffic

Make = Callable[..., ScenarioRecord]
OUTBOX = Outbox(node="order-db", table="outbox", sent="sent_at")
PLACED = "orders:insert,outbox:insert"


def watched(record: ScenarioRecord, traffic: Traffic) -> dict[str, Watch]:
    """Rule → what it found."""
    traffic.write(record.dir)
    return {w.rule: w for w in watch(replace(record, outboxes=(OUTBOX,)))}


def dual_write(t: Traffic, key: str, xid: int, ms: float) -> None:
    """An order that is committed, and told of so much later."""
    t.committed("order", "order-db", "orders:insert", key, xid=xid)
    t.wait(ms - 1)  # the request's own step is the last millisecond
    t.produce("order", "order.events", key).acknowledged(offset=xid)


def outbox_flow(t: Traffic, key: str, xid: int) -> None:
    """An order through the outbox and the relay to a consumer, as it should be."""
    event = f"{xid:08x}"
    t.committed("order", "order-db", PLACED, key, xid=xid, id=event)
    produced = t.produce("relay", "order.events", key)
    produced.acknowledged(offset=xid)
    t.committed("relay", "order-db", "outbox:update", key, xid=xid + 100, sent_at="now")
    t.committed("inventory", "inventory-db", "inbox:insert,stock:update", key, xid=xid)
    t.offset_commit("inventory", "inventory", "order.events", key, offset=xid + 1).acknowledged()
