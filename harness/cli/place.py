"""Where a run keeps what it needs while it lives, and how a dead run's place is recognised.

`<cache>/runs/<id>/` holds `keeper.json`, the heal ledger and the nodes' disks. While a run lives it
holds a lock on its place; one that nobody holds is a leftover, which `clean` and the next run
remove. A pid would not do: a run in another PID namespace, a container beside this one say, has
pids of its own.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.ledger import Entry, open_entries
from harness.errors import EnvironmentFailed

_KEEPER = "keeper.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run's own directory."""

    path: Path
    lock: int | None = None
    """The descriptor that holds the lock, in the process that took the place; its children hold
    it with it."""

    @property
    def nodes(self) -> Path:
        return self.path / "nodes"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def up(self) -> Path:
        """What `up` tells of its stack, for `status` and `down`."""
        return self.path / "up.json"

    def remove(self) -> None:
        """Delete it with everything in it, and let go of the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a killed harness left."""

    place: Place
    keeper: int
    unhealed: tuple[Entry, ...]
    bytes: int


def take(cache: Path, run_dir: Path) -> Place:
    """Make a place for this process's run. Raises EnvironmentFailed where the disk refuses."""
    path = cache / "runs" / uuid.uuid4().hex[:12]
    keeper = {"pid": os.getpid(), "started": start_time(os.getpid()), "run_dir": str(run_dir)}
    try:
        path.mkdir(parents=True)
        place = Place(path=path, lock=_locked(path))
        place.nodes.mkdir()
        (path / _KEEPER).write_text(json.dumps(keeper), encoding="utf-8")
    except OSError as error:
        raise EnvironmentFailed(
            f"{path}: cannot be written ({error.strerror}); free some room or set "
            "XDG_CACHE_HOME to another disk"
        ) from error
    return place


def _locked(path: Path) -> int:
    """Take the place's lock. Raises BlockingIOError where another process holds it."""
    fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A run that is going on. `told` is what `up` has written about its stack, if it is one."""

    place: Place
    keeper: int
    told: Mapping[str, Any]


def living(cache: Path) -> tuple[Living, ...]:
    """Every place whose keeper lives."""
    found = []
    for path in sorted((cache / "runs").glob("*")):
        pid, alive = _keeper(path)
        if alive:
            place = Place(path=path)
            found.append(Living(place=place, keeper=pid, told=_told(place)))
    return tuple(found)


def _told(place: Place) -> dict[str, Any]:
    try:
        told = json.loads(place.up.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def leftovers(cache: Path) -> tuple[Leftover, ...]:
    """Every place whose keeper is dead."""
    found = []
    for path in sorted((cache / "runs").glob("*")):
        pid, alive = _keeper(path)
        if not alive:
            place = Place(path=path)
            unhealed = open_entries(place.ledger)
            found.append(Leftover(place=place, keeper=pid, unhealed=unhealed, bytes=_size(path)))
    return tuple(found)


def _keeper(path: Path) -> tuple[int, bool]:
    """The keeper's pid as it told it, 0 where it told none, and whether the run lives."""
    try:
        pid = int(json.loads((path / _KEEPER).read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        pid = 0
    try:
        os.close(_locked(path))
    except BlockingIOError:
        return pid, True
    except OSError:
        return pid, not path.exists()
    return pid, False


def is_keeper(living: Living) -> bool:
    """Whether the pid is the keeper's here: in another PID namespace it may be anybody's."""
    told = json.loads((living.place.path / _KEEPER).read_text(encoding="utf-8"))
    return bool(told["started"]) and start_time(living.keeper) == told["started"]


def start_time(pid: int) -> str:
    """When the process began (proc(5), field 22), which a reused pid does not share."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def _size(path: Path) -> int:
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118
            except OSError:
                continue
    return total
