"""A change of an order's row: which event it is, and that it is the same however it was told."""

import json
from typing import Any

import pytest

from compose.services.shop.events import AMENDED, CANCELLED, ERASED, PLACED
from compose.services.shop.rows import decode_row, encode_row

ROW: dict[str, Any] = {
    "order_id": "17", "product_id": "anvil", "quantity": 2, "status": "placed", "version": 1
}  # fmt: skip


def captured(op: str, **change: object) -> bytes:
    """As Debezium tells it, with columns and fields that nobody needs."""
    more = {"updated_at": "2026-11-28T11:16:05.66Z", "__deleted": str(op == "d").lower()}
    return json.dumps({**ROW, **more, "__op": op, "__lsn": 33363696, **change}).encode()


@pytest.mark.parametrize(
    ("value", "kind", "version"),
    [
        (captured("c"), PLACED, 1),
        (captured("u", version=2), AMENDED, 2),
        (captured("u", version=3, status="cancelled"), CANCELLED, 3),
        (captured("d", version=3, status="cancelled"), ERASED, 4),
        (captured("d"), ERASED, 2),
    ],
)
def test_what_was_done_to_a_row_is_an_event(value: bytes, kind: str, version: int) -> None:
    """A row that goes has its last version; its going is the change after that."""
    event = decode_row(value)
    assert (event.type, event.version) == (kind, version)
    assert (event.order_id, event.product_id, event.quantity) == ("17", "anvil", 2)


def test_the_same_change_has_the_same_id_whoever_tells_it() -> None:
    """So that an inbox knows it again; the poller does not know whether a row is new."""
    once = decode_row(captured("u", version=2))
    assert decode_row(captured("u", version=2, __lsn=1)).event_id == once.event_id
    assert decode_row(encode_row(ROW | {"version": 2})) == once
    assert decode_row(encode_row(ROW)) == decode_row(captured("c"))


def test_each_change_has_an_id_of_its_own() -> None:
    """Above all the last update and the deletion after it, which show the same row."""
    values = (
        captured("c"), captured("d"), captured("u", version=2), captured("d", version=2),
        captured("u", version=3), captured("u", version=2, status="cancelled"),
        captured("c", order_id="1"), captured("c", order_id="1/1"),
    )  # fmt: skip
    assert len({decode_row(value).event_id for value in values}) == len(values)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        json.dumps(ROW).encode(),
        captured("t"),
        captured("u", version="2"),
        captured("u", quantity=None),
        b'{"before": null, "after": {}, "op": "c"}',
    ],
)
def test_what_is_no_change_of_a_row_is_refused(value: bytes | None) -> None:
    """Rather than skipped: a record that nobody reads is a lost change."""
    with pytest.raises((ValueError, TypeError)):
        decode_row(value)
