"""What the tests with an engine share: a client, and runs by the command itself."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.environments.docker import sdk

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S = 280
COMMAND = (sys.executable, "-c", "from harness.cli import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


Aftershock = Callable[..., Answer]


@pytest.fixture(scope="session")
def engine() -> Iterator["DockerClient"]:
    """The engine that answers."""
    client = sdk.connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def aftershock(tmp_path_factory: pytest.TempPathFactory) -> Aftershock:
    """Run the command in a folder of its own and await its end."""
    home = tmp_path_factory.mktemp("cwd")

    def call(*arguments: str, cwd: Path = home) -> Answer:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        return Answer(code=done.returncode, out=done.stdout, err=done.stderr)

    return call
