"""Filling the cache: what it brings, what it leaves alone, and what it says when it cannot."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain.cache import Layout, exclusive, is_ready
from harness.toolchain.fill import fill
from harness.toolchain.lock import parse_lock
from harness.toolchain.machine import COMMON, Component
from harness.toolchain.progress import FetchPhase, FetchProgress

if TYPE_CHECKING:
    from tests.harness.toolchain.conftest import Repository

ROOT = Path(__file__).resolve().parents[3]

FETCHER = """
import sys
from pathlib import Path
from harness.toolchain.cache import Layout
from harness.toolchain.fill import fill
from harness.toolchain.lock import parse_lock
from harness.toolchain.machine import Component
layout = Layout(root=Path(sys.argv[1]), lock=parse_lock(sys.stdin.read()))
fill(layout, [Component.KAFKA], report=lambda p: print(p.phase.value, flush=True))
print("filled", flush=True)
"""


def another_process(layout: Layout, lock: str) -> subprocess.Popen[str]:
    """A second aftershock that fetches Kafka into the same cache and prints its phases."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCHER, layout.root],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(lock)
    process.stdin.close()
    return process


def next_line(process: subprocess.Popen[str]) -> str:
    """What it prints next."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def files(place: Path) -> list[str]:
    """Every file below a directory."""
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def test_everything_is_fetched_once_and_then_left_alone(
    layout: Layout, repository: Repository
) -> None:
    """The jar that two components share, too."""
    seen: list[FetchProgress] = []
    fill(layout, list(COMMON), report=seen.append)
    assert all(is_ready(layout, component) for component in COMMON)
    assert len(repository.asked) == len(set(repository.asked)) == 5
    assert seen[0].phase is FetchPhase.CHECKING
    assert seen[-1].phase is FetchPhase.READY
    assert not layout.incoming.exists()

    fill(layout, list(COMMON), report=seen.append)
    assert len(repository.asked) == 5
    assert seen[-1].phase is FetchPhase.READY
    assert sum(p.phase is FetchPhase.READY for p in seen) == 1


def test_only_what_is_asked_for_is_fetched(layout: Layout, repository: Repository) -> None:
    """A run without CDC needs no Debezium."""
    fill(layout, [Component.DEBEZIUM], report=print)
    assert repository.asked == ["debezium-connector-postgres-3.7.0.Final.jar"]


def test_verifying_replaces_what_is_damaged_and_nothing_else(
    layout: Layout, repository: Repository
) -> None:
    """Of the right size, so that the cheap check could not tell."""
    fill(layout, list(COMMON), report=print)
    jar = layout.paths(Component.CONNECT)[0]
    sound = jar.read_bytes()
    jar.write_bytes(b"x" * len(sound))
    server = layout.postgres_home / "bin" / "postgres"
    server.write_text("damaged")
    repository.asked.clear()

    fill(layout, list(COMMON), verify=True, report=print)
    assert repository.asked == [jar.name]
    assert jar.read_bytes() == sound
    assert server.read_text() == "postgres"


def test_a_file_that_was_cut_is_fetched_again(layout: Layout, repository: Repository) -> None:
    """Without being asked to verify: the size tells."""
    fill(layout, [Component.KAFKA], report=print)
    jar = layout.paths(Component.KAFKA)[0]
    jar.write_bytes(b"")
    fill(layout, [Component.KAFKA], report=print)
    assert jar.stat().st_size == layout.artifacts(Component.KAFKA)[0].size
    assert repository.asked.count(jar.name) == 2


def test_a_new_lock_costs_the_download_of_what_changed(
    layout: Layout, repository: Repository, small_lock: str
) -> None:
    """The rest is taken over from the old lock's directory."""
    fill(layout, list(COMMON), report=print)
    repository.offer("org.apache.kafka:connect-runtime:4.3.2:jar", b"worker" * 200)
    changed = parse_lock(small_lock.replace("connect-runtime:4.3.1", "connect-runtime:4.3.2"))
    repository.asked.clear()
    new = Layout(root=layout.root, lock=changed)
    fill(new, list(COMMON), report=print)
    assert repository.asked == ["connect-runtime-4.3.2.jar"]
    assert all(is_ready(each, component) for each in (layout, new) for component in COMMON)


