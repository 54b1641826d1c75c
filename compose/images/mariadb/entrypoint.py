#!/usr/bin/env python3
"""The official image's contract: MARIADB_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER and
MARIADB_PASSWORD, or the same of MySQL's image; and what lies in /docker-entrypoint-initdb.d, run once
in the order of names while the server listens on its Unix socket alone. Arguments are the server's,
files of /etc/mysql/conf.d its settings. The SQL is that of servers without containers."""

import gzip
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, "/usr/local/lib/aftershock")
import mariadb_setup as setup
import pymysql
from pymysql.constants import CLIENT

HOME, DATA, SOCKET = Path("/usr/lib/mariadb"), Path("/var/lib/mysql"), "/run/mysqld/mysqld.sock"
SERVER = HOME / "bin" / "mariadbd"
SCRIPTS = Path("/docker-entrypoint-initdb.d")
CONFIG = Path("/run/mysqld/my.cnf")
CHECKER = DATA / ".my-healthcheck.cnf"
"""Where the official image has the health check's account, too."""
UNFINISHED = DATA / ".unfinished"
"""Is there while the data are being made."""
FILL_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.05


def configure() -> None:
    """The server's settings; those that are mounted come after."""
    own = (*setup.places(HOME, DATA, Path("/tmp")), f"socket={SOCKET}", *setup.SETTINGS)  # noqa: S108
    lines = ("[mariadbd]", *own, "!includedir /etc/mysql/conf.d/")
    CONFIG.write_text("\n".join(lines) + "\n", encoding="utf-8")


def command(*arguments: str) -> list[str]:
    """The server's."""
    return [str(SERVER), f"--defaults-file={CONFIG}", *arguments]


def make(arguments: list[str]) -> None:
    """Data as the variables and scripts want them."""
    root, database, user = account()
    found = scripts()
    UNFINISHED.touch()
    password = secrets.token_urlsafe(16)
    statements = (
        *setup.accounts(root_password=root, database=database, user=user),
        f"CREATE USER 'healthcheck'@'127.0.0.1' IDENTIFIED BY {setup.text(password)};",
    )
    done = subprocess.run(
        command(*(f"--{option}" for option in setup.FOR_SYSTEM_TABLES)),
        input=setup.bootstrap(HOME, statements), text=True, check=False,
    )  # fmt: skip
    ended(done.returncode)
    CHECKER.touch(mode=0o600)
    CHECKER.write_text(f"[client]\nuser=healthcheck\npassword={password}\n", encoding="utf-8")
    if found:
        fill(found, arguments, root, database)
    UNFINISHED.unlink()


def account() -> tuple[str, str | None, tuple[str, str] | None]:
    """root's password, the database, and a user with its password."""
    root, database, name, password = (
        setup.variable(os.environ, each)
        for each in ("ROOT_PASSWORD", "DATABASE", "USER", "PASSWORD")
    )
    if root is None:
        sys.exit("MARIADB_ROOT_PASSWORD is not set: root needs a password")
    if (name is None) is not (password is None):
        sys.exit("one of MARIADB_USER and MARIADB_PASSWORD is not set: a user needs both")
    return root, database, None if name is None or password is None else (name, password)


def scripts() -> list[Path]:
    """In the order in which they are run."""
    found = sorted(SCRIPTS.iterdir())
    for path in found:
        if not path.name.endswith((".sql", ".sql.gz")):
            sys.exit(f"{path}: only .sql and .sql.gz are run here; make it one")
    return found


def fill(found: list[Path], arguments: list[str], root: str, database: str | None) -> None:
    """Start the server where nobody hears it, run the scripts, stop it cleanly."""
    server = subprocess.Popen(command(*arguments, "--skip-networking"))
    try:
        with connected(server, root, database) as session, session.cursor() as cursor:
            for path in found:
                print(f"running {path}", flush=True)
                packed = path.suffix == ".gz"
                text = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
                try:
                    cursor.execute(text.decode())
                    while cursor.nextset():
                        pass
                except pymysql.Error as error:
                    sys.exit(f"{path}: {error.args[-1]}")
    finally:
        server.terminate()
        code = server.wait(STOP_TIMEOUT_S)
    ended(code)


def ended(code: int) -> None:
    """A server that has served its time."""
    if code:
        sys.exit(f"mariadbd ended with {code}")


def connected(
    server: "subprocess.Popen[bytes]", root: str, database: str | None
) -> pymysql.Connection:
    """As root, as soon as the server answers; one that ends instead ends this."""
    deadline = time.monotonic() + FILL_TIMEOUT_S
    while True:
        try:
            return pymysql.connect(
                unix_socket=SOCKET, user="root", password=root, database=database, autocommit=True,
                charset="utf8mb4", client_flag=CLIENT.MULTI_STATEMENTS,
            )  # fmt: skip
        except pymysql.Error as error:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"mariadbd does not answer: {error}")
            time.sleep(POLL_S)


def main() -> None:
    """Make the data, where there are none, and become the server."""
    arguments = sys.argv[1:]
    if arguments and not arguments[0].startswith("-"):
        if arguments[0] != "mariadbd":
            os.execvp(arguments[0], arguments)
        arguments = arguments[1:]
    configure()
    if UNFINISHED.exists():
        sys.exit(f"{DATA} was not made to its end at an earlier start: remove what is there")
    if not (DATA / "mysql").is_dir():
        make(arguments)
    os.execv(SERVER, command(*arguments))


if __name__ == "__main__":
    main()
