"""What control groups say, from files as both versions have them."""

from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import APIError

from harness.environments.docker import frozen


def place(root: Path, membership: str, group: str, files: dict[str, str]) -> dict[str, Path]:
    """A /proc with process 7 in it, and a control group."""
    (root / "proc" / "7").mkdir(parents=True)
    (root / "proc" / "7" / "cgroup").write_text(membership)
    (root / "cgroup" / group).mkdir(parents=True)
    for name, text in files.items():
        (root / "cgroup" / group / name).write_text(text)
    return {"proc": root / "proc", "cgroup": root / "cgroup"}


V1 = "4:memory:/docker/abc\n3:freezer:/docker/abc\n0::/\n"
V2 = "0::/system.slice/docker-abc.scope\n"


def test_version_1_has_a_state(tmp_path: Path) -> None:
    """In the freezer's own hierarchy."""
    at = place(
        tmp_path, V1, "freezer/docker/abc", {"freezer.state": "FROZEN\n", "cgroup.procs": "7\n9\n"}
    )

    assert frozen.standing(7, **at) == 2
    assert frozen.members(7, **at) == (7, 9)


def test_version_2_has_an_event(tmp_path: Path) -> None:
    """In the one hierarchy that there is."""
    at = place(
        tmp_path, V2, "system.slice/docker-abc.scope",
        {"cgroup.events": "populated 1\nfrozen 1\n", "cgroup.procs": "7\n"},
    )  # fmt: skip

    assert frozen.standing(7, **at) == 1


def test_what_runs_does_not_stand(tmp_path: Path) -> None:
    """Nor does what is about to be frozen."""
    one = place(
        tmp_path / "1", V1, "freezer/docker/abc",
        {"freezer.state": "FREEZING\n", "cgroup.procs": "7\n"},
    )  # fmt: skip
    two = place(
        tmp_path / "2", V2, "system.slice/docker-abc.scope",
        {"cgroup.events": "populated 1\nfrozen 0\n", "cgroup.procs": "7\n"},
    )  # fmt: skip

    assert frozen.standing(7, **one) == frozen.standing(7, **two) == 0


def test_what_cannot_be_told_does_not_stand(tmp_path: Path) -> None:
    """A fault is not proved by what nobody sees."""
    at = place(tmp_path, V2, "elsewhere", {})

    assert frozen.standing(7, **at) == 0
    assert frozen.standing(8, **at) == 0
    assert frozen.members(8, **at) == ()


def test_a_process_is_seen_by_what_it_was_called_with(tmp_path: Path) -> None:
    """The same number may be another's, in another PID namespace."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"python3\0-m\0harness.x\0")

    assert frozen.is_seen(7, "harness.x", proc=tmp_path)
    assert not frozen.is_seen(7, "harness", proc=tmp_path)
    assert not frozen.is_seen(8, "harness.x", proc=tmp_path)


class Reluctant:
    """A container that cannot be paused so many times."""

    def __init__(
        self, times: int, says: str = "OCI runtime pause failed: unable to freeze"
    ) -> None:
        self.left, self.says, self.asked = times, says, 0

    def pause(self) -> None:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise APIError("x", explanation=self.says)


def paused(container: Reluctant, **given: Any) -> None:
    """As a container of the SDK's."""
    frozen.pause(cast("Any", container), **given)


def test_a_pause_that_was_given_up_is_asked_for_again() -> None:
    """Until it is done or its time is over."""
    container = Reluctant(2)
    paused(container)
    assert container.asked == 3
    for_ever = Reluctant(1000)
    with pytest.raises(APIError):
        paused(for_ever, for_s=0.1)
    assert 1 < for_ever.asked < 20


def test_another_refusal_of_a_pause_is_told_at_once() -> None:
    """A container that is gone is not waited for."""
    container = Reluctant(1, "no such container")
    with pytest.raises(APIError):
        paused(container)
    assert container.asked == 1
