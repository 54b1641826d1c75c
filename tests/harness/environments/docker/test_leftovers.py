"""Which runs are dead, by literal labels and real locks."""

import fcntl
import os
from pathlib import Path
from typing import Any, cast

from harness.environments.docker import leftovers, names


class Listed:
    """Things with labels."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self._labels = labels

    def list(self, **_given: Any) -> list[Any]:
        return [_Thing(labels) for labels in self._labels]


class _Thing:
    def __init__(self, labels: dict[str, str]) -> None:
        self.labels, self.attrs = labels, {"Labels": labels}


class Client:
    """An engine with these containers."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self.containers = Listed(*labels)
        self.networks = self.volumes = Listed()


def test_a_run_is_dead_when_nobody_holds_its_place(tmp_path: Path) -> None:
    """One that is held lives; another cache's, and one whose label fits no place, are not ours to
    judge."""
    runs = tmp_path / "runs"
    held, left = runs / "held", runs / "left"
    for place in (held, left):
        place.mkdir(parents=True)
        (place / "lock").write_text("")
    lock = os.open(held / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    client = Client(
        names.run_labels(held), names.run_labels(left), names.run_labels(runs / "removed"),
        names.run_labels(Path("/elsewhere/runs/other")), {names.RUN_LABEL: "bare"},
        {names.RUN_LABEL: "odd", names.PLACE_LABEL: str(left)},
    )  # fmt: skip
    try:
        assert leftovers.dead(cast("Any", client), runs) == ("left", "removed")
        assert leftovers.is_held(held) and not leftovers.is_held(left)
    finally:
        os.close(lock)
    assert leftovers.dead(cast("Any", client), runs) == ("held", "left", "removed")
