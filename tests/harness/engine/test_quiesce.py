"""Coming to rest: how readings add up, and what real stores say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import pytest

from harness.drivers.connect import Connect
from harness.drivers.kafka import Group, GroupOffset, Kafka
from harness.drivers.kafka_python import KafkaConsumer, KafkaProducer
from harness.drivers.mariadb import MariaDB
from harness.drivers.postgres import Postgres
from harness.drivers.wal import WalLedger
from harness.engine.quiesce import QuietCondition, _Reading, _Tally, lag_reading, wait_quiet
from harness.engine.world import World
from harness.model.store_query import LoggedChanges, Published, StoreQuery

TOPIC = "aftershock.quiet"
GROUP = "aftershock-quiet"
DATABASE = "quiet"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def kafka(self) -> str: ...


def reading(*, met: bool = True, state: int = 0) -> _Reading:
    """One condition as read."""
    return _Reading(name="outbox", met=met, detail=f"{state} left", state=state)


def test_rest_is_what_holds_for_long_enough() -> None:
    """Met but still changing is not at rest; each change starts the wait again."""
    tally = _Tally(0.0, 0.3)
    quiet = []
    for now, state in ((0.1, 3), (0.3, 2), (0.5, 2), (0.6, 2), (0.61, 1)):
        tally.add([reading(state=state)], now)
        quiet.append(tally.quiet)
    assert quiet == [False, False, False, True, False]


def test_waiting_is_counted_until_the_condition_last_began_to_hold() -> None:
    """What was met, broken and met again waited for the second time."""
    tally = _Tally(10.0, 0.0)
    for now, met in ((11.0, True), (12.0, False), (13.0, True), (14.0, True)):
        tally.add([reading(met=met)], now)
    outbox = tally.conditions(14.0)[0]
    assert outbox == QuietCondition(name="outbox", met=True, waited_s=3.0, detail="0 left")


def test_what_is_not_met_waited_the_whole_time() -> None:
    """And says how far it is from it."""
    tally = _Tally(0.0, 0.0)
    tally.add([reading(met=False, state=7)], 5.0)
    assert tally.conditions(30.0)[0] == QuietCondition(
        name="outbox", met=False, waited_s=30.0, detail="7 left"
    )


def test_a_store_that_is_gone_is_a_condition_not_met() -> None:
    """Its liveness is in question, not the rig's health."""

    async def run() -> tuple[QuietCondition, ...]:
        world = World(
            postgres={"db": Postgres("127.0.0.1", 1, user="u", password="p")},
            others={"other": MariaDB("127.0.0.1", 1, user="u", password="p")},
            kafka=Kafka("127.0.0.1:1"),
            connect={"worker": Connect("127.0.0.1", 1)},
            quiet_queries=(StoreQuery(name="outbox", node="db", database="d", sql="SELECT 0"),),
        )
        try:
            return await wait_quiet(world, deadline_s=0.3)
        finally:
            await world.close()

    unmet = {c.name: c.detail for c in asyncio.run(run()) if not c.met}
    stores = {"postgres db", "mariadb other", "consumer lag", "log ends", "connectors worker"}
    assert set(unmet) >= {"outbox", *stores}
    assert "refused" in unmet["postgres db"]


def test_operations_in_flight_hold_it_up() -> None:
    """Until the last has ended."""
    left = iter([2, 1, 0])

    async def run() -> tuple[QuietCondition, ...]:
        return await wait_quiet(
            World(), deadline_s=5, stable_s=0.0, in_flight=lambda: next(left, 0)
        )

    conditions = {c.name: c for c in asyncio.run(run())}
    assert conditions["operations"].met
    assert conditions["operations"].waited_s > 0.05


def with_world(servers: Servers, body: Callable[[World], Awaitable[None]]) -> None:
    """Run `body` on one database with a table `t (id text)` and one topic."""

    async def run() -> None:
        host, port = servers.postgres.split(":")
        postgres = Postgres(host, int(port), user="shop", password="shop")
        kafka = Kafka(servers.kafka)
        world = World(postgres={"db": postgres}, kafka=kafka)
        try:
            await postgres.drop_slots()
            await postgres.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            await postgres.query(f"CREATE DATABASE {DATABASE}")
            await postgres.query("CREATE TABLE t (id text)", database=DATABASE)
            await kafka.delete_topics([TOPIC])
            await kafka.create_topics([TOPIC])
            await body(world)
        finally:
            await kafka.delete_groups([GROUP])
            await kafka.delete_topics([TOPIC])
            await postgres.drop_slots()
            await world.close()

    asyncio.run(run())


