"""A tap process between psycopg, kafka-python and the real servers, stopped at points."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from harness.engine.taps import Taps
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.address import Address
from harness.model.cut import Reached, Trigger, When
from harness.model.effect import Outcome
from harness.tap.spool import COLUMNS, read_spool

TAP = "127.77.0.1"
MOST_S = 30.0


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A tap for the node `me`, and who looks at the database without it."""

    taps: Taps
    spool: Path
    conninfo: str
    witness: psycopg.AsyncConnection[Any]

    async def me(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self.conninfo, autocommit=True)

    async def rows(self) -> list[str]:
        found = await self.witness.execute("SELECT order_id FROM orders ORDER BY order_id")
        return [row[0] for row in await found.fetchall()]


@asynccontextmanager
async def rigged(address: str, directory: Path) -> AsyncIterator[Rig]:
    host, port = address.split(":")
    login = "user=shop password=shop dbname=postgres"
    direct = f"host={host} port={port} {login}"
    witness = await psycopg.AsyncConnection.connect(direct, autocommit=True)
    await witness.execute("DROP TABLE IF EXISTS orders")
    await witness.execute("CREATE TABLE orders (order_id text, n int)")
    taps = Taps(directory / "taps.log")
    link = {
        "client": "me", "server": "db", "listen": TAP, "address": host, "port": int(port),
        "protocol": "postgres",
    }  # fmt: skip
    await taps.start([link], {})
    try:
        spool = directory / "spool"
        await taps.begin(spool, frozenset({"order_id"}), 0)
        yield Rig(
            taps=taps, spool=spool, conninfo=f"host={TAP} port={port} {login}", witness=witness
        )
    finally:
        await taps.close()
        await witness.close()


