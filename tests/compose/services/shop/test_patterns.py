"""The three patterns on real servers: same events, same effects, and what survives a SIGKILL."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from harness.drivers.connect import Connect

pytestmark = pytest.mark.stack

CONNECTOR = Path(__file__).resolve().parents[4] / "compose" / "connectors" / "order-outbox.json"
PATTERNS = ("dual-write", "outbox-polling", "outbox-cdc")


class Shop(Protocol):
    """What these tests need of the fixture."""

    postgres: str
    kafka: str
    connect: str
    topic: str

    def start(self, service: str) -> None: ...
    def kill(self, service: str) -> None: ...
    def end(self, service: str, by: signal.Signals) -> int: ...
    def place(self, order_id: str, quantity: int = 1) -> int | None: ...
    def cancel(self, order_id: str) -> int | None: ...
    def ask(self, service: str, method: str, path: str) -> tuple[int | None, Any]: ...
    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]: ...
    def wait(self, condition: Callable[[], bool], what: str) -> None: ...
    def wait_applied(self, events: int) -> None: ...
    def movements(self) -> list[tuple[Any, ...]]: ...
    def changes(self) -> list[tuple[Any, ...]]: ...


ShopOf = Callable[[str], Shop]


@contextmanager
def publishing(shop: Shop, pattern: str) -> Iterator[None]:
    """With whatever publishes under the pattern."""
    if pattern == "outbox-polling":
        shop.start("relay")
    if pattern != "outbox-cdc":
        yield
        return
    asyncio.run(_register(shop))
    try:
        yield
    finally:
        asyncio.run(_unregister(shop))


async def _register(shop: Shop) -> None:
    declared = json.loads(CONNECTOR.read_text())
    database_host, database_port = shop.postgres.split(":")
    own = {
        "database.hostname": database_host,
        "database.port": database_port,
        "transforms.outbox.route.topic.replacement": shop.topic,
    }
    client = _connect(shop)
    try:
        await client.put_config(declared["name"], declared["config"] | own)
        await client.wait_running(declared["name"], 60)
    finally:
        await client.close()
    slots = "SELECT 1 FROM pg_replication_slots WHERE active"
    shop.wait(lambda: bool(shop.rows("orders", slots)), "the slot is active")


async def _unregister(shop: Shop) -> None:
    client = _connect(shop)
    try:
        await client.delete("order-outbox")
    finally:
        await client.close()
    slots = "SELECT 1 FROM pg_replication_slots WHERE active"
    shop.wait(lambda: not shop.rows("orders", slots), "the slot is free")


def _connect(shop: Shop) -> Connect:
    host, port = shop.connect.split(":")
    return Connect(host, int(port))


def records(shop: Shop) -> list[Any]:
    """All records of the topic, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=shop.kafka, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(shop.topic, n) for n in range(3)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(p) < ends[p] for p in partitions):
            found += [r for batch in consumer.poll(timeout_ms=500).values() for r in batch]
        return sorted(found, key=lambda r: (r.partition, r.offset))
    finally:
        consumer.close()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_tells_the_same(shop_of: ShopOf, pattern: str) -> None:
    """Key, value and headers of the records, and the effects, don't tell patterns apart."""
    shop = shop_of(pattern)
    for service in ("inventory", "shipping", "order"):
        shop.start(service)
    with publishing(shop, pattern):
        assert shop.place("1", 3) == 201
        assert shop.place("2", 2) == 201
        assert shop.cancel("1") == 200
        assert (shop.place("1", 3), shop.cancel("1")) == (200, 200)  # said twice, done once
        assert (shop.place("1", 4), shop.place("3", 0), shop.cancel("3")) == (409, 400, 404)
        shop.wait_applied(3)
        told = [(r.key, json.loads(r.value), list(r.headers)) for r in records(shop)]
    for key, value, headers in told:
        assert set(value) == {
            "event_id", "type", "order_id", "product_id", "quantity", "version"
        }  # fmt: skip
        assert key.decode() == value["order_id"]
        assert headers == [("event_id", value["event_id"].encode())]
    one = [(v["type"], v["version"], v["quantity"]) for _, v, _ in told if v["order_id"] == "1"]
    assert one == [("order-placed", 1, 3), ("order-cancelled", 2, 3)]
    assert len(told) == 3
    assert sorted(shop.movements()) == [("1", 1, -3), ("1", 2, 3), ("2", 1, -2)]
    stock = "SELECT initial - on_hand FROM stock WHERE product_id = 'anvil'"
    assert shop.rows("inventory", stock) == [(2,)]
    shipments = "SELECT order_id, quantity, status, version FROM shipments ORDER BY order_id"
    assert shop.rows("shipping", shipments) == [("1", 3, "cancelled", 2), ("2", 2, "placed", 1)]


def test_a_killed_relay_loses_nothing_and_keeps_the_order(shop_of: ShopOf) -> None:
    """Killed again and again while orders come in: every event arrives, effects once."""
    shop = shop_of("outbox-polling")
    for service in ("inventory", "shipping", "order", "relay"):
        shop.start(service)
    for number in range(30):
        assert shop.place(str(number)) == 201
        if number % 3 == 0:
            assert shop.cancel(str(number)) == 200
        if number % 10 == 5:
            shop.kill("relay")
            shop.start("relay")
    shop.wait_applied(40)
    expected = {(str(n), v) for n in range(30) for v in ((1, 2) if n % 3 == 0 else (1,))}
    assert sorted((o, v) for o, v, _ in shop.movements()) == sorted(expected)
    assert sorted(shop.changes()) == sorted(expected)
    newest: dict[bytes, int] = {}
    for record in records(shop):
        version = json.loads(record.value)["version"]
        assert version >= newest.get(record.key, 0)
        newest[record.key] = version
    unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
    shop.wait(lambda: shop.rows("orders", unsent) == [(0,)], "the outbox is drained")


@pytest.mark.parametrize("killed", ["inventory", "shipping"])
def test_a_killed_consumer_applies_each_event_once(shop_of: ShopOf, killed: str) -> None:
    """What it had applied but not yet committed comes again, and the inbox knows it."""
    shop = shop_of("dual-write")
    for service in ("inventory", "shipping", "order"):
        shop.start(service)
    for number in range(30):
        assert shop.place(str(number)) == 201
        if number % 10 == 5:
            shop.kill(killed)
            shop.start(killed)
    shop.wait_applied(30)
    assert sorted(o for o, _, _ in shop.movements()) == sorted(map(str, range(30)))
    assert sorted(o for o, _ in shop.changes()) == sorted(map(str, range(30)))


def test_services_end_when_asked(shop_of: ShopOf) -> None:
    """SIGTERM, exit code 0, and the consumer group has no member that a broker would wait for."""
    shop = shop_of("outbox-polling")
    for service in ("inventory", "order", "relay"):
        shop.start(service)
    for service in ("inventory", "order", "relay"):
        assert shop.end(service, signal.SIGTERM) == 0
    with KafkaAdminClient(bootstrap_servers=shop.kafka) as admin:
        group = admin.describe_groups(["inventory"])["inventory"]
    assert group["members"] == []


def test_the_order_service_says_when_its_database_is_gone(shop_of: ShopOf) -> None:
    """503, not a wrong answer; and it is well again as soon as the database is."""
    shop = shop_of("outbox-polling")
    shop.start("order")
    assert shop.place("1") == 201
    end_all = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = 'orders' AND pid <> pg_backend_pid()"
    )
    shop.rows("orders", end_all)
    assert shop.place("2") == 503
    assert shop.place("2") == 201
    assert shop.ask("order", "GET", "/orders/2")[1]["status"] == "placed"
