"""What a run asks of the engine, by a fake that remembers: only its own objects are touched."""

import socket
import threading
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest
from docker import APIClient
from docker.errors import APIError, NotFound
from testcontainers.core.container import Reaper

from harness.environments.docker import names
from harness.environments.docker.engine import Engine, remove
from harness.errors import EnvironmentFailed, HarnessBug

PLACE = Path("/cache/runs/0a1b")
RUN = {"label": "aftershock.run=0a1b"}


class Thing:
    """A container, network or volume."""

    def __init__(self, journal: list[str], name: str, **labels: str) -> None:
        self.name, self.id, self.labels = name, f"id-{name}", labels
        self.attrs: dict[str, Any] = {
            "State": {"Pid": 7, "Running": True, "Paused": False, "ExitCode": 0}
        }
        self._journal = journal
        self.refuses: Exception | None = None

    def reload(self) -> None:
        self._journal.append(f"reload {self.name}")

    def remove(self, **_given: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self._journal.append(f"remove {self.name}")


class Listed:
    """What of one kind there is; remembers how it was asked."""

    def __init__(self, *things: Thing) -> None:
        self.things, self.asked = list(things), list[Any]()
        self.refusals: list[Exception] = []
        self.made: list[dict[str, Any]] = []

    def list(self, **given: Any) -> list[Thing]:
        self.asked.append(given.get("filters"))
        return list(self.things)

    def create(self, name: str, **given: Any) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.made.append({"name": name, **given})

    def run(self, image: str, command: Any, **given: Any) -> Thing:
        if self.refusals:
            raise self.refusals.pop(0)
        self.made.append({"image": image, "command": command, **given})
        return Thing([], image)


class FakeClient:
    """As much of the SDK's as is used."""

    def __init__(self) -> None:
        self.containers, self.networks, self.volumes = Listed(), Listed(), Listed()
        self.api = APIClient("unix:///the/engine", version="1.41")


def engine(client: FakeClient) -> Engine:
    """Of the run."""
    return Engine(cast("Any", client), PLACE)


def test_everything_that_is_removed_carries_the_runs_label() -> None:
    """The engine is asked for nothing else; nodes go before the sandboxes that they have joined."""
    client, journal = FakeClient(), list[str]()
    client.containers.things = [
        Thing(journal, "sandbox", **{names.KIND_LABEL: names.SANDBOX}),
        Thing(journal, "node", **{names.KIND_LABEL: names.NODE}),
    ]
    client.networks.things = [Thing(journal, "net")]

    assert remove(cast("Any", client), "0a1b") == 3
    assert journal == ["remove node", "remove sandbox", "remove net"]
    for listed in (client.containers, client.networks, client.volumes):
        assert listed.asked == [RUN]


def test_what_somebody_else_removes_is_no_failure() -> None:
    """It is gone, or going."""
    client, journal = FakeClient(), list[str]()
    gone, going = Thing(journal, "gone"), Thing(journal, "going")
    gone.refuses = NotFound("gone")
    going.refuses = APIError("busy", response=_Answer(409))
    client.containers.things = [gone, going]

    assert remove(cast("Any", client), "0a1b") == 1


class _Answer:
    """What the SDK looks at of an answer."""

    def __init__(self, status: int) -> None:
        self.status_code, self.reason, self.url = status, "x", "x"


def test_a_network_is_taken_where_nobody_has_one() -> None:
    """What the engine has, and what it refuses, is passed over."""
    client = FakeClient()
    taken = Thing([], "bridge")
    taken.attrs = {"IPAM": {"Config": [{"Subnet": "198.18.0.0/24"}]}}
    other = Thing([], "host")
    other.attrs = {"IPAM": {"Config": None}}
    client.networks.things = [taken, other]
    client.networks.refusals = [APIError("Pool overlaps with other one on this address space")]

    assert engine(client).make_network() == ("aftershock-0a1b", ip_network("198.18.4.0/23"))
    (made,) = client.networks.made
    assert made["labels"] == names.run_labels(PLACE)


def test_another_refusal_is_told() -> None:
    """In the engine's words."""
    client = FakeClient()
    client.networks.refusals = [APIError("no permission")]

    with pytest.raises(EnvironmentFailed, match="a network for the run: no permission"):
        engine(client).make_network()


def test_a_nodes_container_is_found_by_labels_alone() -> None:
    """Run, node and kind; none, or two, are a failure."""
    client = FakeClient()
    client.containers.things = [Thing([], "x")]

    assert engine(client).container("order").name == "x"
    assert client.containers.asked == [
        {"label": ["aftershock.run=0a1b", "aftershock.node=order", "aftershock.kind=node"]}
    ]
    client.containers.things = []
    with pytest.raises(EnvironmentFailed, match="order: 0 containers of this run"):
        engine(client).container("order")


def test_a_container_of_another_run_is_never_asked_about() -> None:
    """That would be a bug of ours."""
    mine = Thing([], "mine", **{names.RUN_LABEL: "0a1b"})
    other = Thing([], "other", **{names.RUN_LABEL: "ffff"})

    known = engine(FakeClient()).inspect(cast("Any", mine))
    assert (known.pid, known.is_paused, known.code) == (7, False, 0)
    with pytest.raises(HarnessBug):
        engine(FakeClient()).inspect(cast("Any", other))


def test_deaths_are_told_as_they_come() -> None:
    """Of this run's containers; the exit code is the engine's."""

    class Events:
        """Two deaths."""

        def __init__(self) -> None:
            self.closed = False

        def __iter__(self) -> Any:
            for code in ("137", "0"):
                yield {"Actor": {"ID": f"c{code}", "Attributes": {"exitCode": code}}}

        def close(self) -> None:
            self.closed = True

    events, asked = Events(), list[Any]()

    class Client(FakeClient):
        """With events."""

        def events(self, **given: Any) -> Events:
            asked.append(given["filters"])
            return events

    told, both = list[tuple[str, int]](), threading.Event()

    def tell(container: str, code: int) -> None:
        told.append((container, code))
        if len(told) == 2:
            both.set()

    close = engine(Client()).watch_deaths(tell)
    assert both.wait(5)
    close()

    assert told == [("c137", 137), ("c0", 0)]
    assert asked == [{**RUN, "type": "container", "event": "die"}]
    assert events.closed


def test_what_compose_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the end of what it said, and how it was called."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\necho "$@"\nexit 4\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    user, ours = tmp_path / "compose.yaml", tmp_path / "overlay.yaml"

    with pytest.raises(EnvironmentFailed) as caught:
        engine(FakeClient()).compose((user, ours), ("create", "order"), {})

    assert str(caught.value) == (
        f"docker compose create ended with 4:\n    compose -f {user} -f {ours} create order"
    )


def test_compose_is_given_the_engine_of_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else the environment names: two engines would be asked for one run."""
    program = tmp_path / "docker"
    program.write_text(
        '#!/bin/sh\necho "$DOCKER_HOST,$DOCKER_CONTEXT,$DOCKER_TLS_VERIFY"\nexit 4\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///another")
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")

    with pytest.raises(EnvironmentFailed, match=r"4:\n    unix:///the/engine,,$"):
        engine(FakeClient()).compose((tmp_path / "compose.yaml",), ("up",), {})


def test_no_reaper_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """testcontainers makes the command and asks no engine for anything: its reaper's image would have
    to be pulled."""
    (tmp_path / "docker").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TESTCONTAINERS_RYUK_DISABLED", raising=False)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "engine"))
        server.listen()
        server.setblocking(False)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine")

        engine(FakeClient()).compose((tmp_path / "compose.yaml",), ("up",), {})

        with pytest.raises(BlockingIOError):
            server.accept()
    assert Reaper._instance is None


def test_a_container_goes_with_its_disk() -> None:
    """With volumes of the run; another one that is mounted stays."""
    client, journal = FakeClient(), list[str]()
    mine, other = Thing(journal, "mine"), Thing(journal, "other")
    mine.attrs = {"Labels": {names.RUN_LABEL: "0a1b"}}
    other.attrs = {"Labels": None}
    known = {"mine": mine, "other": other}

    def get(name: str) -> Thing:
        if name not in known:
            raise NotFound(name)
        return known[name]

    client.volumes.get = get  # type: ignore[attr-defined]
    container = Thing(journal, "db")
    container.attrs["Mounts"] = [
        {"Type": "volume", "Name": "mine"}, {"Type": "volume", "Name": "other"},
        {"Type": "volume", "Name": "anonymous"}, {"Type": "bind", "Source": "/x"},
    ]  # fmt: skip
    engine(client).discard(cast("Any", container))

    assert journal == ["remove db", "remove mine"]


def test_what_is_run_beside_a_node_is_the_runs_and_may_do_nothing() -> None:
    """In the network of the sandbox, which is found by its labels."""
    client = FakeClient()
    client.containers.things = [Thing([], "sandbox")]
    beside = engine(client).run_beside(
        "order", "proxy:1", ["-x"], kind=names.TOXIPROXY, environ={"A": "b"}
    )

    (asked,) = client.containers.asked
    assert "aftershock.kind=sandbox" in asked["label"]
    (made,) = client.containers.made
    assert (beside.name, made["image"], made["command"]) == ("proxy:1", "proxy:1", ["-x"])
    assert made["labels"] == names.labels(PLACE, "order", names.TOXIPROXY)
    assert (made["network_mode"], made["cap_drop"]) == ("container:id-sandbox", ["ALL"])
    assert (made["read_only"], made["environment"]) == (True, {"A": "b"})
    client.containers.refusals = [APIError("no such image")]
    with pytest.raises(EnvironmentFailed, match="starting toxiproxy: no such image"):
        engine(client).run_beside("order", "proxy:1", [], kind=names.TOXIPROXY, environ={})