def run(servers: Servers, directory: Path, test: Callable[[Rig], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(MOST_S), rigged(servers.postgres, directory) as rig:
            await test(rig)

    asyncio.run(bounded())


def point(when: When, address: str = "me/db/commit(orders,*)") -> Trigger:
    return Trigger(when=when, address=Address.parse(address))


async def order(connection: psycopg.AsyncConnection[Any], key: str) -> None:
    async with connection.transaction():
        await connection.execute("INSERT INTO orders (order_id, n) VALUES (%s, 1)", (key,))


async def met(rig: Rig) -> Reached:
    found = await rig.taps.reached(10)
    assert found is not None
    return found


pytestmark = pytest.mark.stack


def test_before_the_commit_nothing_is_committed_until_the_gate_opens(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.BEFORE), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        reached = await met(rig)
        assert reached.address.text == "me/db/commit(orders:insert)/17#1"
        assert reached.outcome is Outcome.REQUESTED
        assert (reached.earlier, reached.doubtful, reached.unanswered) == (0, 0, ())
        assert reached.held_bytes > 0
        assert await rig.rows() == []
        await rig.taps.open()
        await placing
        assert await rig.rows() == ["17"]
        await mine.close()

    run(servers, tmp_path, test)


def test_after_the_commit_its_row_is_there_and_its_client_does_not_know(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.AFTER), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        reached = await met(rig)
        assert reached.outcome is Outcome.ACKNOWLEDGED
        assert await rig.rows() == ["17"]
        assert not placing.done()
        await rig.taps.open()
        await placing
        await mine.close()

    run(servers, tmp_path, test)


def test_all_links_of_the_node_stand_still_not_only_the_one(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine, other = await rig.me(), await rig.me()
        await rig.taps.arm(point(When.AFTER), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        asking = asyncio.create_task(other.execute("SELECT 1"))
        third = asyncio.create_task(rig.me())
        done, _ = await asyncio.wait({asking, third, placing}, timeout=0.3)
        assert not done
        await rig.taps.open()
        await placing
        await asking
        await (await third).close()
        await mine.close()
        await other.close()

    run(servers, tmp_path, test)


def test_a_pipelined_batch_is_cut_between_its_messages(servers: Servers, tmp_path: Path) -> None:
    """Two transactions in one piece: the first is done, the second never gets out."""

    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.AFTER, "me/db/commit(orders:insert)/17#1"), ["me"])
        pg = mine.pgconn
        pg.enter_pipeline_mode()
        for key in (b"17", b"18"):
            pg.send_query_params(b"INSERT INTO orders (order_id) VALUES ($1)", [key])
            pg.pipeline_sync()
        pg.flush()
        reached = await met(rig)
        assert reached.outcome is Outcome.ACKNOWLEDGED
        assert await rig.rows() == ["17"]
        await rig.taps.discard("me")
        await rig.taps.open()
        assert await rig.rows() == ["17"]
        await mine.close()

    run(servers, tmp_path, test)


def test_an_occurrence_is_counted_from_the_beginning_and_for_its_key(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await order(mine, "17")
        await rig.taps.arm(point(When.BEFORE, "me/db/commit(orders:insert)/17#2"), ["me"])
        await order(mine, "18")
        placing = asyncio.create_task(order(mine, "17"))
        reached = await met(rig)
        assert reached.address.text == "me/db/commit(orders:insert)/17#2"
        assert reached.earlier == 1
        await rig.taps.open()
        await placing
        await rig.taps.arm(point(When.BEFORE, "me/db/commit(orders:insert)/17#1"), ["me"])
        assert await rig.taps.reached(10) is None, "that one has been"
        await order(mine, "17")
        await mine.close()

    run(servers, tmp_path, test)


def test_a_discarded_node_takes_what_was_held_with_it(servers: Servers, tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.BEFORE), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        await rig.taps.discard("me")
        with pytest.raises(psycopg.OperationalError):
            await placing
        await rig.taps.open()
        assert await rig.rows() == []
        again = await rig.me()
        await order(again, "18")
        assert await rig.rows() == ["18"]
        await again.close()

    run(servers, tmp_path, test)


def test_a_reset_after_the_commit_leaves_it_done_and_its_client_in_doubt(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.AFTER), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        await rig.taps.reset()
        with pytest.raises(psycopg.OperationalError):
            await placing
        await rig.taps.open()
        assert await rig.rows() == ["17"]

    run(servers, tmp_path, test)


def test_a_swallowed_answer_never_comes(servers: Servers, tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.AFTER), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        await rig.taps.swallow()
        await rig.taps.open()
        done, _ = await asyncio.wait({placing}, timeout=0.3)
        assert not done
        assert await rig.rows() == ["17"]
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)

    run(servers, tmp_path, test)


def test_an_error_after_the_commit_is_all_that_its_client_learns(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.AFTER), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        await rig.taps.answer("40001")
        with pytest.raises(psycopg.errors.SerializationFailure):
            await placing
        await rig.taps.open()
        assert await rig.rows() == ["17"]
        await order(mine, "18")
        assert await rig.rows() == ["17", "18"]
        await mine.close()

    run(servers, tmp_path, test)


def test_an_error_before_the_commit_ends_the_transaction_too(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.BEFORE), ["me"])
        placing = asyncio.create_task(order(mine, "17"))
        await met(rig)
        with pytest.raises(DeclarationError, match="SQLSTATE"):
            await rig.taps.answer("no")
        await rig.taps.answer("57P01")
        with pytest.raises(psycopg.OperationalError, match="injected by aftershock"):
            await placing
        await rig.taps.open()
        assert await rig.rows() == []

    run(servers, tmp_path, test)


def test_a_point_that_does_not_come_is_disarmed(servers: Servers, tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await rig.taps.arm(point(When.BEFORE, "me/db/commit(other)"), ["me"])
        await order(mine, "17")
        assert await rig.taps.reached(0.1) is None
        await order(mine, "18")
        await mine.close()

    run(servers, tmp_path, test)


def test_a_dead_tap_is_noticed_by_whoever_waits_and_whoever_asks(
    servers: Servers, tmp_path: Path
) -> None:
    async def test(rig: Rig) -> None:
        await rig.taps.arm(point(When.BEFORE), ["me"])
        waiting = asyncio.create_task(rig.taps.reached(10))
        await asyncio.sleep(0)
        assert rig.taps.pid is not None
        os.kill(rig.taps.pid, signal.SIGKILL)
        with pytest.raises(EnvironmentFailed, match="tap process has died"):
            await waiting
        with pytest.raises(EnvironmentFailed, match="tap process has died"):
            await rig.taps.arm(point(When.BEFORE), ["me"])
        assert rig.taps.failure is not None
        await rig.taps.open()  # there is nothing to heal any more

    run(servers, tmp_path, test)


def test_everything_is_in_the_spool_in_one_order(servers: Servers, tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        mine = await rig.me()
        await order(mine, "17")
        await mine.close()
        never = ("db", "198.18.0.99", 1)
        assert await rig.taps.strangers([never]) == (never,)
        count = await rig.taps.end()
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in read_spool(rig.spool)]
        assert [row["seq"] for row in rows] == list(range(1, count + 1))
        assert sorted(row["time_ns"] for row in rows) == [row["time_ns"] for row in rows]
        kinds = [row["kind"] for row in rows]
        assert kinds.index("open") < kinds.index("commit") < kinds.index("commit-acknowledged")
        commit = rows[kinds.index("commit")]
        assert commit["addresses"] == ("me/db/commit(orders:insert)/17#1",)
        assert commit["size"] > 0
        assert commit["digest"] is not None

    run(servers, tmp_path, test)
