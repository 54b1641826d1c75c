"""The engine that is meant is the one that the `docker` command means, asked of the command itself."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.environments.docker import context, sdk

if TYPE_CHECKING:
    from docker import DockerClient

_SAYING = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def docker(*arguments: str, **environ: str) -> str:
    """What the command prints."""
    kept = {name: value for name, value in os.environ.items() if name not in _SAYING}
    done = subprocess.run(
        ["docker", *arguments],
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def settings(tmp_path: Path, engine: "DockerClient") -> Path:
    """The command's settings with two contexts of its own making: the engine under another name,
    which is the current one, and one where nobody is."""
    path = sdk.host(engine).removeprefix("unix://")
    (tmp_path / "engine.sock").symlink_to(path)
    folder = tmp_path / "settings"
    given = {"DOCKER_CONFIG": str(folder)}
    for name in ("engine", "nobody"):
        docker(
            "context", "create", name, "--docker", f"host=unix://{tmp_path}/{name}.sock", **given
        )
    docker("context", "use", "engine", **given)
    return folder


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"DOCKER_CONTEXT": "nobody"},
        {"DOCKER_CONTEXT": "default"},
        {"DOCKER_CONTEXT": ""},
        {"DOCKER_HOST": "unix:///h"},
        {"DOCKER_HOST": "", "DOCKER_CONTEXT": "nobody"},
        {"DOCKER_HOST": "unix:///h", "DOCKER_CONTEXT": "nobody"},
    ],
)
def test_the_engine_is_the_commands(settings: Path, said: dict[str, str]) -> None:
    """By variables and the context in use, in whatever order the command has."""
    given = {"DOCKER_CONFIG": str(settings), **said}

    told = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}", **given)

    assert context.current(given).host == told


def test_the_current_context_is_followed(
    settings: Path, engine: "DockerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really to its engine, by its name, whatever becomes of the settings afterwards."""
    for name in _SAYING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(settings))

    client = sdk.connect(compose=False)
    docker("context", "use", "nobody", DOCKER_CONFIG=str(settings))

    assert sdk.host(client) == f"unix://{settings.parent}/engine.sock"
    assert client.info()["ID"] == engine.info()["ID"]
    client.close()
