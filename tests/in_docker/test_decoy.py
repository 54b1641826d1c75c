"""Blast radius: what is not the run's is left alone, whatever it is called."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.environments.docker import images, leftovers, names
from harness.environments.docker.engine import remove
from tests.command import COMMAND, Aftershock

if TYPE_CHECKING:
    from docker import DockerClient

DEAD = "dead0dead0de"
_COMPOSE = {
    "com.docker.compose.project": "aftershock-decoy",
    "com.docker.compose.service": "order",
    "com.docker.compose.container-number": "1",
}


@pytest.fixture
def decoy(engine: "DockerClient") -> Iterator[dict[str, Any]]:
    """Another project with our names and without our label: a container that runs, a network and
    a volume."""
    network = engine.networks.create("aftershock-decoy", labels=_COMPOSE)
    volume = engine.volumes.create("aftershock-decoy_data", labels=_COMPOSE)
    container = engine.containers.run(
        images.PYTHON, ["python", "-c", "import time; time.sleep(1000)"], detach=True, init=True,
        name="aftershock-decoy-order-1", labels=_COMPOSE, network=network.name,
        volumes={volume.name: {"bind": "/data"}},
    )  # fmt: skip
    yield {"container": container, "network": network, "volume": volume}
    container.remove(force=True)
    network.remove()
    volume.remove()


def untouched(decoy: dict[str, Any]) -> dict[str, Any]:
    """What would show that somebody has been there."""
    for each in decoy.values():
        each.reload()
    container = decoy["container"]
    state = container.attrs["State"]
    return {
        "ids": [each.id for each in decoy.values()],
        "state": [state[key] for key in ("Status", "StartedAt", "Pid", "Paused")],
        "networks": sorted(container.attrs["NetworkSettings"]["Networks"]),
        "on the network": sorted(decoy["network"].attrs["Containers"]),
        "restarts": container.attrs["RestartCount"],
    }


def test_a_run_and_a_cleaning_leave_another_project_alone(
    aftershock: Aftershock, decoy: dict[str, Any]
) -> None:
    """The same container, on the same network, never stopped."""
    before = untouched(decoy)
    answer = aftershock(
        "run", "shop", "--backend", "docker", "--pattern", "dual-write", "--fault",
        "kill-between-commit-and-publish", "--seed", "7", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert aftershock("clean").code == 0

    assert untouched(decoy) == before


def test_what_a_killed_run_left_is_cleaned_by_its_label(
    engine: "DockerClient", decoy: dict[str, Any], tmp_path: Path
) -> None:
    """Of this cache's dead runs, and of no other's."""
    before = untouched(decoy)
    runs = tmp_path / "aftershock" / "runs"
    runs.mkdir(parents=True)
    labels = names.labels(runs / DEAD, "order", names.NODE)
    others = names.labels(Path("/elsewhere/runs/0ther0ther00"), "order", names.NODE)
    engine.networks.create(f"aftershock-{DEAD}", labels=names.run_labels(runs / DEAD))
    for each in (labels, others):
        engine.containers.run(
            images.PYTHON, ["python", "-c", "import time; time.sleep(1000)"], detach=True,
            init=True, labels=each,
        )  # fmt: skip
    try:
        done = subprocess.run(
            [*COMMAND, "clean"],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        left = leftovers.placed(engine)
    finally:
        for run in (DEAD, "0ther0ther00"):
            remove(engine, run)

    assert f"removed 2 containers and networks of run {DEAD}" in done.stdout
    assert DEAD not in left and "0ther0ther00" in left
    assert untouched(decoy) == before
