"""The PostgreSQL client on a real server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Protocol

import pytest

from harness.drivers.postgres import Postgres
from harness.errors import EnvironmentFailed


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    def frozen(self, node: str) -> AbstractContextManager[None]: ...


def with_orders(address: str, body: Callable[[Postgres], Awaitable[None]]) -> None:
    """Run `body` with one database, a fresh `orders` that has one table with one row."""

    async def run() -> None:
        host, port = address.split(":")
        server = Postgres(host, int(port), user="shop", password="shop", timeout_s=5)
        try:
            await server.drop_slots()
            for (name,) in await server.query(DATABASES):
                await server.query(f'DROP DATABASE "{name}" WITH (FORCE)')
            await server.query("CREATE DATABASE orders")
            await server.query(TABLE, database="orders")
            await body(server)
        finally:
            await server.close()

    asyncio.run(run())


DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
TABLE = """
CREATE TABLE "odd ""name" (id text PRIMARY KEY, n int, price numeric(10,2),
    tag uuid DEFAULT '9604dfdc-1454-4bf7-a5a9-0f3d527aefe3', doc jsonb DEFAULT '{"a": 1}',
    raw bytea DEFAULT '\\x0102', at timestamptz DEFAULT 'infinity');
INSERT INTO "odd ""name" (id, n, price) VALUES ('1', 7, 1.5);
CREATE SCHEMA archive;
CREATE TABLE archive.old (id int)
"""


@pytest.mark.stack
def test_every_row_is_read_with_its_type(servers: Servers) -> None:
    """Odd names, other schemas and empty tables included."""

    async def body(server: Postgres) -> None:
        tables = await server.read_tables("orders")
        assert sorted(tables) == ["archive.old", 'odd "name']
        assert tables["archive.old"].num_rows == 0
        assert tables['odd "name'].to_pylist() == [
            {
                "id": "1",
                "n": 7,
                "price": Decimal("1.50"),
                "tag": "9604dfdc-1454-4bf7-a5a9-0f3d527aefe3",
                "doc": '{"a": 1}',
                "raw": b"\x01\x02",
                "at": None,
            }
        ]

    with_orders(servers.postgres, body)


@pytest.mark.stack
def test_a_reset_puts_back_rows_and_drops_slots_and_new_databases(servers: Servers) -> None:
    """Everything is as it was when the templates were made, a slot in use notwithstanding."""

    async def body(server: Postgres) -> None:
        assert await server.make_templates() == ("orders",)
        assert await server.databases() == ("orders",)
        await server.query('DELETE FROM "odd ""name"; CREATE TABLE extra ()', database="orders")
        await server.query("CREATE DATABASE unexpected")
        await server.query(
            "SELECT pg_create_logical_replication_slot('s', 'pgoutput')", database="orders"
        )
        assert [slot.slot for slot in await server.slots()] == ["s"]
        assert await server.reset_from_templates() == ("orders",)
        assert await server.databases() == ("orders",)
        assert await server.slots() == ()
        assert await server.user_tables("orders") == ("archive.old", 'odd "name')
        assert (await server.read_table("orders", 'odd "name')).num_rows == 1

    with_orders(servers.postgres, body)


@pytest.mark.stack
def test_an_error_says_what_the_server_said(servers: Servers) -> None:
    """And the connection goes on."""

    async def body(server: Postgres) -> None:
        with pytest.raises(EnvironmentFailed, match='column "nope" does not exist'):
            await server.query("SELECT nope")
        assert await server.ping()

    with_orders(servers.postgres, body)


@pytest.mark.stack
def test_a_slow_query_ends_at_the_deadline(servers: Servers) -> None:
    """The server is told to cancel it, and is asked again afterwards."""

    async def body(server: Postgres) -> None:
        with pytest.raises(EnvironmentFailed, match=r"no answer in 0\.2 s"):
            await server.query("SELECT pg_sleep(30)", timeout_s=0.2)
        assert await server.ping()

    with_orders(servers.postgres, body)


@pytest.mark.stack
def test_a_frozen_server_ends_at_the_deadline(servers: Servers) -> None:
    """Nobody answers the cancellation either; a new connection serves the next call."""

    async def body(server: Postgres) -> None:
        assert await server.ping()
        with servers.frozen("db"):
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(EnvironmentFailed, match="no answer"):
                await server.query("SELECT 1", timeout_s=0.3)
            assert loop.time() - began < 2
        assert await server.ping()

    with_orders(servers.postgres, body)


@pytest.mark.stack
def test_a_connection_that_broke_is_made_again(servers: Servers) -> None:
    """As after the server was killed and came back."""

    async def body(server: Postgres) -> None:
        with pytest.raises(EnvironmentFailed):
            await server.query("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await server.query("SELECT 2") == [(2,)]

    with_orders(servers.postgres, body)


def test_a_server_that_is_not_there_does_not_answer() -> None:
    """A refused connection is an answer: not ready."""

    async def run() -> bool:
        return await Postgres("127.0.0.1", 1, user="u", password="p").ping()

    assert not asyncio.run(run())
