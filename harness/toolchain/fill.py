"""Brings components into the cache: looks what is missing, downloads, unpacks, stamps."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.errors import EnvironmentFailed
from harness.toolchain import cache
from harness.toolchain.cache import Layout
from harness.toolchain.download import (
    Downloader,
    disk_full,
    disk_trouble,
    download_all,
    maven_download,
)
from harness.toolchain.lock import LockedArtifact
from harness.toolchain.machine import Component
from harness.toolchain.progress import DownloadMeter, FetchPhase, FetchProgress
from harness.toolchain.unpack import unpack_mariadb, unpack_postgres

Report = Callable[[FetchProgress], None]

UNPACKED_PER_ARCHIVE_BYTE = {Component.POSTGRES: 5, Component.MARIADB: 1}
"""PostgreSQL 18.6: 15 MB packed, 63 MB of disk blocks unpacked, and some slack. MariaDB 11.4:
149 MB packed, of which 34 MB are unpacked."""
_UNPACK = {Component.POSTGRES: unpack_postgres, Component.MARIADB: unpack_mariadb}


def fill(
    layout: Layout,
    components: Sequence[Component],
    *,
    offline: bool = False,
    verify: bool = False,
    report: Report,
    downloader: Downloader = maven_download,
    free_bytes: Callable[[Path], int] | None = None,
) -> None:
    """Brings the components into the layout: nothing to do where all are stamped, else under the
    cache's lock."""
    if not verify and all(cache.is_ready(layout, c) for c in components):
        return
    if offline and not layout.home.exists():
        raise _offline(layout, _missing(layout, components))
    waiting = FetchProgress(phase=FetchPhase.WAITING)
    with cache.exclusive(layout.root, on_wait=lambda: report(waiting)):
        todo = [c for c in components if verify or not cache.is_ready(layout, c)]
        if not todo:
            return  # the other one fetched it
        report(FetchProgress(phase=FetchPhase.CHECKING))
        try:
            # What a killed predecessor left; none is alive, the lock is ours.
            shutil.rmtree(layout.incoming, ignore_errors=True)
            layout.incoming.mkdir(parents=True)
            cache.adopt(layout, _missing(layout, todo))
            missing = _missing(layout, todo)
            if missing and offline:
                raise _offline(layout, missing)
            _require_room(layout, todo, missing, free_bytes or _free_bytes)
            _download(layout, missing, downloader, report)
            for component in todo:
                _complete(layout, component, report)
        except OSError as error:
            raise disk_trouble(layout.root, error) from error
        finally:
            shutil.rmtree(layout.incoming, ignore_errors=True)
    report(FetchProgress(phase=FetchPhase.READY))


def _missing(layout: Layout, components: Iterable[Component]) -> dict[Path, LockedArtifact]:
    """What is not there, or not with the locked content, by where it belongs."""
    return {
        path: artifact
        for component in components
        for artifact in layout.artifacts(component)
        if not cache.is_intact(path := layout.path(component, artifact), artifact)
    }


def _offline(layout: Layout, missing: dict[Path, LockedArtifact]) -> EnvironmentFailed:
    size = sum(artifact.size for artifact in missing.values())
    first = next(iter(missing.values())).coordinate
    return EnvironmentFailed(
        f"offline, and {len(missing)} files ({size / 1e6:.1f} MB) are missing or damaged in the "
        f"cache {layout.root}, {first} among them: run `aftershock fetch` once with a network"
    )


def _require_room(
    layout: Layout,
    components: Sequence[Component],
    missing: dict[Path, LockedArtifact],
    free_bytes: Callable[[Path], int],
) -> None:
    """EnvironmentFailed before the first byte where the last would not fit."""
    needed = sum(artifact.size for artifact in missing.values())
    for component, times in UNPACKED_PER_ARCHIVE_BYTE.items():
        if component in components:
            (archive,) = layout.artifacts(component)
            needed += times * archive.size
    free = free_bytes(layout.home)
    if free < needed:
        raise disk_full(layout.root, needed=needed, free=free)


def _download(
    layout: Layout, missing: dict[Path, LockedArtifact], downloader: Downloader, report: Report
) -> None:
    meter = DownloadMeter(
        report,
        total_bytes=sum(artifact.size for artifact in missing.values()),
        total_artifacts=len(missing),
    )
    download_all(missing, incoming=layout.incoming, downloader=downloader, meter=meter)


def _complete(layout: Layout, component: Component, report: Report) -> None:
    """Unpacks where there is something to unpack, and stamps."""
    if component in _UNPACK and not _tree_is_intact(layout, component):
        (archive,) = layout.paths(component)
        report(FetchProgress(phase=FetchPhase.UNPACKING, artifact=archive.name))
        _UNPACK[component](archive, layout.unpacked(component), scratch=layout.incoming)
    cache.write_stamp(layout, component)


def _tree_is_intact(layout: Layout, component: Component) -> bool:
    stamped = cache.stamped_tree(layout, component)
    return stamped is not None and stamped == cache.tree_digest(layout.unpacked(component))


def _free_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free
