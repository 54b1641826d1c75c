"""Which images a system needs, and which it cannot have yet."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli import images, suites
from harness.cli.matrix import union_of
from harness.environments import nodejs
from harness.environments.docker import images as docker_images
from harness.environments.docker.images import Image
from harness.errors import MachineUnfit
from harness.model.system import Node, Role, System
from harness.toolchain import toxiproxy

SYSTEM = System(
    name="test",
    path=Path("test.yaml"),
    nodes=(
        Node(name="proxy", role=Role.TOXIPROXY),
        Node(name="kafka-1", role=Role.KAFKA, image="k:1"),
    ),
)


class Journal:
    """A builder that writes down what it is told to build."""

    def __init__(self, *local: str) -> None:
        self._local = frozenset(local)
        self.done: list[str] = []

    def local(self) -> frozenset[str]:
        return self._local

    def tell(self, text: str) -> None:
        self.done.append(text)

    def debian(self) -> None:
        self.done.append("base")

    def build(self, image: Image, _extra: Mapping[str, Path] | None = None) -> None:
        self.done.append(image.tag)

    def build_service(self, image: Image) -> None:
        self.done.append(f"{image.folder.name} upon {image.upon}")


def built(journal: Journal, pattern: str) -> list[str]:
    """For one of the shop's patterns; the toolchain is not needed where no server is missing."""
    suite = suites.load("shop")
    system = union_of(suite, [suite.pattern(pattern)])
    images._build(cast("Any", journal), system, offline=True)
    return journal.done


OFFICIAL = ("postgres:18", "apache/kafka:4.3.1", docker_images.OFFICIAL_PYTHON)


def test_where_the_official_images_are_there_are_no_stand_ins() -> None:
    """Only what is ours: the sandbox and the services."""
    done = built(Journal(*OFFICIAL), "dual-write")

    assert done == [
        "postgres:18: is there, and needs no stand-in",
        "apache/kafka:4.3.1: is there, and needs no stand-in",
        docker_images.SANDBOX,
        f"services upon {docker_images.OFFICIAL_PYTHON}",
    ]


def test_without_python_services_are_built_upon_our_own_base() -> None:
    """Which is made first."""
    done = built(Journal(*OFFICIAL[:2]), "dual-write")

    assert done[2:] == [
        "base", docker_images.PYTHON, docker_images.SANDBOX,
        f"services upon {docker_images.PYTHON}",
    ]  # fmt: skip


def test_what_cannot_be_run_yet_is_named(tmp_path: Path) -> None:
    """By service and reason; of the shop it is nothing."""
    (refused,) = images.foreign(SYSTEM)
    assert "service proxy: --backend docker does not run role toxiproxy" in images.why_foreign(
        refused
    )
    (tmp_path / "Dockerfile").write_text("ARG BASE=golang:1\nFROM ${BASE}\n")
    service = Node(name="order", role=Role.SERVICE, build=tmp_path)
    (refused,) = images.foreign(replace(SYSTEM, nodes=(service,)))
    assert "begins with ARG BASE=python:3.12-slim or ARG BASE=node:24-slim yet" in (
        images.why_foreign(refused)
    )

    suite = suites.load("shop")
    assert images.foreign(union_of(suite, suite.patterns)) == ()


def test_services_in_javascript_are_built_upon_their_own_base() -> None:
    """The stand-in where the official one is not there; Python's is for the others."""
    servers = (*OFFICIAL[:2], "mariadb:11.4")
    done = built(Journal(*servers, docker_images.OFFICIAL_PYTHON), "polyglot")
    assert done[3:] == [
        "base", docker_images.NODE, docker_images.SANDBOX,
        f"services upon {docker_images.OFFICIAL_PYTHON}",
        f"services-js upon {docker_images.NODE}",
    ]  # fmt: skip

    done = built(Journal(*servers, docker_images.OFFICIAL_NODE), "polyglot")
    assert done[3:] == [
        "base", docker_images.PYTHON, docker_images.SANDBOX,
        f"services upon {docker_images.PYTHON}",
        f"services-js upon {docker_images.OFFICIAL_NODE}",
    ]  # fmt: skip


def test_a_pattern_whose_images_cannot_be_had_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All others are built; with the official images it can be had."""
    suite = suites.load("shop")
    monkeypatch.setattr(nodejs, "home", lambda: None)

    def possible(*local: str) -> tuple[set[str], list[str]]:
        journal = Journal(*local)
        chosen = {pattern.name for pattern in images._possible(cast("Any", journal), suite)}
        return {pattern.name for pattern in suite.patterns} - chosen, journal.done

    left_out, (says,) = possible()
    assert left_out == {"polyglot"}
    assert says.startswith(
        "pattern polyglot: left out: service payment-js is built upon node:24-sl"
    )
    assert "pip install 'aftershock[polyglot]'" in says
    assert possible(docker_images.OFFICIAL_NODE, "mariadb:11.4") == (set(), [])

    monkeypatch.setattr(images, "is_built", lambda _component: False)
    left_out, (says,) = possible(docker_images.OFFICIAL_NODE)
    assert left_out == {"polyglot"}
    assert "service payment-mariadb: mariadb:11.4 is not on this machine, whose CPU" in says


def test_a_suite_of_which_nothing_can_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By one message, after the reasons."""
    monkeypatch.setattr(nodejs, "home", lambda: None)
    suite = suites.load("shop")
    only = replace(suite, patterns=(suite.pattern("polyglot"),))
    with pytest.raises(MachineUnfit, match="suite shop: the images of none of its patterns"):
        images._possible(cast("Any", Journal()), only)


def test_toxiproxy_is_built_where_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upon the base; else it is said what helps, and the rest is built all the same."""

    def told(*local: str) -> list[str]:
        journal = Journal(*local)
        images._build_toxiproxy(cast("Any", journal), offline=False)
        return journal.done

    monkeypatch.delenv(docker_images.TOXIPROXY_VARIABLE, raising=False)
    assert told(docker_images.OFFICIAL_TOXIPROXY) == [
        f"{docker_images.OFFICIAL_TOXIPROXY}: is there, and needs no stand-in"
    ]
    monkeypatch.setattr(toxiproxy, "found", lambda _cache: None)
    monkeypatch.setattr(toxiproxy, "go_program", lambda: None)
    (says,) = told()
    assert "not built: pip install 'aftershock[toxiproxy]', then build again" in says
    monkeypatch.setattr(toxiproxy, "found", lambda _cache: tmp_path / "server")
    assert told() == ["base", docker_images.TOXIPROXY]


def test_toxiproxy_is_run_from_the_official_image_before_its_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or from the one that the variable names; that there is none is said by the fault's name."""

    def chosen(*local: str) -> str:
        tags = [SimpleNamespace(tags=local)]
        client = SimpleNamespace(images=SimpleNamespace(list=lambda: tags))
        return images.toxiproxy(cast("Any", client), "latency")

    monkeypatch.delenv(docker_images.TOXIPROXY_VARIABLE, raising=False)
    both = (docker_images.TOXIPROXY, docker_images.OFFICIAL_TOXIPROXY)
    assert chosen(*both) == docker_images.OFFICIAL_TOXIPROXY
    monkeypatch.setenv(docker_images.TOXIPROXY_VARIABLE, "mine:1")
    assert chosen(*both) == docker_images.TOXIPROXY
    assert chosen(*both, "mine:1") == "mine:1"
    with pytest.raises(MachineUnfit, match=r"--fault latency: .* neither mine:1 nor aftershock/"):
        chosen()
