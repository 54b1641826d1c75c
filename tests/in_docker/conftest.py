"""What the tests with an engine share: a client, somebody else's project, and one run of the shop."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.environments.docker import images, leftovers, sdk
from tests.command import Aftershock, Answer, calling

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S = 1500
_WHOLE = os.environ.get("AFTERSHOCK_IN_DOCKER") == "whole"
"""Every pattern and fault of the default matrix, in the place of a few."""
_FEW = (
    "--pattern", "dual-write", "--pattern", "outbox-cdc",
    "--fault", "kill-between-commit-and-publish", "--fault", "broker-partition",
    "--fault", "connector-restart", "--fault", "latency,1",
)  # fmt: skip
_COMPOSE = {
    "com.docker.compose.project": "aftershock-decoy",
    "com.docker.compose.service": "order",
    "com.docker.compose.container-number": "1",
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """Another project with our names and without our label."""

    container: Any
    network: Any
    volume: Any

    def state(self) -> dict[str, Any]:
        """What would show that somebody has been there."""
        for each in (self.container, self.network, self.volume):
            each.reload()
        state = self.container.attrs["State"]
        return {
            "ids": [each.id for each in (self.container, self.network, self.volume)],
            "state": [state[key] for key in ("Status", "StartedAt", "Pid", "Paused")],
            "networks": sorted(self.container.attrs["NetworkSettings"]["Networks"]),
            "on the network": sorted(self.network.attrs["Containers"]),
            "restarts": self.container.attrs["RestartCount"],
        }


@pytest.fixture(scope="session")
def decoy(engine: "DockerClient") -> Iterator[Decoy]:
    """A container that runs, a network and a volume."""
    network = engine.networks.create("aftershock-decoy", labels=_COMPOSE)
    volume = engine.volumes.create("aftershock-decoy_data", labels=_COMPOSE)
    container = engine.containers.run(
        images.PYTHON, ["python", "-c", "import time; time.sleep(10000)"], detach=True, init=True,
        name="aftershock-decoy-order-1", labels=_COMPOSE, network=network.name,
        volumes={volume.name: {"bind": "/data"}},
    )  # fmt: skip
    yield Decoy(container=container, network=network, volume=volume)
    container.remove(force=True)
    network.remove()
    volume.remove()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that has ended, beside the decoy."""

    answer: Answer
    left: Mapping[str, str]
    """Runs that the engine has something of, besides those that it had before."""
    touched: bool
    """Whether the decoy is another than before."""


@pytest.fixture(scope="session")
def ran(aftershock: Aftershock, engine: "DockerClient", decoy: Decoy) -> Ran:
    """The shop, once for all tests."""
    state, before = decoy.state(), leftovers.placed(engine)
    chosen = () if _WHOLE else _FEW
    answer = aftershock("run", "shop", "--backend", "docker", *chosen, "--seed", "7", "--json")
    left = {run: at for run, at in leftovers.placed(engine).items() if run not in before}
    return Ran(answer=answer, left=left, touched=decoy.state() != state)
