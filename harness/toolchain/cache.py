"""The toolchain's place on disk: where each file lies, what is there already, who may write.

    <cache>/fetch.lock                           held while one process fetches
    <cache>/toolchain/<lock digest>/lib/         jars of Kafka and Connect
                                   /plugins/debezium-connector-postgres/
                                   /postgres/    bin, lib, share
                                   /mariadb/     bin, share
                                   /archives/    what these two were unpacked from
                                   /stamps/      one a component, written once all was verified
                                   /incoming/    downloads under way; removed when they end
                                   /derived-…/   made by others from the above, one a Java version

A file under its final name is complete: it got there by rename, after its digest was checked.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EnvironmentFailed
from harness.toolchain.lock import Lock, LockedArtifact
from harness.toolchain.machine import Component, java_version, lock_name

_BLOCK = 1 << 20
DEBEZIUM_PLUGIN = "debezium-connector-postgres"
POSTGRES_PROGRAMS = ("initdb", "pg_ctl", "postgres")
MARIADB_PROGRAMS = ("mariadbd",)
PROGRAMS: Mapping[Component, tuple[str, ...]] = {
    Component.POSTGRES: POSTGRES_PROGRAMS,
    Component.MARIADB: MARIADB_PROGRAMS,
}
"""What is unpacked from an archive, and the programs that must be in its `bin`."""


def default_cache() -> Path:
    """$XDG_CACHE_HOME/aftershock, else ~/.cache/aftershock."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if given.startswith("/"):  # the XDG specification: a relative path is to be ignored
        return Path(given) / "aftershock"
    try:
        return Path.home() / ".cache" / "aftershock"
    except RuntimeError as error:
        raise EnvironmentFailed(
            "no place for the cache: neither HOME nor XDG_CACHE_HOME is set"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the files of one lock lie under one cache directory."""

    root: Path
    lock: Lock

    @property
    def home(self) -> Path:
        """The directory of this lock's digest."""
        return self.root / "toolchain" / self.lock.digest

    @property
    def plugin_dir(self) -> Path:
        """The value of Connect's plugin.path."""
        return self.home / "plugins"

    @property
    def postgres_home(self) -> Path:
        """Where PostgreSQL is unpacked."""
        return self.unpacked(Component.POSTGRES)

    @property
    def mariadb_home(self) -> Path:
        """Where MariaDB is unpacked."""
        return self.unpacked(Component.MARIADB)

    def unpacked(self, component: Component) -> Path:
        """Where the component is unpacked, of those that are."""
        return self.home / component.value

    @property
    def incoming(self) -> Path:
        """Downloads and unpackings under way."""
        return self.home / "incoming"

    @property
    def derived(self) -> Path:
        """For things that others make from the toolchain with this Java."""
        return self.home / f"derived-java-{java_version()}"

    def stamp(self, component: Component) -> Path:
        """The file that says that all of the component was verified."""
        return self.home / "stamps" / f"{lock_name(component)}.json"

    def artifacts(self, component: Component) -> tuple[LockedArtifact, ...]:
        """What the component consists of on this machine."""
        return self.lock.artifacts(lock_name(component))

    def path(self, component: Component, artifact: LockedArtifact) -> Path:
        """Where the artifact lies once it is verified."""
        match component:
            case Component.KAFKA | Component.CONNECT:
                return self.home / "lib" / artifact.filename
            case Component.DEBEZIUM:
                return self.plugin_dir / DEBEZIUM_PLUGIN / artifact.filename
            case Component.POSTGRES | Component.MARIADB:
                return self.home / "archives" / artifact.filename

    def paths(self, component: Component) -> tuple[Path, ...]:
        """Where all of the component lies, in class path order."""
        return tuple(self.path(component, a) for a in self.artifacts(component))


def is_ready(layout: Layout, component: Component) -> bool:
    """The cheap check: verified once, and every file still has its size."""
    if not layout.stamp(component).is_file():
        return False
    if component in PROGRAMS:
        home = layout.unpacked(component)
        programs = [home / "bin" / name for name in PROGRAMS[component]]
        return all(os.access(program, os.X_OK) for program in programs)
    return all(has_size(layout.path(component, a), a) for a in layout.artifacts(component))


def has_size(path: Path, artifact: LockedArtifact) -> bool:
    """Whether the file is there with the artifact's size."""
    try:
        return path.stat().st_size == artifact.size
    except OSError:
        return False


def is_intact(path: Path, artifact: LockedArtifact) -> bool:
    """Whether the file is there with the artifact's content. Reads all of it."""
    return has_size(path, artifact) and sha256_of(path) == artifact.sha256


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def tree_digest(top: Path) -> str:
    """SHA-256 over the names, executable bits, links and contents below a directory."""
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            digest.update(f"{name} -> {path.readlink()}\n".encode())
        elif path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{name} {executable} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def adopt(layout: Layout, wanted: Mapping[Path, LockedArtifact]) -> None:
    """Takes over what another lock's directory has with the same content: a new lock then costs
    the download of what changed only. Files are never written to, so a hard link will do."""
    for path, artifact in wanted.items():
        place = path.relative_to(layout.home)
        for candidate in sorted((layout.root / "toolchain").glob(f"*/{place}")):
            if candidate != path and is_intact(candidate, artifact):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.hardlink_to(candidate)
                break


def write_stamp(layout: Layout, component: Component) -> None:
    """Says that the component was verified just now."""
    tree = tree_digest(layout.unpacked(component)) if component in PROGRAMS else None
    stamp = layout.stamp(component)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    temporary = stamp.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"lock": layout.lock.digest, "tree": tree}) + "\n", "utf-8")
    temporary.replace(stamp)


def stamped_tree(layout: Layout, component: Component) -> str | None:
    """The digest of the unpacked tree when it was stamped; None where there is no such stamp."""
    try:
        tree = json.loads(layout.stamp(component).read_text("utf-8"))["tree"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tree if isinstance(tree, str) else None


@contextmanager
def exclusive(root: Path, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds the cache's lock. Where another process has it, calls `on_wait` and waits: the lock
    goes with its holder, however that ends. EnvironmentFailed where the cache is not writable."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / "fetch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def unwritable(root: Path, error: OSError) -> EnvironmentFailed:
    """The cache cannot be written to, said once and the same everywhere."""
    return EnvironmentFailed(
        f"the cache {root} cannot be written to ({error.strerror}): "
        "make it writable, or set XDG_CACHE_HOME to a directory that is"
    )
