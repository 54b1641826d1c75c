"""What this machine has: its system, interpreter, disk, memory, cores.

Each function looks at one thing and returns a Finding; none changes anything or raises.
"""

import os
import sys
from pathlib import Path

from harness.environments.causes import Finding
from harness.toolchain import toxiproxy as toolchain

GIB = 1 << 30
DISK_COLD = 1 * GIB
"""Downloads (190 MB), unpacked (350 MB), formatted data directories and a run's data."""
DISK_WARM = GIB // 4
"""A run's data alone."""
MEMORY = GIB * 3 // 2
"""The promised peak of a run of the sample system, everything together."""

_MACHINES = ("x86_64", "aarch64")


def platform(*, system: str, release: str, machine: str) -> Finding:
    """Linux on a machine that the toolchain has binaries for (os.uname's three words)."""
    if system != "Linux":
        says = f"this is {system}; the namespaces of a run are Linux's: use a Linux machine or VM"
        return Finding(name="linux", ok=False, says=says, needed=True)
    known = machine in _MACHINES
    says = f"Linux {release} on {machine}"
    if not known:
        says += f"; Postgres and Java are to be had for {' and '.join(_MACHINES)} only"
    return Finding(name="linux", ok=known, says=says, needed=True)


def user(uid: int) -> Finding:
    """Who runs it; either will do."""
    who = "root" if uid == 0 else f"an ordinary user (uid {uid})"
    return Finding(name="user", ok=True, says=f"running as {who}; either will do")


def interpreter() -> Finding:
    """Whether this user may read the interpreter and libraries that the nodes will run with."""
    version = ".".join(map(str, sys.version_info[:3]))
    needed = (
        (sys.executable or "(unknown)", os.R_OK | os.X_OK),
        (os.path.dirname(os.__file__), os.R_OK | os.X_OK),
        (os.path.dirname(os.path.dirname(__file__)), os.R_OK | os.X_OK),
    )
    for path, mode in needed:
        if not os.access(path, mode):
            says = f"Python {version}: this user may not read {path}"
            mend = "/usr/bin/python3 -m venv ~/.venv && ~/.venv/bin/pip install -e ."
            return Finding(name="python", ok=False, says=says, mend=mend, needed=True)
    says = f"Python {version} at {sys.executable}, readable"
    return Finding(name="python", ok=True, says=says, needed=True)


def disk(cache: Path) -> Finding:
    """Whether the cache can be written, hold what a run needs, and have programs run from it."""
    place = next((p for p in (cache, *cache.parents) if os.path.isdir(p)), Path("/"))
    needed = DISK_WARM if os.path.isdir(cache / "toolchain") else DISK_COLD
    move = "export XDG_CACHE_HOME=…"
    if not os.access(place, os.W_OK | os.X_OK):
        says = f"the cache {cache} cannot be written"
        return Finding(name="disk", ok=False, says=says, mend=move, needed=True)
    try:
        facts = os.statvfs(place)
    except OSError as error:
        says = f"the cache {cache} cannot be looked at: {error.strerror}"
        return Finding(name="disk", ok=False, says=says, mend=move, needed=True)
    if facts.f_flag & getattr(os, "ST_NOEXEC", 0):
        says = f"the cache {cache} is on a file system that runs no programs (noexec)"
        return Finding(name="disk", ok=False, says=says, mend=move, needed=True)
    free = facts.f_bavail * facts.f_frsize
    ok = free >= needed
    says = f"{_gib(free)} free for the cache {cache}"
    if not ok:
        says += f"; {_gib(needed)} are needed"
    return Finding(name="disk", ok=ok, says=says, mend=None if ok else move)


def memory(*, proc: Path, cgroup: Path) -> Finding:
    """What is available, the limit of this process's control group included."""
    available = _available(proc / "meminfo")
    limit = _group_room(proc / "self" / "cgroup", cgroup)
    figures = [figure for figure in (available, limit) if figure is not None]
    if not figures:
        return Finding(name="memory", ok=True, says="how much memory there is cannot be told")
    least = min(figures)
    says = f"{_gib(least)} of memory available"
    if limit is not None and least == limit:
        says += ", by the limit of this control group"
    if least < MEMORY:
        says += f"; a run of the sample system takes up to {_gib(MEMORY)}"
    return Finding(name="memory", ok=least >= MEMORY, says=says)


def _available(meminfo: Path) -> int | None:
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _group_room(membership: Path, root: Path) -> int | None:
    """Bytes until the limit of a control group (version 2); None where there is no limit."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
        path = next(line[3:] for line in lines if line.startswith("0::"))
        group = root / path.lstrip("/")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        return None if limit == "max" else max(0, int(limit) - used)
    except (OSError, ValueError, StopIteration):
        return None


def cores() -> Finding:
    """Cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    says = f"{count} core{'' if count == 1 else 's'}"
    if count < 2:
        says += "; it will work, slowly: deadlines are made for 2"
    return Finding(name="cores", ok=count >= 2, says=says)


def toxiproxy(cache: Path) -> Finding:
    """Whether faults on links can be had: Toxiproxy's server, or what builds it."""
    server = toolchain.found(cache)
    if server is not None:
        return Finding(name="toxiproxy", ok=True, says=f"Toxiproxy is {server}")
    go = toolchain.go_program()
    if go is not None:
        says = f"Toxiproxy will be built with {go} when a fault first needs it"
        return Finding(name="toxiproxy", ok=True, says=says)
    says = "no Toxiproxy and no Go to build it with: no latency, bandwidth and the like on links"
    return Finding(name="toxiproxy", ok=False, says=says, mend=toolchain.EXTRA)


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