def test_offline_nothing_is_asked_for_and_what_is_missing_is_said(
    layout: Layout, repository: Repository
) -> None:
    """With an empty cache nothing is even made; with a part of it, the rest is named."""
    with pytest.raises(EnvironmentFailed, match=r"offline, and 5 files .*`aftershock fetch` once"):
        fill(layout, list(COMMON), offline=True, report=print)
    assert not layout.root.exists()
    fill(layout, [Component.KAFKA], report=print)
    repository.asked.clear()
    fill(layout, [Component.KAFKA], offline=True, report=print)
    with pytest.raises(EnvironmentFailed) as caught:
        fill(layout, [Component.KAFKA, Component.CONNECT], offline=True, report=print)
    assert "1 files (0.0 MB)" in str(caught.value)
    assert "org.apache.kafka:connect-runtime:4.3.1:jar" in str(caught.value)
    assert repository.asked == []


def test_a_cache_that_was_copied_is_verified_offline(
    layout: Layout, repository: Repository, tmp_path: Path
) -> None:
    """A machine without a network gets its files on a stick; no stamp is taken on trust."""
    fill(layout, list(COMMON), report=print)
    for component in COMMON:
        layout.stamp(component).unlink()
    repository.asked.clear()
    fill(layout, list(COMMON), offline=True, report=print)
    assert all(is_ready(layout, component) for component in COMMON)
    assert repository.asked == []


def test_a_disk_without_room_is_told_before_the_first_byte(
    layout: Layout, repository: Repository
) -> None:
    """With both figures, and the unpacked server counted in."""
    jars = {layout.path(c, a): a.size for c in COMMON for a in layout.artifacts(c)}
    with pytest.raises(EnvironmentFailed, match=r"full: \d+ MB are needed and 1 MB are free"):
        fill(layout, list(COMMON), report=print, free_bytes=lambda _: sum(jars.values()))
    assert repository.asked == []
    fill(layout, [Component.KAFKA], report=print, free_bytes=lambda _: sum(jars.values()))


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, small_lock: str) -> None:
    """A file stands in the way, which stops root, too."""
    (tmp_path / "file").write_text("")
    layout = Layout(root=tmp_path / "file" / "cache", lock=parse_lock(small_lock))
    with pytest.raises(EnvironmentFailed, match="cannot be written to"):
        fill(layout, list(COMMON), report=print)


def test_of_two_at_once_one_fetches_and_the_other_waits(
    layout: Layout, repository: Repository, small_lock: str, tmp_path: Path
) -> None:
    """The other says that it waits, and finds all done."""
    elsewhere = Layout(root=tmp_path / "elsewhere", lock=layout.lock)
    fill(elsewhere, [Component.KAFKA], report=print)
    asked = list(repository.asked)
    with exclusive(layout.root, on_wait=lambda: None):
        process = another_process(layout, small_lock)
        assert next_line(process) == "waiting"
        layout.home.parent.mkdir()
        elsewhere.home.rename(layout.home)
    with process:
        assert next_line(process) == "filled"
    assert process.returncode == 0
    assert repository.asked == asked


def received(layout: Layout) -> list[Path]:
    """What of a download is on disk."""
    return [path for path in layout.incoming.rglob("*") if path.is_file()]


def test_a_process_killed_half_way_leaves_nothing_in_place_and_the_next_one_finishes(
    layout: Layout, repository: Repository, small_lock: str
) -> None:
    """SIGKILL between the halves of a jar."""
    jar = layout.paths(Component.KAFKA)[0]
    repository.held_back = jar.name
    with another_process(layout, small_lock) as process:
        while next_line(process) != FetchPhase.DOWNLOADING.value:
            assert process.poll() is None
        while not received(layout):  # the first half of the jar, and no more comes
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert jar.name not in [p.name for p in (layout.home / "lib").glob("*")]
    assert received(layout)

    repository.held_back = None
    fill(layout, [Component.KAFKA], report=print)
    assert is_ready(layout, Component.KAFKA)
    assert not layout.incoming.exists()
