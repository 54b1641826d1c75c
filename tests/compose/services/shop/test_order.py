"""What the order service takes for an order."""

import json
from typing import Any

import pytest

from compose.services.shop.order import parse_order

GOOD: dict[str, Any] = {"order_id": "1", "product_id": "anvil", "quantity": 2}


def test_an_order_is_an_id_a_product_and_a_quantity() -> None:
    """More fields do no harm."""
    assert parse_order(json.dumps(GOOD | {"note": "soon"}).encode()) == ("1", "anvil", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1.5},
        {"quantity": "2"},
        {"quantity": True},
        {"quantity": 2**31},
        {"order_id": ""},
        {"order_id": 1},
        {"order_id": "a/b"},
        {"order_id": "1\x00"},
        {"product_id": None},
    ],
    ids=str,
)
def test_a_wrong_field_is_refused(wrong: dict[str, Any]) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="expected order_id"):
        parse_order(json.dumps(GOOD | wrong).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"order_id": "1"}'])
def test_what_is_no_order_is_refused(body: bytes) -> None:
    """By the same exception, which is answered 400."""
    with pytest.raises(ValueError, match=r".+"):
        parse_order(body)
