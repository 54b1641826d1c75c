"""How relays share an outbox, on a real PostgreSQL: who may send what while another one is at it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, cast

import pytest

from compose.services.shop.broker import Publisher
from compose.services.shop.claims import HEADS, ROWS
from compose.services.shop.db import Pool, SessionEnded
from compose.services.shop.events import Message
from compose.services.shop.relay import Relay

pytestmark = pytest.mark.stack

LEASE_MS = 100


class Shop(Protocol):
    """What these tests need of the fixture."""

    def url(self, database: str) -> str: ...
    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]: ...


@dataclass(kw_only=True)
class Broker:
    """Takes all, and once `slow` only when `goes_on` is set."""

    sent: list[tuple[str, int]] = field(default_factory=list)
    slow: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)

    def publish(self, messages: Sequence[Message]) -> int:
        self.reached.set()
        if self.slow:
            assert self.goes_on.wait(20)
        self.sent += [(message.key, int(message.value)) for message in messages]
        return len(messages)


@dataclass(kw_only=True)
class Relays:
    """Two at one outbox."""

    shop: Shop
    claim: str
    lease_ms: int = 0
    one: Broker = field(default_factory=Broker)
    other: Broker = field(default_factory=Broker)
    pools: list[Pool] = field(default_factory=list)

    def of(self, broker: Broker) -> Relay:
        pool = Pool(self.shop.url("orders"), idle_in_transaction_ms=self.lease_ms)
        self.pools.append(pool)
        return Relay(pool, cast("Publisher", broker), 0.0, self.claim)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self.pools:
            pool.close_idle()

    def told(self, order_id: str, version: int) -> None:
        """An event, its payload no more than its version."""
        self.shop.rows(
            "orders",
            "INSERT INTO outbox (id, aggregatetype, aggregateid, type, version, payload) VALUES"
            f" (gen_random_uuid(), 'order', '{order_id}', 'any', {version}, '{version}')"
            " RETURNING 1",
        )

    @contextmanager
    def one_is_slow(self) -> Iterator[list[BaseException]]:
        """One relay has claimed what there is and awaits its acknowledgement."""
        self.one.slow = True
        raised: list[BaseException] = []

        def send() -> None:
            try:
                self.of(self.one).send_batch()
            except SessionEnded as error:
                raised.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        assert self.one.reached.wait(20)
        try:
            yield raised
        finally:
            self.one.goes_on.set()
            thread.join(20)


def test_of_orders_in_another_relays_hands_nothing_is_sent(
    shop_of: Callable[[str], Shop],
) -> None:
    """Those of other orders are; the next event goes when the one before is marked."""
    with Relays(shop=shop_of("outbox-polling-two-relays"), claim=HEADS) as relays:
        relays.told("1", 1)
        with relays.one_is_slow():
            relays.told("1", 2)
            relays.told("2", 1)
            assert relays.of(relays.other).send_batch() == 1
            assert relays.of(relays.other).send_batch() == 0
        assert (relays.one.sent, relays.other.sent) == ([("1", 1)], [("2", 1)])
        assert relays.of(relays.other).send_batch() == 1
        assert relays.other.sent == [("2", 1), ("1", 2)]


def test_rows_that_are_claimed_one_by_one_overtake(shop_of: Callable[[str], Shop]) -> None:
    """What the claim of orders is there for."""
    with Relays(shop=shop_of("outbox-polling-two-relays"), claim=ROWS) as relays:
        relays.told("1", 1)
        with relays.one_is_slow():
            relays.told("1", 2)
            assert relays.of(relays.other).send_batch() == 1
        assert (relays.other.sent, relays.one.sent) == ([("1", 2)], [("1", 1)])


def test_a_relay_that_slept_through_its_lease_cannot_mark(shop_of: Callable[[str], Shop]) -> None:
    """The other one has sent and marked it meanwhile, and what comes after; the sleeper's late
    record repeats."""
    shop = shop_of("outbox-polling-two-relays")
    with Relays(shop=shop, claim=HEADS, lease_ms=LEASE_MS) as relays:
        relays.told("1", 1)
        with relays.one_is_slow() as raised:
            relays.told("1", 2)
            other = relays.of(relays.other)
            tried = threading.Event()
            for _ in range(200):
                if len(relays.other.sent) == 2:
                    break
                other.send_batch()
                tried.wait(0.02)
            marked = shop.rows("orders", "SELECT id, sent_at FROM outbox ORDER BY seq")
        assert [type(error) for error in raised] == [SessionEnded]
        assert (relays.other.sent, relays.one.sent) == ([("1", 1), ("1", 2)], [("1", 1)])
        assert shop.rows("orders", "SELECT id, sent_at FROM outbox ORDER BY seq") == marked
        assert all(sent_at is not None for _, sent_at in marked)


def test_what_was_sent_long_ago_is_deleted_and_nothing_else(
    shop_of: Callable[[str], Shop],
) -> None:
    """Whoever sent it."""
    with Relays(shop=shop_of("outbox-polling-two-relays"), claim=HEADS) as relays:
        relays.told("1", 1)
        assert relays.of(relays.one).send_batch() == 1
        relays.told("1", 2)
        relays.of(relays.other).clean()
        assert relays.shop.rows("orders", "SELECT aggregateid, version FROM outbox") == [("1", 2)]
