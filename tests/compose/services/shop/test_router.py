"""What the router makes of a record, and where it says to read on."""

import json
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from compose.services.shop.events import PLACED, Event
from compose.services.shop.router import WAREHOUSES, read_up_to, routed

EVENT = Event(event_id="e", type=PLACED, order_id="17", product_id="anvil", quantity=2, version=1)


def record(value: bytes, offset: int = 4) -> SimpleNamespace:
    """One of partition 2."""
    headers = [("event_id", b"e")]
    return SimpleNamespace(partition=2, offset=offset, key=b"17", value=value, headers=headers)


def test_a_record_is_told_where_it_came_from_and_where_it_goes() -> None:
    """Beside the headers that it had."""
    headers = dict(routed(record(EVENT.as_json().encode())))
    assert headers.keys() == {"event_id", "source", "warehouse"}
    assert (headers["event_id"], headers["source"]) == (b"e", b"2/4")
    assert headers["warehouse"].decode() in WAREHOUSES


@pytest.mark.parametrize("value", [b"", b"{}", json.dumps({"type": "other"}).encode()])
def test_what_is_no_event_is_not_routed(value: bytes) -> None:
    """Better to stand still than to lose it."""
    with pytest.raises((ValueError, TypeError)):
        routed(record(value))


def test_reading_goes_on_behind_the_last_record_of_each_partition() -> None:
    """Not at it."""
    one, two = TopicPartition("t", 0), TopicPartition("t", 2)
    found = read_up_to({one: [record(b"", 4), record(b"", 6)], two: [record(b"", 0)]})
    assert {partition: at.offset for partition, at in found.items()} == {one: 7, two: 1}
