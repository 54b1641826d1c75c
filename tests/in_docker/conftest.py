"""What the tests with an engine share: a client, and runs by the command itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from harness.environments.docker import sdk
from tests.command import Aftershock, calling

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S = 280


@pytest.fixture(scope="session")
def engine() -> Iterator["DockerClient"]:
    """The engine that answers."""
    client = sdk.connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def aftershock(tmp_path_factory: pytest.TempPathFactory) -> Aftershock:
    """Run the command in a folder of its own and await its end."""
    return calling(tmp_path_factory.mktemp("cwd"), timeout_s=_TIMEOUT_S)
