"""The stack on the real shop: what a reset leaves, and what a rebuild replaces."""

from pathlib import Path
from typing import Any

import pytest

from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.drivers.http import new_session, send
from harness.engine.stack import Stack
from harness.engine.world import World
from harness.environments.namespaces import Namespaces
from harness.model.scenario import Pattern
from harness.testing import eventually, isolated
from harness.toolchain import ensure
from tests.small_shop import small_shop

NODES = (
    "order-db",
    "inventory-db",
    "shipping-db",
    "kafka-1",
    "connect",
    "order",
    "inventory",
    "shipping",
)
ORDER = {"order_id": "1", "product_id": "anvil", "quantity": 2}


async def contents(world: World) -> dict[str, Any]:
    """Everything that a scenario may leave in the servers."""
    kafka = world.kafka
    assert kafka is not None
    return {
        "rows": {
            f"{node}.{table}": rows.num_rows
            for node, database in world.postgres.items()
            for name in await database.databases()
            for table, rows in (await database.read_tables(name)).items()
        },
        "slots": [slot.slot for db in world.postgres.values() for slot in await db.slots()],
        "topics": sorted(await kafka.topics(world.internal_topics)),
        "groups": sorted(group.name for group in await kafka.groups()),
        "connectors": [list(await worker.connectors()) for worker in world.connect.values()],
    }


class Shop:
    """The stack of two patterns, and orders that are shipped."""

    def __init__(self, directory: str) -> None:
        path = Path(directory)
        self.suite = suites.load(small_shop(path / "suite", NODES))
        self.patterns = [self.suite.pattern(name) for name in ("dual-write", "outbox-cdc")]
        self.environment = Namespaces(
            union_of(self.suite, self.patterns),
            ensure(offline=True),
            directory=path / "nodes",
            logs=path / "logs",
        )
        self.stack = Stack(self.environment, self.suite)

    @property
    def world(self) -> World:
        """With Connect."""
        return self.stack.world(self.patterns[1])

    async def begin(self, pattern: Pattern) -> None:
        """Services of one pattern, on clean data."""
        await self.stack.begin(pattern, system_of(self.suite, pattern))

    async def order(self) -> int:
        """Place the order and await its shipment. Returns how it was answered."""
        address = self.environment.address("order")
        async with new_session() as session:
            url = f"http://{address}:8080/orders"
            answer = await send(session, "POST", url, timeout_s=10, body=ORDER)
        shipped: list[Any] = []

        async def look() -> bool:
            database = self.world.postgres["shipping-db"]
            shipped[:] = await database.query("SELECT order_id FROM shipments", database="shipping")
            return bool(shipped)

        await eventually(look, within_s=30)
        return answer.status or 0

    async def logged(self) -> dict[str, list[str]]:
        """Server → the tables that its log has changes of."""
        ledgers = self.world.ledgers.items()
        return {
            node: sorted({c.table for one in await ledger.read() for c in one.transaction.changes})
            for node, ledger in ledgers
        }

    def pids(self) -> dict[str, int | None]:
        """Server → process."""
        return {name: self.environment.pid(name) for name in self.stack.servers}


async def life(directory: str) -> dict[str, Any]:
    """Two patterns one after the other, a reset between them, then a rebuild."""
    shop = Shop(directory)
    dual_write, cdc = shop.patterns
    seen: dict[str, Any] = {}
    async with shop.environment:
        await shop.stack.open()
        try:
            clean = await contents(shop.world)
            seen["clean"] = [clean["slots"], clean["topics"], clean["connectors"]]
            first = shop.pids()

            await shop.begin(cdc)
            seen["cdc"] = await shop.order()
            dirty = await contents(shop.world)
            seen["slots"] = len(dirty["slots"])
            seen["topics"] = dirty["topics"]
            seen["groups"] = sorted(set(dirty["groups"]) - set(clean["groups"]))
            seen["connectors"] = len(dirty["connectors"][0])
            seen["rows come"] = dirty["rows"] != clean["rows"]
            seen["logged"] = await shop.logged()

            await shop.stack.reset()
            seen["after the reset"] = differences(clean, await contents(shop.world))

            await shop.begin(dual_write)
            seen["logged anew"] = await shop.logged()
            seen["logs from"] = sorted({topic for topic, _ in shop.world.logs_from})
            seen["the same order again"] = await shop.order()
            seen["same servers"] = shop.pids() == first
            # A consumer that was killed is a member of its group until its session ends.
            await shop.environment.kill("shipping")
            await shop.begin(dual_write)
            seen["after a kill"] = await shop.order()

            shop.stack.distrust()
            await shop.begin(dual_write)
            now = shop.pids()
            seen["other servers"] = [name for name in now if now[name] == first[name]]
            seen["on rebuilt servers"] = await shop.order()
        finally:
            await shop.stack.close()
    return seen


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Where two contents differ."""
    return {key: [one[key], other[key]] for key in one if one[key] != other[key]}


@pytest.mark.stack
def test_every_scenario_begins_with_what_the_compose_file_made(tmp_path: Path) -> None:
    """No topic, group, slot, connector or row is left by a reset; a rebuild has new servers."""
    assert isolated(life, str(tmp_path), timeout_s=150) == {
        "clean": [[], [], [[]]],
        "cdc": 201,
        "slots": 1,
        "topics": ["order.events"],
        "groups": ["inventory", "shipping"],
        "connectors": 1,
        "rows come": True,
        "logged": {
            "order-db": ["orders", "outbox"],
            "inventory-db": ["inbox", "stock", "stock_movements"],
            "shipping-db": ["inbox", "shipment_changes", "shipments"],
        },
        "after the reset": {},
        "logged anew": {"order-db": [], "inventory-db": [], "shipping-db": []},
        "logs from": ["__consumer_offsets", "connect-configs", "connect-offsets", "connect-status"],
        "the same order again": 201,
        "same servers": True,
        "after a kill": 201,
        "other servers": [],
        "on rebuilt servers": 201,
    }
