"""Whether containers can be used here, told by what was found."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.environments.causes import Finding
from harness.environments.docker import images, seat, usable
from harness.errors import MachineUnfit

ENGINE = Finding(name="docker", ok=True, says="a Docker Engine answers at /s")
COMPOSE = Finding(name="docker-compose", ok=True, says="Compose 2.40.3")
NO_ENGINE = Finding(name="docker", ok=False, says="no Docker Engine answers at /s")
NO_COMPOSE = Finding(name="docker-compose", ok=False, says="there is no x", mend="get x")


def test_an_engine_and_compose_are_wanted() -> None:
    """Both of them, and what they are is told."""
    told = usable.report((ENGINE, COMPOSE))

    assert told == {"usable": True, "why": "a Docker Engine answers at /s; Compose 2.40.3"}
    usable.usable_or_raise((ENGINE, COMPOSE))


@pytest.mark.parametrize(
    ("findings", "why"),
    [
        ((NO_ENGINE, COMPOSE), "no Docker Engine answers at /s"),
        ((ENGINE, NO_COMPOSE), "there is no x; mend it by: get x"),
        ((NO_ENGINE, NO_COMPOSE), "no Docker Engine answers at /s"),
    ],
)
def test_what_is_missing_is_one_message(findings: tuple[Finding, ...], why: str) -> None:
    """The first thing, with what mends it."""
    assert usable.report(findings) == {"usable": False, "why": why}
    with pytest.raises(MachineUnfit) as caught:
        usable.usable_or_raise(findings)
    assert str(caught.value) == f"--backend docker: {why}"


def test_other_findings_do_not_count() -> None:
    """Namespaces' are in the same list."""
    kernel = Finding(name="namespaces", ok=False, says="none", needed=True)

    assert usable.report((kernel, ENGINE, COMPOSE))["usable"] is True
    assert usable.report(())["usable"] is False


@pytest.mark.parametrize(
    ("told", "ok"),
    [
        ("2.40.3", True),
        ("v2.20.0-desktop.1", True),
        ("5.0.1", True),
        ("1.29.2", False),
        ("", False),
    ],
)
def test_compose_must_be_version_2_at_least(told: str, ok: bool) -> None:
    """As the plugin tells it."""

    def ask(_environ: Mapping[str, str]) -> str:
        return told

    assert usable.compose({}, ask).ok is ok


def test_without_the_plugin_the_how_to_is_named(tmp_path: Path) -> None:
    """No `docker` on the PATH; one that has no plugin."""
    none = usable.compose({"PATH": str(tmp_path)})
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    bare = usable.compose({"PATH": str(tmp_path)})

    assert (none.ok, bare.ok) == (False, False)
    assert "docs/how-to/run-in-docker.md" in str(none.mend)


def test_a_plugin_that_answers_is_asked(tmp_path: Path) -> None:
    """Really executed."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\n[ "$*" = "compose version --short" ] && echo 2.99.0\n')
    program.chmod(0o755)

    found = usable.compose({"PATH": str(tmp_path)})

    assert (found.ok, found.says) == (True, "Compose 2.99.0")


@contextmanager
def answering(path: Path, *says: bytes) -> Iterator[dict[str, str]]:
    """What answers at the socket, once each; the environment that names it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.settimeout(5)
        server.listen()

        def answer() -> None:
            for each in says:
                with server.accept()[0] as client:
                    client.recv(1000)
                    client.sendall(each)

        thread = threading.Thread(target=answer)
        thread.start()
        yield {"DOCKER_HOST": f"unix://{path}"}
        thread.join()


@pytest.mark.parametrize(
    "info",
    [
        b'HTTP/1.0 200 OK\r\n\r\n{"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}',
        b'HTTP/1.0 200 OK\r\n\r\n{"SecurityOptions": null}',
        b"HTTP/1.0 404 No\r\n\r\n",
    ],
)
def test_an_engine_that_answers_is_seen(tmp_path: Path, info: bytes) -> None:
    """A socket that answers HTTP, and tells of itself, or does not."""
    path = tmp_path / "docker.sock"
    with answering(path, b"HTTP/1.0 200 OK\r\n\r\nOK", info) as environ:
        found = usable.engine(environ)

    assert (found.ok, found.says) == (True, f"a Docker Engine answers at {path}")


