"""What dead runs have left in the engine, known by the labels that they gave it.

A run is dead where the place that its label names is one of this user's cache and nobody holds its
lock. What another cache's run has made is not judged, and stays.
"""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environments.docker import names
from harness.environments.docker.engine import remove
from harness.environments.docker.sdk import engine_errors

if TYPE_CHECKING:
    from docker import DockerClient


def remove_dead(client: "DockerClient", runs: Path) -> Mapping[str, int]:
    """Remove what runs of these places have left. Returns run → number of objects."""
    return {run: remove(client, run) for run in dead(client, runs)}


def dead(client: "DockerClient", runs: Path) -> tuple[str, ...]:
    """The runs whose places are under `runs` and held by nobody, sorted."""
    found = placed(client)
    return tuple(
        sorted(
            run
            for run, place in found.items()
            if Path(place).parent == runs and Path(place).name == run and not is_held(Path(place))
        )
    )


def placed(client: "DockerClient") -> Mapping[str, str]:
    """Run → the place that its objects' label names."""
    label = {"label": names.RUN_LABEL}
    with engine_errors("what runs have left"):
        every = [
            container.labels
            for container in client.containers.list(all=True, filters=label, ignore_removed=True)
        ]
        every += [n.attrs.get("Labels") or {} for n in client.networks.list(filters=label)]
        volumes = client.volumes.list(filters=label)
        every += [v.attrs.get("Labels") or {} for v in volumes]
    return {
        labels[names.RUN_LABEL]: labels.get(names.PLACE_LABEL, "")
        for labels in every
        if labels.get(names.RUN_LABEL)
    }


def is_held(place: Path) -> bool:
    """Whether a living run holds the place's lock; one that is gone is held by nobody."""
    try:
        fd = os.open(place / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
