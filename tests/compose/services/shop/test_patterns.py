"""The patterns on real servers: same events, same effects, and what survives a SIGKILL."""

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
CONSUMERS = ("inventory", "payment", "shipping", "review", "notification")
PATTERNS = ("event-driven", "dual-write", "outbox-polling", "outbox-cdc")


class Shop(Protocol):
    """What these tests need of the fixture."""

    postgres: str
    kafka: str
    connect: str
    topic: str

    def start(self, *services: str) -> None: ...
    def start_all(self, *others: str) -> None: ...
    def launch(self, service: str) -> None: ...
    def kill(self, service: str) -> None: ...
    def end(self, service: str, by: signal.Signals) -> int: ...
    def place(self, order_id: str, quantity: int = 1) -> int | None: ...
    def cancel(self, order_id: str) -> int | None: ...
    def ask(self, service: str, method: str, path: str) -> tuple[int | None, Any]: ...
    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]: ...
    def execute(self, database: str, command: str) -> None: ...
    def wait(self, condition: Callable[[], bool], what: str) -> None: ...
    def wait_applied(self, events: int) -> None: ...
    def movements(self) -> list[tuple[Any, ...]]: ...
    def applied(self, consumer: str) -> list[tuple[Any, ...]]: ...


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
    shop.start_all()
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
    for consumer in CONSUMERS:
        assert sorted(shop.applied(consumer)) == [("1", 1), ("1", 2), ("2", 1)]
    assert sorted(shop.movements()) == [("1", 1, -3), ("1", 2, 3), ("2", 1, -2)]
    stock = "SELECT initial - on_hand FROM stock WHERE product_id = 'anvil'"
    assert shop.rows("inventory", stock) == [(2,)]
    balances = "SELECT account, cents FROM balances ORDER BY account"
    assert shop.rows("payment", balances) == [("customers", -24000), ("shop", 24000)]
    shipments = "SELECT order_id, quantity, status, version FROM shipments ORDER BY order_id"
    assert shop.rows("shipping", shipments) == [("1", 3, "cancelled", 2), ("2", 2, "placed", 1)]
    reviews = "SELECT order_id, status, version FROM review_requests ORDER BY order_id"
    assert shop.rows("review", reviews) == [("1", "withdrawn", 2), ("2", "requested", 1)]


def test_a_killed_relay_loses_nothing_and_keeps_the_order(shop_of: ShopOf) -> None:
    """Killed again and again while orders come in: every event arrives, effects once."""
    shop = shop_of("outbox-polling")
    shop.start("inventory", "shipping", "order", "relay")
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
    assert sorted(shop.applied("shipping")) == sorted(expected)
    newest: dict[bytes, int] = {}
    for record in records(shop):
        version = json.loads(record.value)["version"]
        assert version >= newest.get(record.key, 0)
        newest[record.key] = version
    unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
    shop.wait(lambda: shop.rows("orders", unsent) == [(0,)], "the outbox is drained")


def test_a_killed_consumer_applies_each_event_once(shop_of: ShopOf) -> None:
    """What it had applied but not yet committed comes again, and the inbox knows it. Each is
    killed twice, one after the other, while orders come in."""
    shop = shop_of("dual-write")
    shop.start_all()
    for number in range(30):
        assert shop.place(str(number)) == 201
        if number % 3 == 1:
            killed = CONSUMERS[number // 3 % len(CONSUMERS)]
            shop.kill(killed)
            shop.launch(killed)
    shop.wait_applied(30)
    for consumer in CONSUMERS:
        assert sorted(shop.applied(consumer)) == sorted((str(n), 1) for n in range(30))


REFUSES_TO_COMMIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
    CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON orders
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize("pattern, told", [("event-driven", 1), ("dual-write", 0)])
def test_an_order_that_is_not_committed_was_told_of_where_that_comes_first(
    shop_of: ShopOf, pattern: str, told: int
) -> None:
    """The database refuses the commit: the order is nowhere, and its event is in the topic."""
    shop = shop_of(pattern)
    shop.start("order")
    shop.execute("orders", REFUSES_TO_COMMIT)
    assert shop.place("1") == 500
    assert shop.rows("orders", "SELECT order_id FROM orders") == []
    assert [record.key for record in records(shop)] == [b"1"] * told


@pytest.mark.parametrize("pattern, kept", [("event-driven", 0), ("dual-write", 1)])
def test_an_order_whose_event_the_broker_refuses_is_rolled_back_where_that_still_can_be(
    shop_of: ShopOf, pattern: str, kept: int
) -> None:
    """503, for who has committed before can't take it back. The topic takes no record so big."""
    shop = shop_of(pattern)
    with KafkaAdminClient(bootstrap_servers=shop.kafka) as admin:
        small = {"num_partitions": 3, "replication_factor": 1, "configs": {"max.message.bytes": 20}}
        admin.create_topics({shop.topic: small}, wait_for_metadata=True)
    shop.start("order")
    assert shop.place("1") == 503
    assert shop.rows("orders", "SELECT order_id FROM orders") == [("1",)] * kept
    assert records(shop) == []


def test_services_end_when_asked(shop_of: ShopOf) -> None:
    """SIGTERM, exit code 0, and the consumer group has no member that a broker would wait for."""
    shop = shop_of("outbox-polling")
    shop.start("inventory", "order", "relay")
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
