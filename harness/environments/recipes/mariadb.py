"""MariaDB: the official image's contract (MARIADB_* variables, /docker-entrypoint-initdb.d), natively.

The server runs under a nested user namespace, since as uid 0 it would want to become another
user. What a commit has written is given to the kernel at once and never forced to disk: faults
end processes, never the machine. TLS is off: making a key takes seconds at each start.
"""

import asyncio
from pathlib import Path
from typing import Any

import aiomysql
import pymysql
from pymysql.constants import CLIENT
from pymysql.converters import escape_string

from harness.environments.process import Launch, Process
from harness.environments.recipes import initdb
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

_OWN_SETTINGS = (
    "bind-address=*",
    # A socket's path may have 107 bytes and run directories are longer; TCP serves as well.
    "socket=",
    "skip-name-resolve",
    "skip-ssl",
    "pid-file=mariadbd.pid",
    # As the official image's own configuration has it.
    "character-set-server=utf8mb4",
    "collation-server=utf8mb4_uca1400_ai_ci",
    "innodb-flush-log-at-trx-commit=2",
    "innodb-flush-method=nosync",
    "innodb-buffer-pool-size=32M",
    "innodb-log-file-size=16M",
    "innodb-data-file-path=ibdata1:4M:autoextend",
    "innodb-temp-data-file-path=ibtmp1:4M:autoextend",
    "aria-pagecache-buffer-size=8M",
    "key-buffer-size=1M",
    "log-warnings=1",
)
_FOR_SYSTEM_TABLES = ("enforce-storage-engine=", "max-allowed-packet=8M", "net-buffer-length=16K")
_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)


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
        parts = (str(home), *_OWN_SETTINGS, *_accounts(site.node))
        data = await initdb.lay_data(site, parts, _make)
        return _server(site, data, arguments)

    async def ready(self, site: Site) -> None:
        try:
            connection = await _connect(site, **_reader(site.node))
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
    """The image takes the names of MySQL's image, too."""
    for prefix in ("MARIADB_", "MYSQL_"):
        if said := node.environment.get(prefix + name):
            return said
    return None


def _reader(node: Node) -> dict[str, str]:
    return {"user": "root", "password": root_password(node)}


def _accounts(node: Node) -> tuple[str, ...]:
    """SQL that makes the accounts and the database, one statement a line: the bootstrapping
    server takes a statement for ended where a line ends with it."""
    root = _text(root_password(node))
    made = [
        # Of root at this machine's names, without a password.
        "DELETE FROM global_priv WHERE User = 'root' AND Host <> 'localhost';",
        "DELETE FROM proxies_priv;",
        "FLUSH PRIVILEGES;",
        f"CREATE USER 'root'@'%' IDENTIFIED BY {root};",
        "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY {root};",
    ]
    name = database(node)
    if name is not None:
        made.append(f"CREATE DATABASE {_identifier(name)};")
    if (account := user(node)) is not None:
        who = f"{_text(account[0])}@'%'"
        made.append(f"CREATE USER {who} IDENTIFIED BY {_text(account[1])};")
        if name is not None:
            # In a grant `_` and `%` stand for other characters.
            pattern = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
            made.append(f"GRANT ALL ON {_identifier(pattern)}.* TO {who};")
    return tuple(made)


def _text(value: str) -> str:
    return f"'{escape_string(value)}'"


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _argv(site: Site, data: Path, *settings: str) -> tuple[str, ...]:
    home = site.toolchain.mariadb_home
    places = (
        f"basedir={home}",
        f"lc-messages-dir={home / 'share'}",
        f"character-sets-dir={home / 'share' / 'charsets'}",
        f"datadir={data}",
        f"tmpdir={site.directory / 'tmp'}",
        f"port={_PORT}",
    )
    options = (f"--{setting}" for setting in (*places, *_OWN_SETTINGS, *settings))
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
    share = site.toolchain.mariadb_home / "share"
    system = (share.joinpath(name).read_text(encoding="utf-8") for name in _SYSTEM_TABLES)
    head = ("CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;")
    text = "\n".join((*head, *system, *_accounts(site.node)))
    script.write_text(text + "\n", encoding="utf-8")
    launch = site.launch(
        "/bin/sh", "-c", 'script=$1; shift; exec "$@" <"$script"', "sh", str(script),
        *_argv(site, data, "bootstrap", *_FOR_SYSTEM_TABLES),
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
            return await _connect(site, db=database(site.node), **_reader(site.node))
        except (pymysql.Error, OSError, TimeoutError) as error:
            late = asyncio.get_running_loop().time() > deadline
            if process.exit_code is not None or late:
                raise EnvironmentFailed(
                    f"{site.node.name}: mariadbd did not answer: {error}; see {site.log}"
                ) from error
            await asyncio.sleep(_POLL_S)


async def _connect(site: Site, **who: Any) -> Any:
    return await asyncio.wait_for(
        aiomysql.connect(
            host=site.address, port=_PORT, autocommit=True, charset="utf8mb4",
            client_flag=CLIENT.MULTI_STATEMENTS, **who,
        ),
        _READY_TIMEOUT_S,
    )  # fmt: skip
