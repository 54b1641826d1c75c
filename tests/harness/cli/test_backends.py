"""The backend that was asked for, and its names."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli import backends
from harness.cli.backends import InContainers
from harness.errors import DeclarationError, MachineUnfit
from tests.harness.cli.test_images import SYSTEM


def test_another_name_is_refused_with_those_there_are() -> None:
    """Before anything is looked at."""
    for name in backends.NAMES:
        backends.known(name)
    with pytest.raises(
        DeclarationError, match="--backend podman: there are auto, namespaces, docker"
    ):
        backends.known("podman")


def test_containers_need_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """And say so in one message."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(MachineUnfit, match="--backend docker: no Docker Engine answers"):
        backends.chosen("docker", SYSTEM, offline=True, cache=None)


def test_what_containers_cannot_do_yet_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is there; MariaDB is not run in it."""
    monkeypatch.setattr("harness.environments.docker.sdk.connect", lambda: None)
    with pytest.raises(DeclarationError, match="service db: --backend docker does not run role"):
        InContainers(SYSTEM, cache=None)


def test_without_an_image_of_toxiproxy_its_faults_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is made; with the one command that helps."""
    engine: Any = SimpleNamespace(images=SimpleNamespace(list=list))
    monkeypatch.setattr("harness.environments.docker.sdk.connect", lambda: engine)
    served = replace(SYSTEM, nodes=SYSTEM.nodes[1:])
    with pytest.raises(MachineUnfit, match=r"--fault latency: .*`aftershock images build`"):
        backends.chosen("docker", served, offline=True, cache=None, poisoned="latency")
