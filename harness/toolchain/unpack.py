"""Unpacks databases from their jars, each into a directory that appears whole or not at all.

PostgreSQL is a .txz inside its jar. MariaDB's jar holds its tree itself, nine tenths of it debug
information and clients; what the server needs to run and to make a data directory is taken.
"""

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from harness.errors import EnvironmentFailed, MachineUnfit
from harness.toolchain.cache import MARIADB_PROGRAMS, POSTGRES_PROGRAMS
from harness.toolchain.elf import segments_only

_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)
"""What mariadb-install-db feeds to the server, less its help texts and its sys schema."""


def unpack_postgres(archive: Path, target: Path, *, scratch: Path) -> None:
    """Replaces `target` by the archive's content. `scratch` is on the same file system.

    EnvironmentFailed where the archive does not hold PostgreSQL; OSError where the disk fails.
    """
    _unpack(_extract, POSTGRES_PROGRAMS, archive, target, scratch=scratch)


def unpack_mariadb(archive: Path, target: Path, *, scratch: Path) -> None:
    """The same for MariaDB's server."""
    _unpack(_extract_mariadb, MARIADB_PROGRAMS, archive, target, scratch=scratch)


def _unpack(
    extract: Callable[[Path, Path], None],
    programs: Sequence[str],
    archive: Path,
    target: Path,
    *,
    scratch: Path,
) -> None:
    fresh = Path(tempfile.mkdtemp(dir=scratch))
    try:
        extract(archive, fresh)
        for program in programs:
            if not (fresh / "bin" / program).is_file():
                raise EnvironmentFailed(f"{archive.name} holds no bin/{program}")
        # mkdtemp makes it private; a node's own user must get in.
        fresh.chmod(0o755)
        if target.exists():
            target.rename(Path(tempfile.mkdtemp(dir=scratch)) / "old")
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _extract(archive: Path, into: Path) -> None:
    """All of the one .txz member. The archive was verified; the filter is a second bolt."""
    try:
        import lzma  # noqa: PLC0415 - some home-built Pythons lack it
    except ImportError as error:
        raise MachineUnfit("this Python was built without lzma: use another one") from error
    try:
        with zipfile.ZipFile(archive) as jar:
            name = next(n for n in jar.namelist() if n.endswith(".txz"))
            with jar.open(name) as packed, tarfile.open(fileobj=packed, mode="r|xz") as tar:
                # The documented way to be safe with, and to work without, PEP 706.
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                tar.extractall(into)  # noqa: S202 - verified by the lock, and the filter
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, StopIteration) as error:
        raise EnvironmentFailed(f"{archive.name} cannot be unpacked: {error!r}") from error


def _extract_mariadb(archive: Path, into: Path) -> None:
    """The server without its debug information, messages, character sets, system tables."""
    try:
        with zipfile.ZipFile(archive) as jar:
            for entry in jar.infolist():
                place = _place_of_mariadb(entry.filename)
                if place is None:
                    continue
                target = into / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with jar.open(entry) as packed:
                    is_program = place.parts[0] == "bin"
                    target.write_bytes(segments_only(packed) if is_program else packed.read())
                target.chmod(0o755 if is_program else 0o644)
    except (zipfile.BadZipFile, ValueError) as error:
        raise EnvironmentFailed(f"{archive.name} cannot be unpacked: {error!r}") from error


def _place_of_mariadb(name: str) -> PurePosixPath | None:
    """Where below MariaDB's home a member of the jar belongs; None where it is not wanted."""
    _, found, below = name.partition("/linux/")
    wanted = (
        below in {f"bin/{program}" for program in MARIADB_PROGRAMS}
        or below == "share/english/errmsg.sys"
        or below in {f"share/{script}" for script in _SYSTEM_TABLES}
        or (below.startswith("share/charsets/") and not below.endswith("/"))
    )
    place = PurePosixPath(below)
    return place if found and wanted and ".." not in place.parts else None
