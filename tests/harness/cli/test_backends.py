"""The backend that was asked for, and its names."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli import backends
from harness.cli.backends import InContainers
from harness.environments.causes import Finding
from harness.errors import DeclarationError, EnvironmentFailed, MachineUnfit
from tests.harness.cli.test_images import SYSTEM


def test_another_name_is_refused_with_those_there_are() -> None:
    """Before anything is looked at."""
    for name in backends.NAMES:
        backends.known(name)
    with pytest.raises(
        DeclarationError, match="--backend podman: there are auto, namespaces, docker"
    ):
        backends.known("podman")


@pytest.mark.parametrize(
    ("namespaces", "docker", "expected"),
    [(True, True, "namespaces"), (False, False, "namespaces"), (False, True, "docker")],
)
def test_auto_is_namespaces_unless_only_containers_can_be_used(
    namespaces: bool, docker: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then it is said, with the reason."""
    answers = Finding(name="docker", ok=True, says="")
    monkeypatch.setattr("harness.environments.docker.usable.engine", lambda _environ: answers)
    monkeypatch.setattr("harness.environments.doctor.diagnose", tuple)
    usable = {
        "namespaces": {"usable": namespaces, "why": "refused"},
        "docker": {"usable": docker, "why": ""},
    }
    monkeypatch.setattr(
        "harness.environments.doctor.report", lambda _findings: {"backends": usable}
    )
    told = list[str]()

    assert backends.decided("auto", told.append) == expected
    assert told == (
        ["--backend docker, because namespaces cannot be used: refused"]
        if expected == "docker"
        else []
    )
    assert backends.decided("docker", told.append) == "docker"


def test_without_an_engine_nothing_is_tried_for_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run says itself what it is refused."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setattr("harness.environments.doctor.diagnose", lambda: pytest.fail("tried"))
    assert backends.decided("auto", print) == "namespaces"


def test_containers_need_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """And say so in one message."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(MachineUnfit, match="--backend docker: no Docker Engine answers"):
        backends.chosen("docker", SYSTEM, offline=True, cache=None)


def test_where_no_engine_answers_it_is_said_that_containers_may_be_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a stack of containers; one in namespaces leaves none."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    backends.remove_left({"suite": "shop", "backend": "namespaces"}, "0a1b2c3d4e5f")
    with pytest.raises(EnvironmentFailed, match=r"^shop: its containers .*`aftershock clean`"):
        backends.remove_left({"suite": "shop", "backend": "docker"}, "0a1b2c3d4e5f")


def test_what_containers_cannot_do_yet_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is there; a file's own Toxiproxy is not run in it."""
    monkeypatch.setattr("harness.environments.docker.sdk.connect", lambda: None)
    with pytest.raises(DeclarationError, match="service proxy: --backend docker does not run"):
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
