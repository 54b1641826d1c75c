"""MariaDB: the official image's contract (MARIADB_* variables, /docker-entrypoint-initdb.d), natively.

The server runs under a nested user namespace, since as uid 0 it would want to become another
user. How it is set up is in `mariadb_setup`.
"""

import asyncio
from pathlib import Path
from typing import Any

import aiomysql
import pymysql
from pymysql.constants import CLIENT

from harness.environments.process import Launch, Process
from harness.environments.recipes import initdb, mariadb_setup
from harness.environments.recipes.base import NotReady, Site, base_path
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.system import ROLE_PORTS, Node, Role

_PORT = ROLE_PORTS[Role.MARIADB]
_READY_TIMEOUT_S = 3
_FILL_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02
_NO_LIBRARY = 127
"""What the dynamic linker ends a program with."""
_LIBRARIES = "libcrypt.so.1, libsystemd.so.0 and libstdc++.so.6"

# A socket's path may have 107 bytes and run directories are longer; TCP serves as well.
_SETTINGS = ("socket=", *mariadb_setup.SETTINGS)


class MariaDB:
    """The recipe of role `mariadb`."""

    async def prepare(self, site: Site) -> Launch:
        arguments = initdb.arguments(site.node, "mariadbd")
        home = site.toolchain.mariadb_home
        if not home.is_dir():
            raise EnvironmentFailed(
                f"service {site.node.name}: MariaDB is not in the cache {site.toolchain.cache}: "
                "run `aftershock fetch` once with a network"
            )
        parts = (str(home), *_SETTINGS, *_accounts(site.node))
        data = await initdb.lay_data(site, parts, _make)
        return _server(site, data, arguments)

    async def ready(self, site: Site) -> None:
        await answers(site.node, site.address)


async def answers(node: Node, address: str) -> None:
    """One question to the server at this address. Raises NotReady."""
    try:
        connection = await _connect(address, **_reader(node))
        try:
            await _run(connection, "SELECT 1")
        finally:
            connection.close()
    except (pymysql.Error, OSError, TimeoutError) as error:
        told = str(error).strip() or type(error).__name__
        raise NotReady(told.splitlines()[0]) from error


def root_password(node: Node) -> str:
    """By which the harness reads, as root. Raises DeclarationError where there is none."""
    said = _variable(node, "ROOT_PASSWORD")
    if said is None:
        raise DeclarationError(
            f"service {node.name}: environment lacks MARIADB_ROOT_PASSWORD, by which its tables "
            "are read"
        )
    return said


def database(node: Node) -> str | None:
    """The database that the image makes."""
    return _variable(node, "DATABASE")


def user(node: Node) -> tuple[str, str] | None:
    """The account that the image makes, and its password. Raises DeclarationError."""
    name, password = _variable(node, "USER"), _variable(node, "PASSWORD")
    if name is None and password is None:
        return None
    if name is None or password is None:
        raise DeclarationError(
            f"service {node.name}: environment has one of MARIADB_USER and MARIADB_PASSWORD; "
            "the mariadb image asks for both"
        )
    return name, password


def _variable(node: Node, name: str) -> str | None:
    return mariadb_setup.variable(node.environment, name)


def _reader(node: Node) -> dict[str, str]:
    return {"user": "root", "password": root_password(node)}


def _accounts(node: Node) -> tuple[str, ...]:
    return mariadb_setup.accounts(
        root_password=root_password(node), database=database(node), user=user(node)
    )


def _argv(site: Site, data: Path, *settings: str) -> tuple[str, ...]:
    home = site.toolchain.mariadb_home
    places = (*mariadb_setup.places(home, data, site.directory / "tmp"), f"port={_PORT}")
    options = (f"--{setting}" for setting in (*places, *_SETTINGS, *settings))
    return (str(home / "bin" / "mariadbd"), "--no-defaults", *options)


def _server(site: Site, data: Path, arguments: tuple[str, ...]) -> Launch:
    return site.launch(
        *_argv(site, data), *arguments, env={"PATH": base_path(), "TZ": "UTC"}, nested_user=True
    )


async def _make(site: Site, data: Path) -> None:
    await asyncio.to_thread(data.mkdir)
    await _bootstrap(site, data)
    if initdb.scripts(site.node):
        await _fill(site, data)


async def _bootstrap(site: Site, data: Path) -> None:
    """System tables and accounts, as mariadb-install-db and the image make them."""
    script = site.directory / "bootstrap.sql"
    text = mariadb_setup.bootstrap(site.toolchain.mariadb_home, _accounts(site.node))
    script.write_text(text, encoding="utf-8")
    launch = site.launch(
        "/bin/sh", "-c", 'script=$1; shift; exec "$@" <"$script"', "sh", str(script),
        *_argv(site, data, *mariadb_setup.FOR_SYSTEM_TABLES),
        env={"PATH": base_path(), "TZ": "UTC"}, nested_user=True,
    )  # fmt: skip
    process = await Process.start(launch, hostname=site.node.name, netns_fd=None)
    code = await process.wait()
    script.unlink()
    if code == _NO_LIBRARY:
        raise EnvironmentFailed(
            f"{site.node.name}: mariadbd lacks a library; it needs {_LIBRARIES} of the system; "
            f"see {site.log}"
        )
    if code != 0:
        raise EnvironmentFailed(f"{site.node.name}: mariadbd ended with {code}; see {site.log}")


async def _fill(site: Site, data: Path) -> None:
    """Start the server in the node's network, run the scripts, stop it cleanly."""
    process = await Process.start(
        _server(site, data, ()), hostname=site.node.name, netns_fd=site.netns_fd
    )
    try:
        connection = await _awaited(site, process)
        try:
            for path in initdb.scripts(site.node):
                await _apply(connection, path)
        finally:
            connection.close()
    finally:
        code = await process.end(grace_s=_STOP_TIMEOUT_S)
    if code != 0:
        raise EnvironmentFailed(f"{site.node.name}: mariadbd ended with {code}; see {site.log}")


async def _apply(connection: Any, path: Path) -> None:
    try:
        await _run(connection, await asyncio.to_thread(path.read_text, encoding="utf-8"))
    except pymysql.Error as error:
        raise DeclarationError(f"{path}: {error.args[-1]}") from error


async def _run(connection: Any, text: str) -> None:
    """Every statement of the text; what each answers is passed over."""
    async with connection.cursor() as cursor:
        await cursor.execute(text)
        while await cursor.nextset():
            pass


async def _awaited(site: Site, process: Process) -> Any:
    """Connect as soon as the server answers; a server that ends instead is an error."""
    deadline = asyncio.get_running_loop().time() + _FILL_TIMEOUT_S
    while True:
        try:
            return await _connect(site.address, db=database(site.node), **_reader(site.node))
        except (pymysql.Error, OSError, TimeoutError) as error:
            late = asyncio.get_running_loop().time() > deadline
            if process.exit_code is not None or late:
                raise EnvironmentFailed(
                    f"{site.node.name}: mariadbd did not answer: {error}; see {site.log}"
                ) from error
            await asyncio.sleep(_POLL_S)


async def _connect(address: str, **who: Any) -> Any:
    return await asyncio.wait_for(
        aiomysql.connect(
            host=address, port=_PORT, autocommit=True, charset="utf8mb4",
            client_flag=CLIENT.MULTI_STATEMENTS, **who,
        ),
        _READY_TIMEOUT_S,
    )  # fmt: skip
