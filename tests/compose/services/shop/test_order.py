"""What the order service takes for an order, and when it tells of one."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from compose.services.shop.broker import Publisher
from compose.services.shop.db import Pool
from compose.services.shop.events import Message
from compose.services.shop.order import OrderService, parse_order

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


class Diary:
    """A database and a broker that write down what is asked of them, one after the other."""

    rowcount = 1

    def __init__(self, *, broker_takes: bool) -> None:
        self.entries: list[str] = []
        self._broker_takes = broker_takes

    @contextmanager
    def transaction(self) -> Iterator["Diary"]:
        try:
            yield self
        except Exception:
            self.entries.append("rollback")
            raise
        self.entries.append("commit")

    def execute(self, sql: str, _values: Sequence[object]) -> "Diary":
        self.entries.append(" ".join(sql.split()[:3]))
        return self

    def publish(self, messages: Sequence[Message]) -> int:
        self.entries.append("publish")
        return len(messages) if self._broker_takes else 0


INSERT = "INSERT INTO orders"


@pytest.mark.parametrize(
    "tell_first, broker_takes, status, entries",
    [
        (False, True, 201, [INSERT, "commit", "publish"]),
        (False, False, 503, [INSERT, "commit", "publish"]),
        (True, True, 201, [INSERT, "publish", "commit"]),
        (True, False, 503, [INSERT, "publish", "rollback"]),
    ],
)
def test_without_an_outbox_an_order_is_told_of_before_or_after_its_commit(
    tell_first: bool, broker_takes: bool, status: int, entries: list[str]
) -> None:
    """What the broker does not take is an unknown outcome, and undone where it still can be."""
    diary = Diary(broker_takes=broker_takes)
    service = OrderService(cast("Pool", diary), cast("Publisher", diary), tell_first=tell_first)
    assert service.route("POST", "/orders", json.dumps(GOOD).encode()).status == status
    assert diary.entries == entries


def test_with_an_outbox_nobody_is_told_but_the_outbox() -> None:
    """In the order's own transaction."""
    diary = Diary(broker_takes=False)
    service = OrderService(cast("Pool", diary), outbox=True)
    assert service.route("POST", "/orders", json.dumps(GOOD).encode()).status == 201
    assert diary.entries == [INSERT, "INSERT INTO outbox", "commit"]
