"""What the machine has."""

import os
import sys
from pathlib import Path

import pytest

from harness.environments import resources
from harness.environments.resources import GIB
from harness.toolchain import toxiproxy as toolchain


def test_linux_on_a_known_machine_will_do() -> None:
    """Others are named, with what is to be had."""
    found = resources.platform(system="Linux", release="6.1", machine="x86_64")
    assert (found.ok, found.says) == (True, "Linux 6.1 on x86_64")

    found = resources.platform(system="Linux", release="6.1", machine="riscv64")
    assert not found.ok
    assert "x86_64 and aarch64 only" in found.says

    found = resources.platform(system="Darwin", release="24", machine="arm64")
    assert not found.ok
    assert found.needed
    assert "this is Darwin" in found.says


def test_either_user_will_do() -> None:
    """Who it is, is only told."""
    assert resources.user(0).says == "running as root; either will do"
    assert "uid 1001" in resources.user(1001).says


def test_this_interpreter_can_be_read() -> None:
    """The one that runs the tests."""
    assert resources.interpreter().ok


def test_an_interpreter_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when root's own Python was used for another user's environment."""
    monkeypatch.setattr(sys, "executable", "/root/nowhere/python")

    found = resources.interpreter()

    assert not found.ok
    assert found.needed
    assert found.says.endswith("this user may not read /root/nowhere/python")


def test_the_disk_is_that_of_the_nearest_directory_that_exists(tmp_path: Path) -> None:
    """The cache is made on first use."""
    found = resources.disk(tmp_path / "not" / "yet")

    assert found.says.endswith(f"free for the cache {tmp_path}/not/yet") or not found.ok


def test_too_little_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filled cache asks for less."""
    facts = list(os.statvfs(tmp_path))
    facts[0] = facts[1] = 4096
    facts[4] = GIB // 2 // 4096  # f_bavail
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(facts))

    cold = resources.disk(tmp_path)
    (tmp_path / "toolchain").mkdir()
    warm = resources.disk(tmp_path)

    assert (cold.ok, cold.needed) == (False, False)
    assert cold.says == f"0.5 GiB free for the cache {tmp_path}; 1.0 GiB are needed"
    assert cold.mend == "export XDG_CACHE_HOME=…"
    assert warm.ok


def test_a_cache_that_runs_no_programs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres and Java are started from there."""
    facts = list(os.statvfs(tmp_path))
    facts[8] |= os.ST_NOEXEC  # f_flag
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(facts))

    found = resources.disk(tmp_path)

    assert (found.ok, found.needed) == (False, True)
    assert "runs no programs (noexec)" in found.says


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere, so the answer is given for it here."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path)

    found = resources.disk(tmp_path / "cache")

    assert (found.ok, found.needed) == (False, True)
    assert found.says == f"the cache {tmp_path}/cache cannot be written"


def memory_tree(tmp_path: Path, *, limit: str, used: int = 0) -> None:
    """A fake /proc and control group: 8 GiB available."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(
        f"MemTotal: 9 kB\nMemAvailable:  {8 * GIB // 1024} kB\n"
    )
    (tmp_path / "proc" / "self" / "cgroup").write_text("1:name=x:/\n0::/a/b\n")
    group = tmp_path / "cgroup" / "a" / "b"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text(f"{used}\n")


@pytest.mark.parametrize(
    ("limit", "used", "ok", "says"),
    [
        ("max", 0, True, "8.0 GiB of memory available"),
        (str(2 * GIB), 0, True, "2.0 GiB of memory available, by the limit of this control group"),
        (
            str(2 * GIB),
            GIB,
            False,
            (
                "1.0 GiB of memory available, by the limit of this control group"
                "; a run of the sample system takes up to 1.5 GiB"
            ),
        ),
    ],
)
def test_memory_is_the_machines_or_the_control_groups(
    tmp_path: Path, limit: str, used: int, ok: bool, says: str
) -> None:
    """Whichever is less."""
    memory_tree(tmp_path, limit=limit, used=used)

    found = resources.memory(proc=tmp_path / "proc", cgroup=tmp_path / "cgroup")

    assert (found.ok, found.needed, found.says) == (ok, False, says)


def test_memory_that_cannot_be_told_is_no_reason_to_stop(tmp_path: Path) -> None:
    """An empty /proc."""
    assert resources.memory(proc=tmp_path, cgroup=tmp_path).ok


def test_cores_are_those_this_process_may_use() -> None:
    """One is a warning."""
    count = len(os.sched_getaffinity(0))

    assert resources.cores().ok == (count >= 2)


@pytest.mark.parametrize(
    "server, go, ok, says",
    [
        (Path("/x/toxiproxy-server"), None, True, "Toxiproxy is /x/toxiproxy-server"),
        (None, Path("/x/go"), True, "will be built with /x/go"),
        (None, None, False, "no Toxiproxy and no Go"),
    ],
)
def test_toxiproxy_is_there_can_be_built_or_is_not_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    server: Path | None, go: Path | None, ok: bool, says: str,
) -> None:  # fmt: skip
    """Only some faults need it."""
    monkeypatch.setattr(toolchain, "found", lambda _cache: server)
    monkeypatch.setattr(toolchain, "go_program", lambda: go)
    found = resources.toxiproxy(tmp_path)
    assert (found.ok, found.needed) == (ok, False)
    assert says in found.says
    assert found.mend == (None if ok else "pip install 'aftershock[toxiproxy]'")
