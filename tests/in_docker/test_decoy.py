"""Blast radius: what is not the run's is left alone, whatever it is called."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environments.docker import images, leftovers, names
from harness.environments.docker.engine import remove
from tests.command import COMMAND, Aftershock
from tests.in_docker.conftest import Decoy, Ran

if TYPE_CHECKING:
    from docker import DockerClient

DEAD = "dead0dead0de"


def test_a_run_and_a_cleaning_leave_another_project_alone(
    ran: Ran, aftershock: Aftershock, decoy: Decoy
) -> None:
    """The same container, on the same network, never stopped."""
    assert not ran.touched
    before = decoy.state()
    assert aftershock("clean").code == 0

    assert decoy.state() == before


def test_what_a_killed_run_left_is_cleaned_by_its_label(
    engine: "DockerClient", decoy: Decoy, tmp_path: Path
) -> None:
    """Of this cache's dead runs, and of no other's."""
    before = decoy.state()
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
    assert decoy.state() == before
