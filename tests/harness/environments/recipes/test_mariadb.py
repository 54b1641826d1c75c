"""MariaDB natively: accounts and scripts as the image makes them, and what is wrong named."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomysql
import pymysql
import pytest

from harness.environments.recipes.base import NotReady, Site
from harness.environments.recipes.mariadb import MariaDB, database, root_password, user
from harness.errors import AftershockError, DeclarationError, EnvironmentFailed
from harness.model.system import Mount, Node, Role
from harness.testing import isolated
from harness.testing.nodes import nodes_of
from harness.toolchain import Component, ensure

SCRIPT = "/docker-entrypoint-initdb.d/till.sql"
ENVIRONMENT = {
    "MARIADB_ROOT_PASSWORD": "it's",
    "MARIADB_USER": "shop",
    "MARIADB_PASSWORD": "a\\b",
    "MARIADB_DATABASE": "till_1",
}


def server(name: str = "db", **more: Any) -> Node:
    """A server with a database `till_1`."""
    return Node(name=name, role=Role.MARIADB, **{"environment": ENVIRONMENT, **more})


@pytest.mark.parametrize(
    "environment, message",
    [
        ({}, "service db: environment lacks MARIADB_ROOT_PASSWORD"),
        (
            {"MARIADB_ROOT_PASSWORD": "r", "MARIADB_USER": "shop"},
            "service db: environment has one of MARIADB_USER and MARIADB_PASSWORD",
        ),
    ],
)
def test_what_the_image_asks_for_is_asked_for(
    site: Callable[[Node], Site], environment: Mapping[str, str], message: str
) -> None:
    """Before anything is started."""
    place = site(server(environment=environment))
    place.toolchain.mariadb_home.mkdir(parents=True)
    with pytest.raises(DeclarationError, match=message):
        asyncio.run(MariaDB().prepare(place))


def test_the_names_of_mysql_are_taken_too() -> None:
    """As the image takes them."""
    said = {"MYSQL_ROOT_PASSWORD": "r", "MYSQL_DATABASE": "till"}
    node = server(environment={**said, "MYSQL_USER": "u", "MYSQL_PASSWORD": "p"})
    assert (root_password(node), database(node), user(node)) == ("r", "till", ("u", "p"))
    assert user(server(environment=said)) is None


def test_a_server_that_was_not_fetched_is_named(site: Callable[[Node], Site]) -> None:
    """With the command that helps."""
    with pytest.raises(EnvironmentFailed, match=r"service db: MariaDB is not in .*fetch"):
        asyncio.run(MariaDB().prepare(site(server())))


def test_the_servers_own_settings_come_before_the_files(site: Callable[[Node], Site]) -> None:
    """What the compose file says wins; its program's name is left out."""
    place = site(server(command=("mariadbd", "--innodb-buffer-pool-size=64M")))
    place.toolchain.mariadb_home.mkdir(parents=True)
    (place.directory / "data").mkdir()
    launch = asyncio.run(MariaDB().prepare(place))

    assert launch.argv[1] == "--no-defaults"
    assert launch.argv[-1] == "--innodb-buffer-pool-size=64M"
    assert launch.argv.count("mariadbd") == 0
    assert launch.nested_user


def test_a_server_that_does_not_answer_is_not_ready(site: Callable[[Node], Site]) -> None:
    """In one line."""
    with pytest.raises(NotReady, match=r"127\.0\.0\.1") as not_ready:
        asyncio.run(MariaDB().ready(site(server())))
    assert "\n" not in str(not_ready.value)


async def life(directory: str) -> dict[str, Any]:
    """A server with one script is started, killed, started again, and started anew."""
    path = Path(directory)
    script = path / "till.sql"
    script.write_text("-- it's; so\nCREATE TABLE t (x varchar(9));\nINSERT INTO t VALUES ('ö;');")
    mount = Mount(source=script, target=SCRIPT, read_only=True)
    environment = nodes_of(directory, server(mounts=(mount,), restart="always"))
    environment._toolchain = replace(
        ensure(offline=True, components=[Component.MARIADB]), cache=path / "cache"
    )
    async with environment:
        address = environment.address("db")
        await environment.start(["db"])
        seen: dict[str, Any] = {"made": await _rows(address, "SELECT x FROM t")}
        await _rows(address, "INSERT INTO t VALUES ('late')")
        await environment.kill("db")
        await environment.release("db")
        await environment.wait_ready("db", 30)
        seen["after a kill"] = await _rows(address, "SELECT x FROM t")
        seen["wrong password"] = await _rows(address, "SELECT 1", password="ab")
        seen["other databases"] = await _rows(address, "CREATE TABLE mysql.t (x int)")
        seen["without a password"] = await _rows(address, "SELECT 1", user="root", password="")
        await environment.start_anew(["db"])
        seen["anew"] = await _rows(address, "SELECT x FROM t")
    seen["templates"] = len(list(path.joinpath("cache", "templates").iterdir()))
    return seen


async def _rows(
    address: str, text: str, user: str = "shop", password: str = ENVIRONMENT["MARIADB_PASSWORD"]
) -> Any:
    try:
        connection = await aiomysql.connect(
            host=address, user=user, password=password, db="till_1", autocommit=True
        )
        async with connection.cursor() as cursor:
            await cursor.execute(text)
            rows = await cursor.fetchall()
        connection.close()
        return [row[0] for row in rows]
    except pymysql.Error as error:
        return error.args[0]


@pytest.mark.stack
def test_it_does_what_the_image_does_and_keeps_what_it_committed(tmp_path: Path) -> None:
    """Names and passwords with characters that mean something; 1045 and 1142 are refusals."""
    assert isolated(life, str(tmp_path), timeout_s=90) == {
        "made": ["ö;"],
        "after a kill": ["ö;", "late"],
        "wrong password": 1045,
        "other databases": 1142,
        "without a password": 1045,
        "anew": ["ö;"],
        "templates": 1,
    }


async def wrong_script(directory: str) -> list[str]:
    """What comes of a script with a mistake: no template is kept."""
    path = Path(directory)
    script = path / "till.sql"
    script.write_text("CREATE TABLE t (x int);\nCREATE TABEL u (y int);")
    mount = Mount(source=script, target=SCRIPT, read_only=True)
    environment = nodes_of(directory, server(mounts=(mount,)))
    environment._toolchain = replace(
        ensure(offline=True, components=[Component.MARIADB]), cache=path / "cache"
    )
    told = []
    try:
        async with environment:
            await environment.start(["db"])
    except AftershockError as error:
        told.append(f"{type(error).__name__}: {error}")
    return [*told, *(template.name for template in path.joinpath("cache", "templates").iterdir())]


@pytest.mark.stack
def test_a_script_with_a_mistake_is_named(tmp_path: Path) -> None:
    """The user's file with the server's word."""
    (told,) = isolated(wrong_script, str(tmp_path), timeout_s=90)
    assert told.startswith(f"DeclarationError: {tmp_path}/till.sql: You have an error in your SQL")
    assert "TABEL" in told
