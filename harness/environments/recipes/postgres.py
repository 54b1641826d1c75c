"""PostgreSQL: the official image's contract (variables, /docker-entrypoint-initdb.d), natively.

A data directory is made once for each content (user, password, database, scripts, version) and
kept as a template in the cache; a node starts from a copy. The server runs under a nested user
namespace because it refuses uid 0. `fsync` is off: faults end processes, never the machine, and
what the kernel has been given survives a SIGKILL.
"""

import asyncio
import hashlib
import os
import shutil
import signal
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from harness.environments.process import Launch, Process
from harness.environments.recipes.base import NotReady, Site, base_path
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.system import ROLE_PORTS, Node, Role

_PORT = ROLE_PORTS[Role.POSTGRES]
_SCRIPTS = "/docker-entrypoint-initdb.d"
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
        arguments = _arguments(site.node)
        data = site.directory / "data"
        if not data.exists():
            template = await _template(site)
            await asyncio.to_thread(shutil.copytree, template, data, symlinks=True)
        return _server(site, data, arguments)

    async def ready(self, site: Site) -> None:
        try:
            who = make_conninfo(
                host=site.address,
                port=_PORT,
                connect_timeout=_READY_TIMEOUT_S,
                **_credentials(site.node),
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


def _arguments(node: Node) -> tuple[str, ...]:
    command = node.command
    if command and command[0] == "postgres":
        command = command[1:]
    if node.entrypoint:
        raise DeclarationError(
            f"service {node.name}: `entrypoint` is not supported for role postgres; "
            "give server settings by `command: [postgres, -c, name=value]`"
        )
    return command


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


def _scripts(node: Node) -> list[Path]:
    found: list[Path] = []
    for mount in node.mounts:
        target = mount.target.rstrip("/")
        if target == _SCRIPTS and mount.source.is_dir():
            found.extend(mount.source.iterdir())
        elif os.path.dirname(target) == _SCRIPTS:
            found.append(mount.source)
        else:
            raise DeclarationError(
                f"service {node.name}: volume target {mount.target} is not supported for role "
                f"postgres; only {_SCRIPTS} is"
            )
    for path in found:
        if path.suffix != ".sql":
            raise DeclarationError(f"{path}: only .sql scripts are run natively; make it one")
    return sorted(found, key=lambda p: p.name)


def _digest(site: Site) -> str:
    mark = hashlib.sha256()
    parts = [str(site.toolchain.postgres_home), _HBA, *_credentials(site.node).values()]
    for part in parts:
        mark.update(part.encode() + b"\0")
    for path in _scripts(site.node):
        mark.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return mark.hexdigest()[:16]


async def _template(site: Site) -> Path:
    """The finished data directory for this content, made at most once."""
    template = site.toolchain.cache / "templates" / f"postgres-{_digest(site)}"
    if template.exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    work = site.directory / "template"
    await _initdb(site, work)
    await _fill(site, work)
    moved = template.with_name(f".{template.name}.{os.getpid()}.{site.node.name}")
    await asyncio.to_thread(shutil.copytree, work, moved, symlinks=True)
    try:
        moved.rename(template)
    except OSError:  # another run was first: its content is the same
        shutil.rmtree(moved, ignore_errors=True)
    shutil.rmtree(work)
    return template


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
        for path in _scripts(site.node):
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
