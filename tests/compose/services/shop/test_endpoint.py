"""A participant that is called: its routes, on a real database."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from compose.services.shop.db import Pool
from compose.services.shop.endpoint import Endpoint
from compose.services.shop.events import PLACED, Event
from compose.services.shop.inventory import move_stock

PLACING = Event.new(PLACED, "17", "anvil", 2, 1)


class Shop(Protocol):
    """What these tests need of the fixture."""

    def start(self, service: str) -> None: ...
    def ask(
        self, service: str, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int | None, Any]: ...
    def movements(self) -> list[tuple[Any, ...]]: ...


def endpoint(url: str) -> Endpoint:
    """Inventory's."""
    return Endpoint(Pool(url), move_stock)


@pytest.mark.stack
def test_an_event_is_applied_once_before_it_is_answered(
    shop_of: Callable[[str], Shop],
) -> None:
    """Said again it is known by its id; under another id it is another event."""
    shop = shop_of("rest-sync")
    shop.start("inventory")
    for event, is_new in ((PLACING, True), (PLACING, False), (PLACING.again(), True)):
        told = shop.ask("inventory", "POST", "/events", json.loads(event.as_json()))
        assert told == (200, {"order_id": "17", "new": is_new})
    assert shop.movements() == [("17", 1, -2)] * 2


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type": "order-placed"}'])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    """400, before the database is asked."""
    assert endpoint("postgresql://nowhere").route("POST", "/events", body).status == 400


def test_a_database_out_of_reach_is_said() -> None:
    """503: nobody knows whether it was done; and it is not healthy."""
    away = endpoint("postgresql://u:p@127.0.0.1:1/d")
    assert away.route("POST", "/events", PLACING.as_json().encode()).status == 503
    assert away.route("GET", "/health", b"").status == 503


def test_other_routes_are_not_there() -> None:
    """404."""
    assert endpoint("postgresql://nowhere").route("POST", "/orders", b"{}").status == 404