def unmet(conditions: tuple[QuietCondition, ...]) -> dict[str, str]:
    """Name → detail of what did not come to rest."""
    return {c.name: c.detail for c in conditions if not c.met}


def produce(servers: Servers, *event_ids: str) -> None:
    """One record each, the id in the header `event_id`."""
    producer = KafkaProducer(bootstrap_servers=servers.kafka)
    for event_id in event_ids:
        producer.send(TOPIC, b"{}", headers=[("event_id", event_id.encode())])
    producer.flush()
    producer.close()


@pytest.mark.stack
def test_idle_stores_come_to_rest(servers: Servers) -> None:
    """After just the time that shows it."""

    async def body(world: World) -> None:
        conditions = await wait_quiet(world, deadline_s=10, stable_s=0.3)
        assert unmet(conditions) == {}
        assert max(c.waited_s for c in conditions) < 2

    with_world(servers, body)


@pytest.mark.stack
def test_a_writer_that_goes_on_keeps_it_from_rest(servers: Servers) -> None:
    """Updates count, too: the number of rows stays the same."""

    async def body(world: World) -> None:
        postgres = world.postgres["db"]
        await postgres.query("INSERT INTO t VALUES ('1')", database=DATABASE)

        async def write() -> None:
            while True:
                await postgres.query("UPDATE t SET id = '1'", database=DATABASE)
                await asyncio.sleep(0.02)

        writer = asyncio.create_task(write())
        try:
            assert "stable" in unmet(await wait_quiet(world, deadline_s=1.0))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        assert unmet(await wait_quiet(world, deadline_s=10)) == {}

    with_world(servers, body)


@pytest.mark.stack
def test_an_open_transaction_that_has_written_keeps_it_from_rest(servers: Servers) -> None:
    """Nothing of it is visible yet, and it may still commit."""

    async def body(world: World) -> None:
        postgres = world.postgres["db"]
        host, port = servers.postgres.split(":")
        other = Postgres(host, int(port), user="shop", password="shop")
        try:
            await other.query("BEGIN", database=DATABASE)
            await other.query("INSERT INTO t VALUES ('1')", database=DATABASE)
            held = unmet(await wait_quiet(world, deadline_s=0.8))
            assert "1 open writers" in held["postgres db"]
            await other.query("COMMIT", database=DATABASE)
            assert unmet(await wait_quiet(world, deadline_s=10)) == {}
        finally:
            await other.close()
        assert (await postgres.read_table(DATABASE, "t")).num_rows == 1

    with_world(servers, body)


def group(state: str, members: int = 1) -> Group:
    """A group that is assigned something only where offsets say so."""
    return Group(name=GROUP, state=state, members=members, topics=frozenset())


CAUGHT_UP = GroupOffset(group=GROUP, topic=TOPIC, partition=0, committed=2, log_end=2, lag=0)


@pytest.mark.parametrize(
    "groups, offsets, detail",
    [
        ([], [], "0"),
        ([group("Stable")], [CAUGHT_UP], "0"),
        ([group("Empty", members=0)], [], "0"),
        ([group("PreparingRebalance")], [], f"{GROUP} is rebalancing"),
        ([group("CompletingRebalance")], [CAUGHT_UP], f"{GROUP} is rebalancing"),
        ([group("Stable")], [], f"{GROUP} has members and no partitions"),
        (
            [group("Stable")],
            [replace(CAUGHT_UP, committed=None, lag=2)],
            f"{GROUP} {TOPIC}[0] 2 behind (nothing committed of 2)",
        ),
    ],
)
def test_a_group_is_at_rest_when_it_has_read_all_and_nobody_is_joining(
    groups: list[Group], offsets: list[GroupOffset], detail: str
) -> None:
    """Who has no partitions yet is not behind in any: that is no rest."""
    reading = lag_reading(groups, offsets)
    assert (reading.met, reading.detail) == (detail == "0", detail)


