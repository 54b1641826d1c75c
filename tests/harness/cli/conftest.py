"""The command as a user calls it: a process of its own, in and out."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import COMMAND, Aftershock, Answer, calling
from tests.small_shop import small_shop

_TIMEOUT_S = 240


@pytest.fixture(scope="session")
def aftershock(tmp_path_factory: pytest.TempPathFactory) -> Aftershock:
    """Run the command in a folder of its own and await its end."""
    return calling(tmp_path_factory.mktemp("cwd"), timeout_s=_TIMEOUT_S)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """For tests that need a run of `dual-write` or `outbox-cdc` and not all of the shop."""
    nodes = ("order-db", "inventory-db", "kafka-1", "connect", "order", "inventory")
    return small_shop(tmp_path_factory.mktemp("small"), nodes)


@pytest.fixture(scope="session")
def control_run(aftershock: Aftershock, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The control, run once: dual-write killed between commit and publish."""
    out = tmp_path_factory.mktemp("control")
    return aftershock(
        "run", "shop", "--pattern", "dual-write", "--fault", "kill-between-commit-and-publish",
        "--seed", "7", "--offline", "--json", "--out", str(out),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that goes on, and its progress line by line."""

    process: subprocess.Popen[str]
    out: Path

    def until(self, text: str) -> str:
        """Read progress up to the first line with `text`. Fails where the run ends before."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came; it said:\n{''.join(seen)}")

    @property
    def run_dir(self) -> Path:
        """Where the run is kept."""
        return (self.out / "shop" / "latest").resolve()


@pytest.fixture
def started(tmp_path: Path, small: str) -> Iterator[Callable[..., Started]]:
    """Start a run of the small shop and let it go on; what is left is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Started:
        process = subprocess.Popen(
            [*COMMAND, "run", small, *arguments, "--offline", "--out", str(tmp_path / "out")],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return Started(process=process, out=tmp_path / "out")

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=30)
