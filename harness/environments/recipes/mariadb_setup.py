"""How a MariaDB server is set up: its settings, its system tables and its accounts, as SQL.

The recipe and the entrypoint of the image `aftershock/mariadb` share it, so that a server is the same
in either environment. The image has this file and pymysql, and nothing else of the harness: it knows
neither nodes nor our errors.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pymysql.converters import escape_string

SETTINGS = (
    "bind-address=*",
    "skip-name-resolve",
    # Making a key takes seconds at each start.
    "skip-ssl",
    "pid-file=mariadbd.pid",
    # As the official image's own configuration has it.
    "character-set-server=utf8mb4",
    "collation-server=utf8mb4_uca1400_ai_ci",
    # What a commit has written is given to the kernel at once and never forced to disk: faults end
    # processes, never the machine.
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
"""Options without their dashes; where a server's files are is its place's own."""
FOR_SYSTEM_TABLES = (
    "bootstrap", "enforce-storage-engine=", "max-allowed-packet=8M", "net-buffer-length=16K",
)  # fmt: skip
"""What a server is given besides, to take `bootstrap` from its standard input."""
_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)


def places(home: Path, data: Path, scratch: Path) -> tuple[str, ...]:
    """The options that tell a server where it is installed, its data and its scratch directory."""
    return (
        f"basedir={home}",
        f"lc-messages-dir={home / 'share'}",
        f"character-sets-dir={home / 'share' / 'charsets'}",
        f"datadir={data}",
        f"tmpdir={scratch}",
    )


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """What the image is told of it; it takes the names of MySQL's image, too."""
    for prefix in ("MARIADB_", "MYSQL_"):
        if said := environment.get(prefix + name):
            return said
    return None


def accounts(
    *, root_password: str, database: str | None, user: tuple[str, str] | None
) -> tuple[str, ...]:
    """SQL that makes the accounts and the database, one statement a line: the bootstrapping server
    takes a statement for ended where a line ends with it. `user`: a name and its password."""
    root = text(root_password)
    made = [
        # Of root at this machine's names, without a password.
        "DELETE FROM global_priv WHERE User = 'root' AND Host <> 'localhost';",
        "DELETE FROM proxies_priv;",
        "FLUSH PRIVILEGES;",
        f"CREATE USER 'root'@'%' IDENTIFIED BY {root};",
        "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY {root};",
    ]
    if database is not None:
        made.append(f"CREATE DATABASE {_identifier(database)};")
    if user is not None:
        who = f"{text(user[0])}@'%'"
        made.append(f"CREATE USER {who} IDENTIFIED BY {text(user[1])};")
        if database is not None:
            # In a grant `_` and `%` stand for other characters.
            pattern = database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
            made.append(f"GRANT ALL ON {_identifier(pattern)}.* TO {who};")
    return tuple(made)


def bootstrap(home: Path, statements: Iterable[str]) -> str:
    """What makes the system tables and then does these statements, as mariadb-install-db and the
    image do it."""
    system = (home.joinpath("share", name).read_text(encoding="utf-8") for name in _SYSTEM_TABLES)
    head = ("CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;")
    return "\n".join((*head, *system, *statements)) + "\n"


def text(value: str) -> str:
    """The value as a literal of SQL."""
    return f"'{escape_string(value)}'"


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
