"""What a server has committed, read from a real one's write-ahead log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest

from harness.drivers.postgres import OWN_SLOTS, Postgres
from harness.drivers.wal import Committed, WalLedger, slot_name
from harness.errors import EnvironmentFailed
from harness.wire.replication_events import lsn_number

TABLES = """
CREATE TABLE orders (order_id text PRIMARY KEY, note character varying(200), tags numeric[],
    at timestamptz, mood "char", bits bit varying, doc jsonb, done boolean, ratio float8);
CREATE TABLE log (n int);
CREATE SCHEMA archive;
CREATE TABLE archive."Odd ""T" ("a b" text);
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)
"""


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    def frozen(self, node: str) -> AbstractContextManager[None]: ...


def with_ledger(
    address: str, body: Callable[[Postgres, WalLedger], Awaitable[None]], *more: str
) -> None:
    """Run `body` with one database `orders`, and `more`, and an open ledger."""

    async def run() -> None:
        host, port = address.split(":")
        server = Postgres(host, int(port), user="shop", password="shop", timeout_s=5)
        try:
            await clear(server)
            for name in ("orders", *more):
                await server.query(f'CREATE DATABASE "{name}"')
            await server.query(TABLES, database="orders")
            await server.query("INSERT INTO log VALUES (1)", database="orders")
            ledger = WalLedger("db", server)
            await ledger.open()
            await body(server, ledger)
        finally:
            await clear(server)
            await server.close()

    asyncio.run(run())


async def clear(server: Postgres) -> None:
    """No slot and no database of a test is left."""
    await server.drop_slots()
    for name in await server.databases():
        await server.query(f'DROP DATABASE "{name}" WITH (FORCE)')


def told(committed: Sequence[Committed]) -> list[list[tuple[str, str]]]:
    """Of each transaction its changes, as (table, operation)."""
    return [[(c.table, c.operation.value) for c in one.transaction.changes] for one in committed]


@pytest.mark.stack
def test_what_is_committed_after_the_opening_is_told(servers: Servers) -> None:
    """In order, once, however often it is read; what was rolled back, or read only, is not."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        assert ledger.why_not is None
        assert await ledger.read() == ()
        both = "INSERT INTO orders (order_id) VALUES ('17'); INSERT INTO log VALUES (2)"
        await server.query(both, database="orders")
        first = await ledger.read()
        assert told(first) == [[("orders", "insert"), ("log", "insert")]]
        await server.query("BEGIN; DELETE FROM orders; ROLLBACK", database="orders")
        await server.query("UPDATE orders SET note = 'x' WHERE order_id = '0'", database="orders")
        await server.query("UPDATE orders SET order_id = '18'", database="orders")
        await server.query("DELETE FROM orders", database="orders")
        await server.query("TRUNCATE log, orders", database="orders")
        after = await ledger.read()
        assert after[:1] == first
        assert told(after[1:]) == [
            [("orders", "update")],
            [("orders", "delete")],
            [("log", "truncate"), ("orders", "truncate")],
        ]
        update, delete = (one.transaction.changes[0] for one in after[1:3])
        assert (update.old_key, update.columns["order_id"]) == ({"order_id": "17"}, "18")
        assert delete.columns == {"order_id": "18"}
        assert await ledger.read() == after

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_values_are_as_the_server_prints_them(servers: Servers) -> None:
    """Of every type; a long value that an update left alone is not told."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        long = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n"
        await server.query(
            "ALTER TABLE orders ALTER note TYPE text, ALTER note SET STORAGE EXTERNAL",
            database="orders",
        )
        row = "'it''s', NULL, ARRAY[1, NULL, 2.50], '2026-01-01 00:00Z', 'm', B'01', '{\"a\": [1]}'"
        columns = "(order_id, note, tags, at, mood, bits, doc, done, ratio)"
        await server.query(
            f"INSERT INTO orders {columns} VALUES ({row}, true, 'NaN')", database="orders"
        )
        await server.query(f"UPDATE orders SET note = ({long})", database="orders")
        await server.query("UPDATE orders SET done = false", database="orders")
        inserted, _, updated = (one.transaction.changes[0] for one in await ledger.read())
        expected = {
            "order_id": "it's",
            "note": None,
            "tags": "{1,NULL,2.50}",
            "at": "2026-01-01 00:00:00+00",
            "mood": "m",
            "bits": "01",
            "doc": '{"a": [1]}',
            "done": "true",
            "ratio": "NaN",
        }
        assert inserted.columns == expected
        assert updated.columns == {
            **{name: value for name, value in expected.items() if name != "note"},
            "done": "false",
        }

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_tables_are_named_as_statements_name_them(servers: Servers) -> None:
    """Odd names, other schemas; of a partition the whole table."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        await server.query(
            """INSERT INTO archive."Odd ""T" VALUES ('x'); INSERT INTO parts VALUES (1)""",
            database="orders",
        )
        (one,) = await ledger.read()
        assert told([one]) == [[('archive.Odd "T', "insert"), ("parts", "insert")]]
        assert one.transaction.changes[0].columns == {"a b": "x"}

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_databases_of_one_server_are_one_order(servers: Servers) -> None:
    """That of the commits, whatever the databases are called."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        await server.query("CREATE TABLE t (n int)", database="Other Shop")
        for database, table in (("orders", "log"), ("Other Shop", "t"), ("orders", "log")):
            await server.query(f"INSERT INTO {table} VALUES (1)", database=database)
        found = await ledger.read()
        assert [one.database for one in found] == ["orders", "Other Shop", "orders"]
        assert [one.position for one in found] == sorted(one.position for one in found)
        flushed = lsn_number(await server.wal_flush_lsn())
        assert all(0 < one.position <= flushed and one.transaction.xid for one in found)

    with_ledger(servers.postgres, body, "Other Shop")


@pytest.mark.stack
def test_its_slots_are_no_part_of_the_system(servers: Servers) -> None:
    """They are not among the slots, go with a reset, and are made anew."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        assert await server.slots() == ()
        own = "SELECT slot_name FROM pg_replication_slots WHERE starts_with(slot_name, %s)"
        assert await server.query(own, (OWN_SLOTS,)) == [("aftershock_orders",)]
        await server.query("INSERT INTO log VALUES (2)", database="orders")
        again = WalLedger("db", server)
        await again.open()
        assert (again.why_not, await again.read()) == (None, ())
        await server.drop_slots()
        assert await server.query(own, (OWN_SLOTS,)) == []
        ledger.close()
        with pytest.raises(EnvironmentFailed, match="no longer read"):
            await ledger.read()

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_what_came_to_nothing_is_counted(servers: Servers) -> None:
    """By who had begun to change something; a commit of no change is none of them."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        assert await ledger.rolled_back() == 0
        await server.query("INSERT INTO log VALUES (2)", database="orders")
        await server.query("UPDATE log SET n = 3 WHERE n = 0", database="orders")
        await server.query("SELECT FROM log FOR UPDATE", database="orders")
        await server.query("BEGIN; SELECT FROM log; ROLLBACK", database="orders")
        assert (len(await ledger.read()), await ledger.rolled_back()) == (1, 0)
        await server.query("BEGIN; DELETE FROM log; ROLLBACK", database="orders")
        assert (len(await ledger.read()), await ledger.rolled_back()) == (1, 1)

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_a_commit_may_be_acknowledged_before_it_is_written(servers: Servers) -> None:
    """Awaiting the disk awaits it."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        for n in range(5):
            lazy = f"SET synchronous_commit = off; INSERT INTO log VALUES ({n})"
            await server.query(lazy, database="orders")
            assert await ledger.wait_written(2.0)
            assert len(await ledger.read()) == n + 1
        assert ledger.known() == await ledger.read()

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_what_a_frozen_server_did_not_answer_is_told_later(servers: Servers) -> None:
    """A read that is broken off loses nothing."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        await server.query("INSERT INTO log VALUES (2)", database="orders")
        loop = asyncio.get_running_loop()
        frozen = servers.frozen("db")
        await loop.run_in_executor(None, frozen.__enter__)
        try:
            with pytest.raises(EnvironmentFailed, match="no answer"):
                await ledger.read(timeout_s=0.2)
        finally:
            await loop.run_in_executor(None, frozen.__exit__, None, None, None)
        assert told(await ledger.read()) == [[("log", "insert")]]

    with_ledger(servers.postgres, body)


@pytest.mark.stack
def test_the_system_keeps_slots_for_itself(servers: Servers) -> None:
    """With too few free ones the ledger has none, and says so; so it does where nobody answers."""

    async def body(server: Postgres, ledger: WalLedger) -> None:
        await server.drop_slots()
        for n in range(6):
            create = "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')"
            await server.query(create, (f"theirs_{n}",), "orders")
        await ledger.open()
        assert ledger.why_not is not None
        assert "6 of 8 replication slots are taken" in ledger.why_not
        with pytest.raises(EnvironmentFailed, match="6 of 8 replication slots"):
            await ledger.read()

    with_ledger(servers.postgres, body)


class Answers(Postgres):
    """A server that answers each question with what was prepared for a word in it."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("127.0.0.1", 1, user="u", password="p")
        self.answers = answers

    async def query(self, text: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        """The first that fits."""
        for word, answer in self.answers.items():
            if word in text:
                if isinstance(answer, Exception):
                    raise answer
                found: list[tuple[Any, ...]] = answer
                return found
        return []


@pytest.mark.parametrize(
    "answers, why_not",
    [
        (
            {"wal_level": [("replica", 10, 0)]},
            "db: wal_level is replica, and only `logical` tells what was committed",
        ),
        (
            {
                "wal_level": [("logical", 10, 0)],
                "datname": [("orders",)],
                "pg_snapshot_xmax": [(700,)],
                "pg_create": EnvironmentFailed("postgres db:5432: no plugin"),
            },
            "db: its write-ahead log cannot be read: postgres db:5432: no plugin",
        ),
    ],
)
def test_a_server_that_cannot_tell_fails_nothing(answers: dict[str, Any], why_not: str) -> None:
    """Why stands in one sentence."""
    ledger = WalLedger("db", Answers(answers))
    asyncio.run(ledger.open())
    assert ledger.why_not == why_not


def test_what_is_no_line_of_the_plugin_is_told() -> None:
    """It is the rig's failure, not the system's."""
    answers = {
        "wal_level": [("logical", 10, 0)],
        "datname": [("orders",)],
        "pg_snapshot_xmax": [(700,)],
        "peek": [("0/1", 7, "garbage")],
    }

    async def run() -> None:
        ledger = WalLedger("db", Answers(answers))
        await ledger.open()
        with pytest.raises(EnvironmentFailed, match=r"slot aftershock_orders: .*'garbage'"):
            await ledger.read()

    asyncio.run(run())


def test_a_slot_is_named_after_its_database() -> None:
    """In the letters that slots may have, and no two alike."""
    assert slot_name("orders") == "aftershock_orders"
    odd = [slot_name(name) for name in ("Orders", "or-ders", "or_ders", "ö" * 63, "x" * 63)]
    assert len(set(odd)) == len(odd)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in odd)
    assert all(len(name) <= 63 for name in odd)
