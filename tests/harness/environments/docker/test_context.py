"""Which engine is meant, told by variables and by the settings of the `docker` command."""

import hashlib
import json
from pathlib import Path

import pytest

from harness.environments.docker import context
from harness.errors import MachineUnfit

USUAL = "unix:///var/run/docker.sock"


def settings(folder: Path, *, chosen: str | None = None, **hosts: str) -> Path:
    """The command's settings, as `docker context create` and `docker context use` leave them."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"currentContext": chosen} if chosen else {}))
    for name, host in hosts.items():
        digest = hashlib.sha256(name.encode()).hexdigest()
        meta = folder / "contexts" / "meta" / digest / "meta.json"
        meta.parent.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": False}
        meta.write_text(
            json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
        )
    return folder


@pytest.mark.parametrize(
    ("chosen", "said", "host"),
    [
        (None, {}, USUAL),
        (None, {"DOCKER_HOST": ""}, USUAL),
        (None, {"DOCKER_HOST": "unix:///h"}, "unix:///h"),
        (None, {"DOCKER_CONTEXT": "one"}, "unix:///one"),
        ("one", {}, "unix:///one"),
        ("one", {"DOCKER_CONTEXT": ""}, "unix:///one"),
        ("one", {"DOCKER_CONTEXT": "two"}, "unix:///two"),
        ("one", {"DOCKER_CONTEXT": "default"}, USUAL),
        ("default", {}, USUAL),
        ("one", {"DOCKER_CONTEXT": "two", "DOCKER_HOST": "unix:///h"}, "unix:///h"),
        ("gone", {"DOCKER_HOST": "unix:///h"}, "unix:///h"),
        ("empty", {}, USUAL),
    ],
)
def test_the_commands_own_order_is_followed(
    tmp_path: Path, chosen: str | None, said: dict[str, str], host: str
) -> None:
    """DOCKER_HOST, DOCKER_CONTEXT, the current context, the usual socket; what is empty is not said."""
    folder = settings(
        tmp_path / "set", chosen=chosen, one="unix:///one", two="unix:///two", empty=""
    )

    found = context.current({"DOCKER_CONFIG": str(folder), **said})

    assert (found.host, found.path) == (host, host.removeprefix("unix://"))


def test_settings_are_looked_for_at_home(tmp_path: Path) -> None:
    """Where no DOCKER_CONFIG names them; without any, or with ones that nobody can read, there is
    no context."""
    settings(tmp_path / ".docker", chosen="one", one="unix:///one")
    assert context.current({"HOME": str(tmp_path)}).path == "/one"

    (tmp_path / ".docker" / "config.json").write_text("{")
    assert context.current({"HOME": str(tmp_path)}).host == USUAL
    assert context.current({"HOME": str(tmp_path / "none")}).host == USUAL


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("tcp://127.0.0.1:2376", ("127.0.0.1", 2376)),
        ("tcp://localhost", ("localhost", 2375)),
        ("tcp://[::1]:1", ("::1", 1)),
    ],
)
def test_a_port_of_the_loopback_is_this_machines(host: str, address: tuple[str, int]) -> None:
    """By whatever name."""
    found = context.current({"DOCKER_HOST": host})

    assert (found.path, found.address, str(found)) == (None, address, host)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("tcp://198.18.0.9:2375", "an engine on another host"),
        ("tcp://engine.example:2375", "an engine on another host"),
        ("tcp://127.0.0.1:port", "an engine on another host"),
        ("ssh://somebody@198.18.0.9", "no local socket"),
        ("npipe:////./pipe/docker_engine", "no local socket"),
        ("unix://relative", "no local socket"),
        ("/var/run/docker.sock", "no local socket"),
    ],
)
def test_an_engine_elsewhere_is_refused_by_what_names_it(
    tmp_path: Path, host: str, why: str
) -> None:
    """A variable or a context; nobody is asked."""
    folder = settings(tmp_path / "set", far=host)

    with pytest.raises(MachineUnfit) as by_host:
        context.current({"DOCKER_HOST": host})
    with pytest.raises(MachineUnfit) as by_context:
        context.current({"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": "far"})

    assert str(by_host.value) == f"DOCKER_HOST is {host}: {why}"
    assert str(by_context.value) == f"Docker's context far is {host}: {why}"


def test_tls_is_not_spoken(tmp_path: Path) -> None:
    """Neither by a variable nor by a context that has certificates; at a socket there is none."""
    folder = settings(tmp_path / "set", safe="tcp://127.0.0.1:2376")
    digest = hashlib.sha256(b"safe").hexdigest()
    (folder / "contexts" / "tls" / digest / "docker").mkdir(parents=True)

    for environ in (
        {"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY": "1"},
        {"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": "safe"},
    ):
        with pytest.raises(MachineUnfit, match="with TLS: name the engine's socket"):
            context.current(environ)
    assert context.current({"DOCKER_HOST": "unix:///h", "DOCKER_TLS_VERIFY": "1"}).path == "/h"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"Endpoints": {"docker": null}}'])
def test_a_context_that_is_not_to_be_read_is_named(tmp_path: Path, text: str) -> None:
    """And no other engine is taken in its place."""
    folder = settings(tmp_path / "set", chosen="one", one="unix:///one")
    (meta,) = folder.rglob("meta.json")
    meta.write_text(text)

    with pytest.raises(
        MachineUnfit, match=r"current context in .* is one, and .*meta\.json is not"
    ):
        context.current({"DOCKER_CONFIG": str(folder)})


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As the command does, which goes on with no other, either."""
    environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "none"}

    with pytest.raises(MachineUnfit, match="DOCKER_CONTEXT is none, and there is no such context"):
        context.current(environ)


def test_a_command_gets_the_engine_by_address() -> None:
    """Nothing else that would tell it of one is left."""
    environ = {
        "PATH": "/bin", "DOCKER_CONTEXT": "two", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c",
        "DOCKER_CONFIG": "/d",
    }  # fmt: skip

    given = context.handed_on(environ, "unix:///h")

    assert given == {"PATH": "/bin", "DOCKER_CONFIG": "/d", "DOCKER_HOST": "unix:///h"}
