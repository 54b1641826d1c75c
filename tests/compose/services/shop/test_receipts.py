"""Payments as they are told, and what is none."""

import json

import pytest

from compose.services.shop.receipts import Payment, decode

TOLD = {
    "event_id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "type": "payment-refunded",
    "order_id": "17",
    "version": 2,
    "cents": -1200,
}


def test_a_payment_is_read_as_it_was_told() -> None:
    """Every field of it."""
    read = decode(json.dumps(TOLD).encode())
    assert read == Payment(
        event_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        type="payment-refunded",
        order_id="17",
        version=2,
        cents=-1200,
    )


@pytest.mark.parametrize(
    "value", [None, b"{}", b"no json", json.dumps({**TOLD, "type": "order-placed"}).encode()]
)
def test_anything_else_is_refused(value: bytes | None) -> None:
    """A record that cannot be read must not be passed over."""
    with pytest.raises((ValueError, TypeError)):
        decode(value)
