"""A command's end, and what is told of it."""

import os
from pathlib import Path

import pytest

from harness.environments.docker.command import execute, tail
from harness.errors import EnvironmentFailed


def _sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_one_that_ends_well_tells_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It runs where it was told to, with the environment that it was given alone."""
    execute(_sh('echo "$A$HOME" | tee told'), name="x", timeout_s=10, cwd=tmp_path, env={"A": "b"})

    assert (tmp_path / "told").read_text() == "b\n"
    assert capfd.readouterr() == ("", "")


def test_one_that_fails_is_told_with_its_end() -> None:
    """Both its streams, the last lines."""
    script = "seq 20; echo no room >&2; exit 3"
    with pytest.raises(EnvironmentFailed) as caught:
        execute(_sh(script), name="packing", timeout_s=10)

    last = "".join(f"\n    {line}" for line in [*range(10, 21), "no room"])
    assert str(caught.value) == f"packing ended with 3:{last}"


def test_one_that_is_not_there_or_does_not_end_is_told_by_name() -> None:
    """It is ended with its time."""
    with pytest.raises(EnvironmentFailed, match=r"^packing: .*'/nowhere'$"):
        execute(["/nowhere"], name="packing", timeout_s=10)
    with pytest.raises(EnvironmentFailed, match=r"^packing took longer than 0\.1 s$"):
        execute(_sh("exec sleep 60"), name="packing", timeout_s=0.1)


@pytest.mark.parametrize("apart", [True, False])
def test_apart_it_is_in_a_session_of_its_own(tmp_path: Path, apart: bool) -> None:
    """What the terminal sends goes to the other one."""
    execute(_sh("cat /proc/self/stat > told"), name="x", timeout_s=10, cwd=tmp_path, apart=apart)

    session = int((tmp_path / "told").read_text().rpartition(")")[2].split()[3])
    assert (session != os.getsid(0)) is apart


def test_of_what_was_said_the_end_is_shown() -> None:
    """Indented."""
    assert tail(["a", "b"]) == "    a\n    b"
    assert tail([]) == ""
