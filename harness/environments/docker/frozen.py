"""A container's processes by the kernel's own word: which there are, and whether they stand still.

It is asked of /proc, so the engine must be on this machine. A container that is paused has its
control group frozen; both versions of control groups tell so in a file (cgroups(7), freezer.state of
version 1 and cgroup.events of version 2).
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker.models.containers import Container

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
_PAUSE_S = 5.0
_GAVE_UP = "unable to freeze"
_AGAIN_S = 0.02


def pause(container: "Container", *, for_s: float = _PAUSE_S) -> None:
    """Freeze it. With control groups of version 1, runc looks a number of times whether the kernel is
    through, then thaws all and gives up, which a busy machine makes it do (libcontainer's
    cgroups/fs/freezer.go): asked again until it is done. Blocking. Raises the SDK's APIError."""
    from docker.errors import APIError  # noqa: PLC0415 - half a second that only this backend is to pay

    until = time.monotonic() + for_s
    while True:
        try:
            container.pause()
        except APIError as error:
            if _GAVE_UP not in str(error.explanation) or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def is_seen(pid: int, word: str, *, proc: Path = PROC) -> bool:
    """Whether a process of that pid is here and was called with this word."""
    try:
        return word.encode() in (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def members(pid: int, *, proc: Path = PROC, cgroup: Path = CGROUP) -> tuple[int, ...]:
    """The processes in the container whose first process this is; none where it cannot be told."""
    group = _group(pid, proc, cgroup)
    try:
        text = (group / "cgroup.procs").read_text(encoding="ascii") if group else ""
    except OSError:
        return ()
    return tuple(int(line) for line in text.split())


def standing(pid: int, *, proc: Path = PROC, cgroup: Path = CGROUP) -> int:
    """How many of them stand still: all or none."""
    group = _group(pid, proc, cgroup)
    if group is None or not _is_frozen(group):
        return 0
    return len(members(pid, proc=proc, cgroup=cgroup))


def _is_frozen(group: Path) -> bool:
    try:
        if (group / "freezer.state").exists():
            return (group / "freezer.state").read_text(encoding="ascii").strip() == "FROZEN"
        return "frozen 1" in (group / "cgroup.events").read_text(encoding="ascii").splitlines()
    except OSError:
        return False


def _group(pid: int, proc: Path, cgroup: Path) -> Path | None:
    """The container's group in the hierarchy that freezes: of version 1 the controller's own."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found: Path | None = None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "freezer" in controllers.split(","):
            return cgroup / "freezer" / path.lstrip("/")
        if not controllers:
            found = cgroup / path.lstrip("/")
    return found