def test_what_is_no_engine_is_told(tmp_path: Path) -> None:
    """Something else listens there."""
    path = tmp_path / "docker.sock"
    with answering(path, b"SSH-2.0-x\r\n") as environ:
        found = usable.engine(environ)

    assert (found.ok, found.says) == (False, f"{path} is no Docker Engine")


def test_an_engine_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, though it answers."""
    monkeypatch.setattr(seat, "elsewhere", lambda _pid: "it is far away")
    path = tmp_path / "docker.sock"
    with answering(path, b"HTTP/1.0 200 OK\r\n\r\nOK") as environ:
        found = usable.engine(environ)

    assert (found.ok, found.says) == (False, f"the engine at {path} is of no use: it is far away")


def test_podman_is_refused_by_name(tmp_path: Path) -> None:
    """It answers as an engine does, and tells its own name beside."""
    path = tmp_path / "podman.sock"
    with answering(path, b"HTTP/1.0 200 OK\r\nServer: Libpod/4.3.1 (linux)\r\n\r\nOK") as environ:
        found = usable.engine(environ)

    assert not found.ok
    assert found.says.startswith(f"the engine at {path} is of no use: it is Podman")


def test_rootless_docker_is_refused_by_name(tmp_path: Path) -> None:
    """Which it tells itself."""
    path = tmp_path / "docker.sock"
    told = b'HTTP/1.0 200 OK\r\n\r\n{"SecurityOptions": ["name=seccomp", "name=rootless"]}'
    with answering(path, b"HTTP/1.0 200 OK\r\n\r\nOK", told) as environ:
        found = usable.engine(environ)

    assert not found.ok
    assert found.says.startswith(f"the engine at {path} is of no use: it is rootless Docker")


def test_no_engine_is_no_failure(tmp_path: Path) -> None:
    """No socket, a file that is none, a port, another host, a context that is not there."""
    (tmp_path / "file").write_text("")
    hosts = (f"unix://{tmp_path}/none", f"unix://{tmp_path}/file", "tcp://127.0.0.1:1", "ssh://x")
    none = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "none"}

    for environ in (*({"DOCKER_HOST": host} for host in hosts), none):
        found = usable.engine(environ)
        assert not found.ok
        assert not found.needed


def test_a_machine_without_an_engine_is_told_so(tmp_path: Path) -> None:
    """By the socket that was tried."""
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/none", "PATH": str(tmp_path)}
    engine, compose = usable.diagnose(environ)

    assert not engine.ok and str(tmp_path) in engine.says
    assert not compose.ok


def test_the_image_beside_every_node_is_looked_for() -> None:
    """Its absence is told with what builds it, and does not make the engine useless."""
    there = usable.our_images(frozenset({images.SANDBOX, "postgres:18"}))
    absent = usable.our_images(frozenset({"postgres:18"}))

    assert (there.ok, absent.ok, absent.mend) == (True, False, "aftershock images build")
    assert not usable.our_images(None).ok
    assert usable.report((ENGINE, COMPOSE, absent))["usable"] is True


def test_the_engine_is_asked_over_its_socket(tmp_path: Path) -> None:
    """By HTTP; what is no engine tells nothing."""
    body = b'[{"RepoTags": ["a:1", "b:2"]}, {"RepoTags": null}]'
    with answering(tmp_path / "docker.sock", b"HTTP/1.0 200 OK\r\n\r\n" + body) as environ:
        found = usable._local(environ)

    assert found == frozenset({"a:1", "b:2"})
    assert usable._local({"DOCKER_HOST": f"unix://{tmp_path}/none"}) is None
