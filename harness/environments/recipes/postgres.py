"""PostgreSQL: the official image's contract (variables, /docker-entrypoint-initdb.d), natively.

The server runs under a nested user namespace because it refuses uid 0. `fsync` is off: faults end
processes, never the machine, and what the kernel has been given survives a SIGKILL.
"""

import asyncio
import signal
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from harness.environments.process import Launch, Process
from harness.environments.recipes import initdb
from harness.environments.recipes.base import NotReady, Site, base_path
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.system import ROLE_PORTS, Node, Role

_PORT = ROLE_PORTS[Role.POSTGRES]
_READY_TIMEOUT_S = 3
_OWN_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=*",
    # A socket's path may have 107 bytes and run directories are longer; TCP serves as well.
    "unix_socket_directories=",
)
_HBA = "host all all all scram-sha-256\nhost replication all all scram-sha-256\n"
_FILLING_HBA = "host all all all trust\n"
_FILL_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02


class Postgres:
    """The recipe of role `postgres`."""

    async def prepare(self, site: Site) -> Launch:
        arguments = initdb.arguments(site.node, "postgres")
        parts = (str(site.toolchain.postgres_home), _HBA, *_credentials(site.node).values())
        data = await initdb.lay_data(site, parts, _make)
        return _server(site, data, arguments)

    async def ready(self, site: Site) -> None:
        await answers(site.node, site.address)


async def answers(node: Node, address: str) -> None:
    """One question to the server at this address. Raises NotReady."""
    try:
        who = make_conninfo(
            host=address, port=_PORT, connect_timeout=_READY_TIMEOUT_S, **_credentials(node)
        )
        connection = await psycopg.AsyncConnection.connect(who)
        async with connection:
            await connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise NotReady(str(error).strip().splitlines()[0]) from error


def _credentials(node: Node) -> dict[str, str]:
    env = node.environment
    user = env.get("POSTGRES_USER", "postgres")
    if "POSTGRES_PASSWORD" not in env:
        raise DeclarationError(
            f"service {node.name}: environment lacks POSTGRES_PASSWORD, "
            "which the postgres image asks for"
        )
    return {
        "user": user,
        "password": env["POSTGRES_PASSWORD"],
        "dbname": env.get("POSTGRES_DB", user),
    }


def _server(site: Site, data: Path, arguments: tuple[str, ...]) -> Launch:
    own = [part for setting in _OWN_SETTINGS for part in ("-c", setting)]
    binary = site.toolchain.postgres_home / "bin" / "postgres"
    return site.launch(
        str(binary), "-D", str(data), "-p", str(_PORT), *own, *arguments,
        env=_environment(site), nested_user=True,
    )  # fmt: skip


def _environment(site: Site) -> dict[str, str]:
    return {
        "PATH": base_path(),
        "LD_LIBRARY_PATH": str(site.toolchain.postgres_home / "lib"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


async def _make(site: Site, data: Path) -> None:
    await _initdb(site, data)
    await _fill(site, data)


async def _initdb(site: Site, data: Path) -> None:
    user = _credentials(site.node)["user"]
    launch = site.launch(
        str(site.toolchain.postgres_home / "bin" / "initdb"), "-D", str(data), "-U", user,
        "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions",
        env=_environment(site), nested_user=True,
    )  # fmt: skip
    process = await Process.start(launch, hostname=site.node.name, netns_fd=None)
    code = await process.wait()
    if code != 0:
        raise EnvironmentFailed(f"{site.node.name}: initdb ended with {code}; see {site.log}")
    (data / "pg_hba.conf").write_text(_HBA, encoding="ascii")


async def _fill(site: Site, data: Path) -> None:
    """Start the server in the node's network, make user, database and schema, stop it cleanly."""
    trusting = site.directory / "filling_hba.conf"
    trusting.write_text(_FILLING_HBA, encoding="ascii")
    launch = _server(site, data, ("-c", f"hba_file={trusting}"))
    process = await Process.start(launch, hostname=site.node.name, netns_fd=site.netns_fd)
    try:
        await _apply(site, process)
    finally:
        code = await process.end(grace_s=_STOP_TIMEOUT_S, polite=signal.SIGINT)
    if code != 0:
        raise EnvironmentFailed(f"{site.node.name}: postgres ended with {code}; see {site.log}")


async def _apply(site: Site, process: Process) -> None:
    who = _credentials(site.node)
    async with await _connect(site, process, "postgres") as admin:
        password = sql.SQL("ALTER USER {} PASSWORD {}").format(
            sql.Identifier(who["user"]), sql.Literal(who["password"])
        )
        await admin.execute(password)
        if who["dbname"] != "postgres":
            await admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(who["dbname"])))
    async with await _connect(site, process, who["dbname"]) as own:
        for path in initdb.scripts(site.node):
            try:
                await own.execute(path.read_bytes())
            except psycopg.Error as error:
                first = str(error).strip().splitlines()[0]
                raise DeclarationError(f"{path}: {first}") from error


async def _connect(
    site: Site, process: Process, database: str
) -> "psycopg.AsyncConnection[tuple[object, ...]]":
    """Connect as soon as the server answers; a server that ends instead is an error."""
    user = _credentials(site.node)["user"]
    deadline = asyncio.get_running_loop().time() + _FILL_TIMEOUT_S
    while True:
        try:
            return await psycopg.AsyncConnection.connect(
                host=site.address, port=_PORT, user=user, dbname=database, autocommit=True
            )
        except psycopg.OperationalError as error:
            late = asyncio.get_running_loop().time() > deadline
            if process.exit_code is not None or late:
                raise EnvironmentFailed(
                    f"{site.node.name}: postgres did not answer: {error}; see {site.log}"
                ) from error
            await asyncio.sleep(_POLL_S)
