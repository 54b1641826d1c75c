"""Where a run keeps what it needs while it lives, and how a dead run's place is recognised.

`<cache>/runs/<id>/` holds `keeper.json`, the heal ledger and the nodes' disks. A place whose
keeper is gone is a leftover: `clean`, or the next run, removes it.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run's own directory."""

    path: Path

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
        """Delete it with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a killed harness left."""

    place: Place
    keeper: int
    unhealed: tuple[Entry, ...]
    bytes: int


def take(cache: Path, run_dir: Path) -> Place:
    """Make a place for this process's run. Raises EnvironmentFailed where the disk refuses."""
    place = Place(path=cache / "runs" / uuid.uuid4().hex[:12])
    keeper = {"pid": os.getpid(), "started": _start_time(os.getpid()), "run_dir": str(run_dir)}
    try:
        place.nodes.mkdir(parents=True)
        (place.path / "keeper.json").write_text(json.dumps(keeper), encoding="utf-8")
    except OSError as error:
        raise EnvironmentFailed(
            f"{place.path}: cannot be written ({error.strerror}); free some room or set "
            "XDG_CACHE_HOME to another disk"
        ) from error
    return place


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
    try:
        told = json.loads((path / "keeper.json").read_text(encoding="utf-8"))
        pid, started = int(told["pid"]), str(told["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, False
    return pid, _start_time(pid) == started


def _start_time(pid: int) -> str:
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
