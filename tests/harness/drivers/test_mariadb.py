"""The MariaDB client on a real server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.drivers.mariadb import MariaDB
from harness.engine.collect import collect
from harness.engine.quiesce import wait_quiet
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.store_query import StoreQuery
from harness.model.system import Node, Role
from harness.testing import isolated
from harness.testing.nodes import nodes_of

NODE = Node(
    name="db",
    role=Role.MARIADB,
    environment={"MARIADB_ROOT_PASSWORD": "r", "MARIADB_DATABASE": "a"},
)
TABLE = """CREATE TABLE `odd ``name` (id int unsigned PRIMARY KEY, price decimal(10,2), tag uuid,
    doc json, raw varbinary(4), at timestamp(6), day date)"""
ROW = """INSERT INTO `odd ``name` VALUES (1, 1.5, '9604DFDC-1454-4bf7-a5a9-0f3d527aefe3',
    '{"ä": 1}', x'0102', '2026-11-28 12:00:00.5', NULL)"""


async def _readings(server: MariaDB) -> dict[str, Any]:
    """Rows with their types, and how writing shows."""
    await server.query(TABLE, database="a")
    await server.query("CREATE DATABASE b")
    await server.query("CREATE VIEW v AS SELECT 1", database="b")
    await server.query("CREATE TABLE empty (id int)", database="b")
    await server.query("SET time_zone = '+05:00'", database="a")
    seen: dict[str, Any] = {"databases": await server.databases()}
    before = await server.contents(), await server.activity()
    await server.query("SET time_zone = '+00:00'", database="a")
    await server.query(ROW, database="a")
    after = await server.contents(), await server.activity()
    seen["mark moves"] = before[1].mark != after[1].mark
    seen["rows"] = [(s.database, s.table, s.rows) for s in after[0]]
    await server.query("UPDATE `odd ``name` SET price = 2", database="a")
    seen["update shows"] = after[0] != await server.contents()
    tables = {name: await server.read_tables(name) for name in ("a", "b")}
    seen["tables"] = {
        f"{db}.{table}": rows.to_pylist() for db in tables for table, rows in tables[db].items()
    }
    seen["types"] = [str(field.type) for field in tables["a"]["odd `name"].schema]
    return seen


async def readings(directory: str) -> dict[str, Any]:
    """On a server of its own."""
    environment = nodes_of(directory, NODE)
    async with environment:
        await environment.start(["db"])
        server = MariaDB(environment.address("db"), user="root", password="r", timeout_s=5)
        try:
            seen = await _readings(server)
            seen["frozen"] = await _frozen(environment, server)
            seen["rest"] = await _coming_to_rest(environment.address("db"))
        finally:
            await server.close()
    seen["tables"]["a.odd `name"] = str(seen["tables"]["a.odd `name"])
    seen["databases"] = list(seen["databases"])
    seen["rows"] = [list(row) for row in seen["rows"]]
    return seen


async def _frozen(environment: Any, server: MariaDB) -> list[str]:
    """What is said of a server that stands still, of a mistake, and once it goes on."""
    told = []
    await environment.freeze("db")
    try:
        await server.query("SELECT 1", timeout_s=0.2)
    except EnvironmentFailed as late:
        told.append(str(late).partition(": ")[2])
    await environment.thaw("db")
    try:
        await server.query("SELECT 1 FROM nothing", database="a")
    except EnvironmentFailed as wrong:
        told.append(str(wrong).partition(": ")[2])
    return [*told, str(await server.ping())]


async def _coming_to_rest(address: str) -> dict[str, Any]:
    """An open writer, a count of the suite's, and the snapshot's names."""
    server = MariaDB(address, user="root", password="r")
    other = MariaDB(address, user="root", password="r")
    left = StoreQuery(name="left", node="db", database="b", sql="SELECT count(*) FROM empty")
    world = World(others={"db": server}, quiet_queries=(left,), stored_as={"db": "till-db"})
    try:
        await other.query("BEGIN", database="b")
        await other.query("INSERT INTO empty VALUES (1)", database="b")
        held = await wait_quiet(world, deadline_s=0.8)
        await other.query("COMMIT", database="b")
        counted = await wait_quiet(world, deadline_s=0.8)
        await other.query("DELETE FROM empty", database="b")
        quiet = await wait_quiet(world, deadline_s=10)
        names: list[str] = []
        await collect(world, lambda name, _table: names.append(name))
    finally:
        await other.close()
        await world.close()
    return {
        "held": {c.name: c.detail for c in held if not c.met},
        "counted": {c.name: c.detail for c in counted if not c.met},
        "quiet": all(c.met for c in quiet),
        "tables": [name for name in names if name.startswith("db.")],
    }


@pytest.mark.stack
def test_rows_writers_and_content_are_told(tmp_path: Path) -> None:
    """Odd names, several databases, no views; no wrong word where the server stands still."""
    seen = isolated(readings, str(tmp_path), timeout_s=90)
    assert seen["databases"] == ["a", "b"]
    assert seen["mark moves"]
    assert seen["update shows"]
    assert seen["rows"] == [["a", "odd `name", 1], ["b", "empty", 0]]
    assert seen["tables"]["b.empty"] == []
    row = seen["tables"]["a.odd `name"]
    assert "'tag': '9604dfdc-1454-4bf7-a5a9-0f3d527aefe3'" in row
    assert "Decimal('2.00')" in row and "'day': None" in row and "'raw': b'\\x01\\x02'" in row
    assert seen["types"] == [
        "uint32", "decimal128(10, 2)", "string", "string", "binary",
        "timestamp[us, tz=UTC]", "date32[day]",
    ]  # fmt: skip
    assert seen["frozen"] == [
        "no answer in 0.2 s: SELECT 1", "Table 'a.nothing' doesn't exist", "True",
    ]  # fmt: skip
    assert seen["rest"] == {
        "held": {"mariadb db": "1 rows; 1 open writers"},
        "counted": {"left": "1 left"},
        "quiet": True,
        "tables": ["db.till-db.odd__name", "db.till-db.empty"],
    }


def test_a_server_that_is_gone_is_named() -> None:
    """With its address."""

    async def run() -> str:
        server = MariaDB("127.0.0.1", 1, user="u", password="p")
        try:
            await server.query("SELECT 1")
        except EnvironmentFailed as failed:
            return str(failed)
        finally:
            await server.close()
        return ""

    assert asyncio.run(run()).startswith("mariadb 127.0.0.1:1: ")
