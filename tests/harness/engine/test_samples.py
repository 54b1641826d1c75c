"""Samples of replication slots: of servers that answer, as long as it is asked."""

import asyncio
from collections.abc import Mapping
from typing import Any

from harness.drivers.postgres import Postgres
from harness.engine.samples import SlotSamples
from harness.errors import EnvironmentFailed
from harness.model.snapshot import SLOT_SAMPLES_SCHEMA


class Server:
    """One that has these slots, or is down."""

    def __init__(self, *slots: tuple[Any, ...], down: bool = False) -> None:
        self.slots = slots
        self.down = down

    async def query(self, text: str, parameters: tuple[str, ...]) -> list[tuple[Any, ...]]:
        assert "pg_replication_slots" in text and len(parameters) == 1
        if self.down:
            raise EnvironmentFailed("no answer")
        return list(self.slots)


def samples(servers: Mapping[str, Any], *times: float) -> SlotSamples:
    clock = iter(times)
    known: Mapping[str, Postgres] = dict(servers)
    return SlotSamples(known, lambda: next(clock))


def test_each_slot_of_each_server_is_a_row() -> None:
    """With the moment at which it was asked; who does not answer has none."""
    server = Server(("s", False, "reserved", 4096, 1024))
    taken = samples({"order-db": server, "away": Server(down=True)}, 1.5, 2.0)

    async def test() -> None:
        await taken.take("order-db")
        await taken.take("away")
        await taken.take("order-db")

    asyncio.run(test())
    table = taken.table()
    assert table is not None
    assert table.schema == SLOT_SAMPLES_SCHEMA
    assert [(r["at_s"], r["node"], r["slot"], r["held_bytes"]) for r in table.to_pylist()] == [
        (1.5, "order-db", "s", 4096),
        (2.0, "order-db", "s", 4096),
    ]


def test_no_slot_is_no_table() -> None:
    """Nothing must be taken for nothing was held."""
    taken = samples({"order-db": Server()}, 1.0)
    asyncio.run(taken.take("order-db"))
    assert taken.table() is None


def test_it_goes_on_until_it_is_cancelled() -> None:
    """The first sample is taken at once."""
    taken = samples({"a": Server(("s", True, "reserved", 1, 1))}, *map(float, range(100)))

    async def test() -> None:
        task = asyncio.create_task(taken.run())
        while taken.table() is None:  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(test())
    table = taken.table()
    assert table is not None and table.num_rows == 1
