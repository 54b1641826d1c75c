"""What goes into a build, and what becomes of what it says."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from harness.environments.docker import build, images
from harness.environments.docker.build import Builder
from harness.environments.docker.images import Image
from harness.errors import EnvironmentFailed, MachineUnfit


class Stored:
    """An image in the fake engine."""

    def __init__(self, tag: str, labels: dict[str, str]) -> None:
        self.id, self.tags, self.labels = "sha256:x", [tag], labels


class FakeEngine:
    """As much of the SDK as is used: images by name, and a builder that says what it is told to."""

    def __init__(self, says: Iterator[dict[str, Any]] | None = None) -> None:
        self.stored: list[Stored] = []
        self.says = says or iter([{"stream": "Step 1"}])
        self.built: list[dict[str, Any]] = []
        self.images = self.api = self

    def list(self, name: str | None = None) -> list[Stored]:
        return [s for s in self.stored if name is None or name in s.tags]

    def build(self, **given: Any) -> Iterator[dict[str, Any]]:
        with tarfile.open(fileobj=io.BytesIO(given["fileobj"].read())) as tar:
            given["names"] = tar.getnames()
        self.built.append(given)
        self.stored.append(Stored(given["tag"], given["labels"]))
        return self.says


def builder(engine: FakeEngine, tell: Callable[[str], None] = lambda _: None) -> Builder:
    """Upon it."""
    return Builder(cast("Any", engine), tell)


def image(tmp_path: Path) -> Image:
    """A small one."""
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return Image(tag="aftershock/x:1", folder=tmp_path, parts={}, upon="aftershock/below:1")


def test_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    """Until its content changes."""
    engine, told = FakeEngine(), list[str]()
    one = image(tmp_path)
    builder(engine, told.append).build(one)
    builder(engine, told.append).build(one)
    (tmp_path / "more").write_text("")
    builder(engine, told.append).build(one)

    assert told == [
        "aftershock/x:1: building",
        "aftershock/x:1: is there",
        "aftershock/x:1: building",
    ]
    assert [b["names"] for b in engine.built] == [["Dockerfile"], ["Dockerfile", "more"]]
    assert engine.built[0]["buildargs"] == {"BASE": "aftershock/below:1"}


def test_another_image_below_is_another_content(tmp_path: Path) -> None:
    """What is below is part of it."""
    engine = FakeEngine()
    one = image(tmp_path)
    builder(engine).build(one)
    engine.stored.append(Stored("aftershock/below:1", {images.CONTENT_LABEL: "new"}))
    builder(engine).build(one)

    assert len(engine.built) == 2


def test_what_was_fetched_beforehand_is_given_and_not_counted(tmp_path: Path) -> None:
    """The same packages come again; the build is told to look nowhere else."""
    (tmp_path / "context").mkdir()
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_text("")
    engine = FakeEngine()
    one = image(tmp_path / "context")
    builder(engine).build(one, {"wheels": tmp_path / "wheels"})
    builder(engine).build(one)

    assert [b["names"] for b in engine.built] == [["Dockerfile", "wheels/a.whl"]]
    assert engine.built[0]["buildargs"]["PIP_NO_INDEX"] == "1"


def test_packages_are_fetched_once_for_each_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upon a base of ours; upon the official one the build does it."""
    fetched = list[str]()

    def fetch(image: Image, place: Path) -> dict[str, Path]:
        fetched.append(image.upon)
        (place / "a").write_text("")
        return {"fetched": place}

    monkeypatch.setattr("harness.environments.docker.packages.fetch", fetch)
    (tmp_path / "Dockerfile").write_text("")
    (tmp_path / "package-lock.json").write_text("")
    engine = FakeEngine()
    for base in (images.NODE, images.NODE, images.OFFICIAL_NODE):
        builder(engine).build_service(images.service_image(tmp_path, base))

    assert fetched == [images.NODE]
    assert ["fetched/a" in b["names"] for b in engine.built] == [True, False]
    assert "PIP_NO_INDEX" not in engine.built[1]["buildargs"]


def test_a_build_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    """Its last lines."""
    says = [{"stream": f"line {n}\n"} for n in range(30)] + [{"error": "exit code 1"}]
    with pytest.raises(EnvironmentFailed) as caught:
        builder(FakeEngine(iter(says))).build(image(tmp_path))

    assert "aftershock/x:1 cannot be built: exit code 1" in str(caught.value)
    assert "line 29" in str(caught.value) and "line 17" not in str(caught.value)


def test_without_debootstrap_the_other_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images can be pulled instead."""
    monkeypatch.setattr("shutil.which", lambda *_a, **_k: None)
    with pytest.raises(MachineUnfit, match=r"there is no debootstrap.*docker pull"):
        builder(FakeEngine()).debian()


def test_the_base_is_made_once_for_its_packages() -> None:
    """It carries what it was made from."""
    engine, told = FakeEngine(), list[str]()
    wanted = f"debootstrap bookworm {','.join(images.PACKAGES)}"
    engine.stored.append(Stored(images.DEBIAN, {images.CONTENT_LABEL: wanted}))
    builder(engine, told.append).debian()

    assert told == [f"{images.DEBIAN}: is there"]
    assert builder(engine).local() == {images.DEBIAN}


def test_of_the_base_only_what_serves_is_kept() -> None:
    """Its folders stay, what is in some of them goes."""
    names = ["./bin/sh", "./dev", "./dev/null", "./usr/share/doc/x", "./var/cache/apt/a.deb"]
    kept = [n for n in names if build._of_base(tarfile.TarInfo(n)) is not None]

    assert kept == ["./bin/sh", "./dev"]


def test_a_context_is_packed_without_times_and_owners(tmp_path: Path) -> None:
    """Links stay links, and what is executable stays so."""
    (tmp_path / "run").write_text("#!/bin/sh")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("run")
    packed = io.BytesIO()
    build._pack(packed, images.files({"a": tmp_path}))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        found = {m.name: m for m in tar.getmembers()}

    assert set(found) == {"a/run", "a/link"}
    assert (found["a/run"].mtime, found["a/run"].uid) == (0, 0)
    assert found["a/run"].mode & 0o111
    assert found["a/link"].linkname == "run"
