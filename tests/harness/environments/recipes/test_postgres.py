"""PostgreSQL natively: templates made once, scripts run, what is wrong with them named."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harness.environments.recipes.base import NotReady, Site
from harness.environments.recipes.postgres import Postgres
from harness.errors import AftershockError, DeclarationError
from harness.model.system import Mount, Node, Role
from harness.testing import isolated
from harness.testing.nodes import nodes_of
from harness.toolchain import ensure

SCRIPTS = "/docker-entrypoint-initdb.d"
ENVIRONMENT = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "it's", "POSTGRES_DB": "orders"}


def database(name: str = "db", **more: Any) -> Node:
    """A server with a database `orders`."""
    return Node(name=name, role=Role.POSTGRES, **{"environment": ENVIRONMENT, **more})


def script(directory: Path, name: str, text: str) -> Mount:
    """A script of the official image's kind."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return Mount(source=path, target=f"{SCRIPTS}/{name}", read_only=True)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"environment": {}}, "service db: environment lacks POSTGRES_PASSWORD"),
        ({"entrypoint": ("x",)}, "service db: `entrypoint` is not supported for role postgres"),
        (
            {"mounts": (Mount(source=Path("/x"), target="/data", read_only=True),)},
            "service db: volume target /data is not supported for role postgres",
        ),
        (
            {"mounts": (Mount(source=Path("x.sh"), target=f"{SCRIPTS}/x.sh", read_only=True),)},
            "x.sh: only .sql scripts are run natively",
        ),
    ],
)
def test_what_cannot_be_done_natively_is_named(
    site: Callable[[Node], Site], fields: Mapping[str, Any], message: str
) -> None:
    """Before anything is started."""
    with pytest.raises(DeclarationError, match=message):
        asyncio.run(Postgres().prepare(site(database(**fields))))


def test_the_servers_own_settings_come_before_the_files(site: Callable[[Node], Site]) -> None:
    """What the compose file says wins; its program's name is left out."""
    place = site(database(command=("postgres", "-c", "wal_level=logical")))
    (place.directory / "data").mkdir()
    launch = asyncio.run(Postgres().prepare(place))

    assert launch.argv[-2:] == ("-c", "wal_level=logical")
    assert launch.argv.count("postgres") == 0
    assert "fsync=off" in launch.argv
    assert launch.nested_user


def test_a_server_that_does_not_answer_is_not_ready(site: Callable[[Node], Site]) -> None:
    """In one line."""
    with pytest.raises(NotReady, match="refused") as not_ready:
        asyncio.run(Postgres().ready(site(database())))
    assert "\n" not in str(not_ready.value)


async def make_once(directory: str) -> dict[str, Any]:
    """Three servers, two with the same content; the password holds a quote."""
    path = Path(directory)
    scripts = path / "scripts"
    scripts.mkdir()
    (scripts / "2.sql").write_text("INSERT INTO t VALUES ('second')", encoding="utf-8")
    (scripts / "1.sql").write_text("CREATE TABLE t (x text);", encoding="utf-8")
    mounts = (Mount(source=scripts, target=SCRIPTS, read_only=True),)
    nodes = [database("a", mounts=mounts), database("b", mounts=mounts), database("bare")]
    environment = nodes_of(directory, *nodes)
    environment._toolchain = replace(ensure(offline=True), cache=path / "cache")
    async with environment:
        await environment.start(["a", "bare"])
        made = sorted(path.joinpath("cache", "templates").iterdir())
        times = [template.stat().st_ctime_ns for template in made]
        await environment.start(["b"])
        again = [template.stat().st_ctime_ns for template in made]
        log = path.joinpath("logs", "b.log").read_text(encoding="utf-8")
        return {
            "templates": len(made),
            "made again": times != again,
            "b ran initdb": "initdb" in log or "files belonging to this database" in log,
            "rows": [await _rows(environment.address(name)) for name in ("a", "b")],
            "wrong password": await _rows(environment.address("bare"), password="its"),
        }


async def _rows(address: str, password: str = ENVIRONMENT["POSTGRES_PASSWORD"]) -> Any:
    try:
        connection = await psycopg.AsyncConnection.connect(
            host=address, user="shop", password=password, dbname="orders"
        )
        async with connection:
            return await (await connection.execute("SELECT x FROM t")).fetchall()
    except psycopg.OperationalError as error:
        return "authentication failed" in str(error)


@pytest.mark.stack
def test_a_template_is_made_once_for_each_content(tmp_path: Path) -> None:
    """Scripts run in the order of their names; the password is asked for."""
    assert isolated(make_once, str(tmp_path), timeout_s=90) == {
        "templates": 2,
        "made again": False,
        "b ran initdb": False,
        "rows": [[["second"]], [["second"]]],
        "wrong password": True,
    }


async def wrong_script(directory: str) -> list[str]:
    """What comes of a script with a mistake, twice: nothing of the first try is kept."""
    path = Path(directory)
    mount = script(path, "order.sql", "CREATE TABLE t (x text);\nCREATE TABEL u (y text)")
    told = []
    for _ in range(2):
        environment = nodes_of(directory, database(mounts=(mount,)))
        environment._toolchain = replace(ensure(offline=True), cache=path / "cache")
        try:
            async with environment:
                await environment.start(["db"])
        except AftershockError as error:
            told.append(f"{type(error).__name__}: {error}")
    return [*told, *(template.name for template in path.joinpath("cache", "templates").iterdir())]


@pytest.mark.stack
def test_a_script_with_a_mistake_is_named(tmp_path: Path) -> None:
    """The user's file with the server's word; it makes no template."""
    told = f'DeclarationError: {tmp_path}/order.sql: syntax error at or near "TABEL"'
    assert isolated(wrong_script, str(tmp_path), timeout_s=90) == [told, told]
