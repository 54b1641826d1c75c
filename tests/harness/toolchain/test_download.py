"""Downloads: verified, in place by rename, and honest about why they failed."""

from __future__ import annotations

import errno
import gc
import hashlib
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain import download
from harness.toolchain.cache import Layout
from harness.toolchain.download import Downloader, download_all, maven_download, verify
from harness.toolchain.lock import LockedArtifact
from harness.toolchain.machine import Component
from harness.toolchain.progress import DownloadMeter, FetchProgress

if TYPE_CHECKING:
    from tests.harness.toolchain.conftest import Repository

BODY = b"jar" * 1000
JAR = LockedArtifact(
    coordinate="g:a:1:jar", size=len(BODY), sha256=hashlib.sha256(BODY).hexdigest()
)


def fetch(
    place: Path,
    *artifacts: LockedArtifact,
    downloader: Downloader = maven_download,
    report: Callable[[FetchProgress], None] = print,
) -> None:
    """Downloads to `place`/lib by way of `place`/incoming."""
    incoming = place / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    download_all(
        {place / "lib" / a.filename: a for a in artifacts},
        incoming=incoming,
        downloader=downloader,
        meter=DownloadMeter(
            report, total_bytes=sum(a.size for a in artifacts), total_artifacts=len(artifacts)
        ),
    )


def left(place: Path) -> list[str]:
    """Every file below a directory."""
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def test_all_artifacts_arrive_and_the_user_s_own_maven_cache_is_not_touched(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last report says all of it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    seen: list[FetchProgress] = []
    kafka = layout.artifacts(Component.KAFKA)
    fetch(tmp_path / "here", *kafka, report=seen.append)
    assert left(tmp_path / "here") == ["lib/kafka_2.13-4.3.1.jar", "lib/slf4j-api-1.7.36.jar"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]
    assert (seen[-1].done_bytes, seen[-1].done_artifacts) == (sum(a.size for a in kafka), 2)
    assert seen[-1].done_bytes == seen[-1].total_bytes


def test_another_content_is_refused_by_name_with_both_digests(
    layout: Layout,
    repository: Repository,
    tmp_path: Path,
) -> None:
    """Of the same size, so that only the digest can tell."""
    artifact = layout.artifacts(Component.DEBEZIUM)[0]
    evil = b"x" * artifact.size
    repository.replace(artifact.filename, evil)
    with pytest.raises(EnvironmentFailed) as caught:
        fetch(tmp_path, artifact)
    message = str(caught.value)
    assert artifact.coordinate in message
    assert artifact.sha256 in message
    assert hashlib.sha256(evil).hexdigest() in message
    assert "\n" not in message
    assert left(tmp_path) == []


def test_a_transfer_that_breaks_is_tried_again(
    layout: Layout, repository: Repository, tmp_path: Path
) -> None:
    """And what the broken one brought is not counted."""
    artifact = layout.artifacts(Component.KAFKA)[0]
    repository.cut_short.add(artifact.filename)
    seen: list[FetchProgress] = []
    fetch(tmp_path, artifact, report=seen.append)
    assert repository.asked.count(artifact.filename) == 2
    assert seen[-1].done_bytes == artifact.size
    assert left(tmp_path) == [f"lib/{artifact.filename}"]


# jgo leaves the socket of an answer that it has no use for to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_what_the_repository_lacks_is_named(repository: Repository, tmp_path: Path) -> None:
    """As when a mirror does not carry it."""

    def fetch_what_is_not_there() -> str:
        with pytest.raises(EnvironmentFailed) as caught:
            fetch(tmp_path, JAR)
        return str(caught.value)

    message = fetch_what_is_not_there()
    gc.collect()
    assert message == "cannot fetch g:a:1:jar: the repository did not deliver it"
    assert repository.asked == []
    assert left(tmp_path) == []


def test_a_refused_connection_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on a port that was just given back."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(download.MIRROR_VARIABLE, f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_RETRY_AFTER_S", 0.0)
    with pytest.raises(EnvironmentFailed) as caught:
        fetch(tmp_path, JAR)
    assert re.fullmatch(
        r"cannot fetch g:a:1:jar: .*refused; is the network there\? \(.*HTTPS_PROXY.*\)",
        str(caught.value),
    )


def test_a_name_that_is_not_found_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.invalid` never resolves (RFC 6761)."""
    monkeypatch.setenv(download.MIRROR_VARIABLE, "http://mirror.invalid")
    monkeypatch.setenv("NO_PROXY", "mirror.invalid")
    monkeypatch.setattr(download, "_RETRY_AFTER_S", 0.0)
    with pytest.raises(EnvironmentFailed, match=r"cannot fetch g:a:1:jar: [^\n]*network there"):
        fetch(tmp_path, JAR)


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """/dev/full gives the kernel's own ENOSPC."""

    def to_a_full_disk(
        _artifact: LockedArtifact, into: Path, received: Callable[[int], None]
    ) -> Path:
        (into / "half.jar").write_bytes(BODY[:500])
        received(500)
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(BODY[500:])
        return into / "half.jar"

    with pytest.raises(EnvironmentFailed, match=r"the disk of .*incoming is full; make room, or"):
        fetch(tmp_path, JAR, downloader=to_a_full_disk)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "number, said",
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "is full"),
        (errno.EACCES, "cannot be written to"),
        (errno.EROFS, "cannot be written to"),
        (errno.EIO, "cannot write below"),
    ],
)
def test_each_trouble_of_a_disk_has_its_own_words(number: int, said: str, tmp_path: Path) -> None:
    """Another disk helps against one, a mode against the other."""
    with pytest.raises(EnvironmentFailed, match=said):
        raise download.disk_trouble(tmp_path, OSError(number, "so it is"))


def test_the_first_that_fails_stops_the_others(tmp_path: Path) -> None:
    """The others would go on for ever; they notice at their next block."""
    stopped: list[str] = []

    def endless_but_one(
        artifact: LockedArtifact, _into: Path, received: Callable[[int], None]
    ) -> Path:
        if artifact == JAR:
            raise EnvironmentFailed("no")
        try:
            while True:
                received(1)
        finally:
            stopped.append(artifact.filename)

    other = LockedArtifact(coordinate="g:b:1:jar", size=len(BODY) + 1, sha256=JAR.sha256)
    with pytest.raises(EnvironmentFailed, match=r"^no$"):
        fetch(tmp_path, other, JAR, downloader=endless_but_one)
    assert stopped == ["b-1.jar"]
    assert left(tmp_path) == []


def test_a_short_file_is_worth_another_attempt(tmp_path: Path) -> None:
    """Its digest would only say that it is another one."""
    path = tmp_path / "a-1.jar"
    path.write_bytes(BODY[:-1])
    with pytest.raises(download.TransferFailed, match="ended after 2999 of 3000 bytes"):
        verify(path, JAR)
    assert not path.exists()
