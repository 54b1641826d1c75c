"""Brings locked artifacts into their places: parallel downloads, each verified, each by rename.

Promises that a file under its final name has the locked content, whenever the process dies. The
repository's address is the resolver's own; AFTERSHOCK_MAVEN_REPOSITORY names another one, for
networks in which only a mirror can be reached.
"""

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from harness.errors import AftershockError, EnvironmentFailed
from harness.toolchain.cache import sha256_of, unwritable
from harness.toolchain.lock import LockedArtifact
from harness.toolchain.progress import DownloadMeter

PARALLEL_DOWNLOADS = 8
ATTEMPTS = 3
_RETRY_AFTER_S = 1.0
_NETWORK_TIMEOUT_S = 20
MIRROR_VARIABLE = "AFTERSHOCK_MAVEN_REPOSITORY"


class Downloader(Protocol):
    """Fetches one artifact into an empty directory."""

    def __call__(
        self, artifact: LockedArtifact, into: Path, received: Callable[[int], None], /
    ) -> Path:
        """The path of the file below `into`. Calls `received` with each block's bytes.

        OSError (a failing network is one) where it cannot; TransferFailed where trying again
        may help.
        """


class TransferFailed(EnvironmentFailed):
    """A download broke in a way that another attempt may mend."""


class _Stopped(Exception):
    """Another download failed, or the user gave up: this one is of no use any more."""


def maven_download(artifact: LockedArtifact, into: Path, received: Callable[[int], None]) -> Path:
    """Downloads through jgo's resolver, with `into` as its cache: the user's own is not touched."""
    # Imported here: a start with a filled cache has no use for it, and it takes 0.2 s.
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    @contextmanager
    def on_progress(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield received

    mirror = os.environ.get(MIRROR_VARIABLE)
    context = MavenContext(
        resolver=PythonResolver(progress_callback=on_progress),
        repo_cache=into,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=_NETWORK_TIMEOUT_S,
    )
    group, name, version, packaging, *classifier = artifact.coordinate.split(":")
    component = context.project(group, name).at_version(version)
    try:
        return component.artifact(classifier[0] if classifier else "", packaging).resolve()
    except RequestException as error:
        raise TransferFailed(
            f"cannot fetch {artifact.coordinate}: {_innermost(error)}; is the network there? "
            f"(behind a proxy, set HTTPS_PROXY; for a mirror, {MIRROR_VARIABLE})"
        ) from error
    except RuntimeError as error:  # jgo's only word for every answer other than 200
        raise TransferFailed(
            f"cannot fetch {artifact.coordinate}: the repository did not deliver it"
        ) from error


def _innermost(error: BaseException) -> str:
    """The reason at the bottom of a chain of wrapped exceptions, in one line."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:159]}…"


def download_all(
    wanted: Mapping[Path, LockedArtifact],
    *,
    incoming: Path,
    downloader: Downloader,
    meter: DownloadMeter,
) -> None:
    """Downloads each artifact to its path. EnvironmentFailed by the first that cannot be had;
    the others are then stopped, and what was finished stays."""
    stop = threading.Event()

    def install(target: Path, artifact: LockedArtifact) -> None:
        _download_one(target, artifact, incoming, downloader, meter, stop)

    with ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="fetch") as pool:
        # Largest first: the last one to finish should be a small one.
        ordered = sorted(wanted.items(), key=lambda item: -item[1].size)
        futures = [pool.submit(install, target, artifact) for target, artifact in ordered]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    for future in done:
        error = future.exception()
        if error is not None and not isinstance(error, _Stopped):
            raise error


def _download_one(
    target: Path,
    artifact: LockedArtifact,
    incoming: Path,
    downloader: Downloader,
    meter: DownloadMeter,
    stop: threading.Event,
) -> None:
    """One artifact, with further attempts where the transfer broke."""
    for attempt in range(1, ATTEMPTS + 1):
        counted = 0

        def received(count: int) -> None:
            nonlocal counted
            if stop.is_set():
                raise _Stopped
            counted += count
            meter.received(artifact.filename, count)

        try:
            _attempt(target, artifact, incoming, downloader, received)
        except TransferFailed:
            meter.received(artifact.filename, -counted)
            if attempt == ATTEMPTS or stop.wait(_RETRY_AFTER_S * attempt):
                raise
        else:
            meter.finished(artifact.filename)
            return


def _attempt(
    target: Path,
    artifact: LockedArtifact,
    incoming: Path,
    downloader: Downloader,
    received: Callable[[int], None],
) -> None:
    """Downloads to a directory of its own, verifies, renames; leaves nothing where it fails."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(dir=incoming))
    except OSError as error:
        raise disk_trouble(incoming, error) from error
    try:
        fetched = downloader(artifact, own, received)
        verify(fetched, artifact)
        fetched.replace(target)
    except OSError as error:
        raise disk_trouble(incoming, error) from error
    finally:
        shutil.rmtree(own, ignore_errors=True)


def verify(path: Path, artifact: LockedArtifact) -> None:
    """TransferFailed where the file is shorter than locked, EnvironmentFailed, with both digests,
    where its content is another. Removes the file then."""
    size = path.stat().st_size
    if size < artifact.size:
        path.unlink()
        raise TransferFailed(
            f"cannot fetch {artifact.coordinate}: "
            f"the transfer ended after {size} of {artifact.size} bytes"
        )
    digest = sha256_of(path)
    if digest != artifact.sha256:
        path.unlink()
        raise EnvironmentFailed(
            f"{artifact.coordinate} is not what the lock names: "
            f"SHA-256 {digest}, expected {artifact.sha256}; the file was removed. "
            "A proxy may have replaced it; if it persists, do not trust this network"
        )


def disk_trouble(place: Path, error: OSError) -> AftershockError:
    """What the user can do about an OSError while writing below `place`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return unwritable(place, error)
    return EnvironmentFailed(f"cannot write below {place}: {error}")


def disk_full(
    place: Path, *, needed: int | None = None, free: int | None = None
) -> AftershockError:
    """No room; with the figures where they are known."""
    figures = (
        f": {needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free"
        if needed is not None and free is not None
        else ""
    )
    return EnvironmentFailed(
        f"the disk of {place} is full{figures}; "
        "make room, or set XDG_CACHE_HOME to a directory on another disk"
    )
