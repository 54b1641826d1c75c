"""Which images a system needs, and which it cannot have yet."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli import images, suites
from harness.cli.matrix import union_of
from harness.environments.docker import images as docker_images
from harness.environments.docker.images import Image
from harness.errors import MachineUnfit
from harness.model.system import Node, Role, System
from harness.toolchain import toxiproxy

SYSTEM = System(
    name="test",
    path=Path("test.yaml"),
    nodes=(Node(name="db", role=Role.MARIADB), Node(name="kafka-1", role=Role.KAFKA, image="k:1")),
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


def test_what_cannot_be_run_yet_is_named() -> None:
    """By service and reason."""
    (refused,) = images.foreign(SYSTEM)
    assert "service db: --backend docker does not run role mariadb yet" in images.why_foreign(
        refused
    )

    suite = suites.load("shop")
    names = {n.name for n in images.foreign(union_of(suite, [suite.pattern("polyglot")]))}
    assert names == {"payment-mariadb", "payment-js", "payment-relay"}
    assert images.foreign(union_of(suite, [suite.pattern("outbox-cdc")])) == ()


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
