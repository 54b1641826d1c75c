"""Probes of the steady state: what holds is recorded, what does not is told, before and after."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa
import pytest

import harness.engine.steady as module
from harness.drivers.kafka import Group, GroupOffset, Kafka
from harness.drivers.postgres import Postgres
from harness.engine.steady import SteadyState, wait_steady
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.steady import Answers, Counts, Lag, Probe
from harness.model.store_query import StoreQuery

QUERY = StoreQuery(name="open orders", node="db", database="shop", sql="SELECT count(*) FROM open")


def group(name: str, state: str = "Stable", members: int = 1) -> Group:
    return Group(name=name, state=state, members=members, topics=frozenset())


class Stores:
    """A database whose count goes down by one with each question, and a broker that is behind."""

    def __init__(
        self, count: int = 0, lag: int = 0, groups: Sequence[Group] = (), *, read: bool = True
    ) -> None:
        self.count = count
        self.lag = lag
        self.groups = groups or [group("g")]
        self.is_read = read

    async def query(self, _sql: str, *, database: str) -> list[tuple[int]]:
        assert database == "shop"
        self.count -= 1
        return [(self.count + 1,)]

    async def standing(self) -> tuple[Sequence[Group], Sequence[GroupOffset]]:
        offset = GroupOffset(
            group="g", topic="t", partition=0, committed=0, log_end=self.lag, lag=self.lag
        )
        return self.groups, [offset] if self.is_read else []


def world(stores: Stores, *, broker: bool = True) -> World:
    return World(
        postgres={"db": cast("Postgres", stores)}, kafka=cast("Kafka", stores) if broker else None
    )


def measured(probe: Probe, of: World) -> tuple[bool, str]:
    """At once, without waiting for better."""

    async def main() -> tuple[bool, str]:
        (reading,), _ = await wait_steady((probe,), of, _addresses, deadline_s=0)
        return reading.holds, reading.value

    return asyncio.run(main())


def _addresses(node: str) -> str:
    return {"order": "127.0.0.1"}[node]


@pytest.mark.parametrize(
    "probe, expected",
    [
        (Counts(query=QUERY, most=3), (True, "3")),
        (Counts(query=QUERY, least=4), (False, "3")),
        (Counts(query=QUERY, most=2), (False, "3")),
        (Lag(most=5), (True, "5")),
        (Lag(most=4), (False, "5")),
    ],
)
def test_a_number_holds_within_its_bounds(probe: Probe, expected: tuple[bool, str]) -> None:
    """And its value is told either way."""
    assert measured(probe, world(Stores(count=3, lag=5))) == expected


@pytest.mark.parametrize(
    "groups, read, expected",
    [
        ([group("g")], True, (True, "0")),
        ([group("g"), group("h")], True, (False, "0, h has members and no partitions")),
        ([group("g", "PreparingRebalance")], True, (False, "0, g is rebalancing")),
        ([group("g", "Empty", members=0)], True, (True, "0")),
        ([group("g", "Empty", members=0)], False, (False, "nobody has joined a group")),
    ],
)
def test_a_group_without_readers_is_not_one_without_lag(
    groups: Sequence[Group],
    read: bool,
    expected: tuple[bool, str],
) -> None:
    """Nobody can be behind in what nobody reads; who left when all was read is not behind."""
    assert measured(Lag(), world(Stores(groups=groups, read=read))) == expected


def test_what_is_not_there_does_not_hold_and_says_so() -> None:
    """A broker, a database, a node; and one that nobody answers for."""
    nowhere = StoreQuery(name="rows", node="elsewhere", database="shop", sql="SELECT 1")
    assert measured(Lag(), world(Stores(), broker=False)) == (False, "there is no broker")
    assert measured(Counts(query=nowhere), world(Stores())) == (False, "'elsewhere'")
    assert measured(Answers(node="nobody", port=1), world(Stores())) == (False, "'nobody'")
    holds, value = measured(Answers(node="order", port=1), world(Stores()))
    assert not holds
    assert value.startswith("not connected")


def test_a_node_holds_that_answers_as_wanted_and_in_time() -> None:
    """A real server on loopback, asked by HTTP."""

    async def main() -> list[tuple[bool, str]]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        probes = [
            Answers(node="order", port=port, within_s=5),
            Answers(node="order", port=port, within_s=5, status=503),
        ]
        async with server:
            readings, _ = await wait_steady(probes, world(Stores()), _addresses, deadline_s=0)
        return [(reading.holds, reading.value[:10]) for reading in readings]

    assert asyncio.run(main()) == [(True, "200 after "), (False, "200 after ")]


def kept(probes: tuple[Probe, ...]) -> tuple[SteadyState, list[pa.Table]]:
    tables: list[pa.Table] = []
    return SteadyState(probes, _addresses, tables.append), tables


def test_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds a moment later holds."""
    monkeypatch.setattr(module, "_POLL_S", 0.0)
    state, tables = kept((Counts(query=QUERY, most=0),))
    asyncio.run(state.before(world(Stores(count=4))))
    (row,) = tables[-1].to_pylist()
    assert (row["when"], row["holds"], row["value"]) == ("before", True, "0")


def test_without_it_there_is_nothing_to_disturb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first fault that ends the scenario; after the last one it is written down."""
    monkeypatch.setattr(module, "_BEFORE_S", 0.0)
    monkeypatch.setattr(module, "_AFTER_S", 0.0)
    state, tables = kept((Lag(most=0),))
    with pytest.raises(
        EnvironmentFailed, match="no steady state before the first fault: consumer lag: 7"
    ):
        asyncio.run(state.before(world(Stores(lag=7))))
    asyncio.run(state.after(world(Stores(lag=8))))
    rows: list[dict[str, Any]] = tables[-1].to_pylist()
    assert [(row["when"], row["holds"], row["value"]) for row in rows] == [
        ("before", False, "7"),
        ("after", False, "8"),
    ]


def test_a_suite_without_probes_has_no_table() -> None:
    """Nothing is measured, nothing is written."""
    state, tables = kept(())
    asyncio.run(state.before(world(Stores())))
    assert tables == []