@pytest.mark.stack
def test_lag_keeps_it_from_rest_and_is_told(servers: Servers) -> None:
    """Which group, where, how far."""

    async def body(world: World) -> None:
        await asyncio.to_thread(produce, servers, "a", "b")

        def consume_one() -> None:
            consumer = KafkaConsumer(
                TOPIC,
                bootstrap_servers=servers.kafka,
                group_id=GROUP,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                max_poll_records=1,
            )
            while not consumer.poll(timeout_ms=100):
                pass
            consumer.commit()
            consumer.close()

        await asyncio.to_thread(consume_one)
        assert unmet(await wait_quiet(world, deadline_s=1, stable_s=0.0)) == {
            "consumer lag": f"{GROUP} {TOPIC}[0] 1 behind (at 1 of 2)"
        }

    with_world(servers, body)


@pytest.mark.stack
def test_a_slot_nobody_reads_keeps_it_from_rest(servers: Servers) -> None:
    """Inactive is behind, however little was written."""

    async def body(world: World) -> None:
        await world.postgres["db"].query(
            "SELECT pg_create_logical_replication_slot('lonely', 'pgoutput')", database=DATABASE
        )
        held = unmet(await wait_quiet(world, deadline_s=0.8))
        assert "slot lonely inactive" in held["postgres db"]

    with_world(servers, body)


@pytest.mark.stack
def test_counts_and_events_of_the_suite_keep_it_from_rest(servers: Servers) -> None:
    """Unsent rows by their number, unpublished events by their ids."""

    async def body(world: World) -> None:
        postgres = world.postgres["db"]
        await postgres.query("INSERT INTO t VALUES ('a'), ('b')", database=DATABASE)
        await asyncio.to_thread(produce, servers, "a")
        wanted = World(
            postgres=world.postgres,
            kafka=world.kafka,
            quiet_queries=(
                StoreQuery(
                    name="unsent", node="db", database=DATABASE, sql="SELECT count(*) FROM t"
                ),
            ),
            published=(
                Published(
                    events=StoreQuery(
                        name="published", node="db", database=DATABASE, sql="SELECT id FROM t"
                    ),
                    topic=TOPIC,
                    header="event_id",
                ),
            ),
        )
        assert unmet(await wait_quiet(wanted, deadline_s=0.8, stable_s=0.0)) == {
            "unsent": "2 left",
            "published": f"1 of 2 not in {TOPIC}: b",
        }
        await postgres.query("DELETE FROM t WHERE id = 'a'", database=DATABASE)
        await asyncio.to_thread(produce, servers, "b")
        assert unmet(await wait_quiet(wanted, deadline_s=0.8, stable_s=0.0)) == {"unsent": "1 left"}

    with_world(servers, body)


@pytest.mark.stack
def test_changes_whose_rows_are_gone_keep_it_from_rest(servers: Servers) -> None:
    """The log knows the transactions that a table was changed by; a query would not."""

    async def body(world: World) -> None:
        postgres = world.postgres["db"]
        ledger = WalLedger("db", postgres)
        await ledger.open()
        await postgres.query("INSERT INTO t VALUES ('a')", database=DATABASE)
        await postgres.query("DELETE FROM t WHERE id = 'a'", database=DATABASE)
        wanted = World(
            postgres=world.postgres,
            kafka=world.kafka,
            ledgers={"db": ledger},
            published=(
                Published(
                    events=LoggedChanges(name="captured", node="db", table="t"),
                    topic=TOPIC,
                    header="event_id",
                ),
            ),
        )
        written, gone = (str(c.transaction.xid) for c in await ledger.read())
        await asyncio.to_thread(produce, servers, written)
        assert unmet(await wait_quiet(wanted, deadline_s=0.8, stable_s=0.0)) == {
            "captured": f"1 of 2 not in {TOPIC}: {gone}"
        }
        await asyncio.to_thread(produce, servers, gone)
        assert unmet(await wait_quiet(wanted, deadline_s=0.8, stable_s=0.0)) == {}

    with_world(servers, body)
