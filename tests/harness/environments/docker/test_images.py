"""What images are built from, and what tells their content."""

from pathlib import Path

import pytest

from harness.environments.docker import images
from harness.environments.docker.images import Image
from harness.model.system import Node, Role, System
from harness.toolchain import Toolchain


def toolchain(root: Path) -> Toolchain:
    """One with a few files in it."""
    for name in ("java/bin/java", "lib/kafka.jar", "lib/connect.jar", "plugins/debezium/d.jar",
                 "postgres/bin/postgres", "log4j2.properties"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return Toolchain(
        java=root / "java/bin/java",
        kafka_classpath=(root / "lib/kafka.jar",),
        connect_classpath=(root / "lib/connect.jar",),
        plugin_dir=root / "plugins",
        postgres_home=root / "postgres",
        mariadb_home=root / "mariadb",
        log4j_config=root / "log4j2.properties",
        cache=root,
    )


def folder(root: Path, **files: str) -> Path:
    """A build context."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def image(context: Path, **parts: Path) -> Image:
    """Of that folder."""
    return Image(tag="t", folder=context, parts=parts, upon="base")


def test_the_stand_ins_have_what_their_dockerfiles_copy(tmp_path: Path) -> None:
    """Every source of a COPY is in the build, and every image is upon the base."""
    made = images.stand_ins(toolchain(tmp_path), frozenset(images.STAND_INS))
    assert {i.tag for i in made} == set(images.STAND_INS.values())
    toxiproxy = images.toxiproxy_stand_in(tmp_path / "log4j2.properties")
    for each in (*made, images.python_stand_in(), images.sandbox_image(images.PYTHON), toxiproxy):
        text = (each.folder / "Dockerfile").read_text(encoding="utf-8")
        given = [name for name, _ in images.files(each.context)]
        for line in text.splitlines():
            if line.startswith("COPY"):
                source = next(w for w in line.split()[1:] if not w.startswith("--"))
                assert any(n == source or n.startswith(f"{source}/") for n in given), line
        assert each.upon in text


@pytest.mark.parametrize("name", ["postgres", "kafka", "connect", "toxiproxy"])
def test_servers_run_as_a_user_of_their_own_and_tell_their_health(name: str) -> None:
    """As the official images."""
    text = (images.folder(name) / "Dockerfile").read_text(encoding="utf-8")

    assert "\nUSER " in text and "USER root" not in text
    assert "\nHEALTHCHECK " in text
    assert "\nEXPOSE " in text


def test_roles_that_are_not_wanted_are_not_built(tmp_path: Path) -> None:
    """Their official image may be there."""
    (made,) = images.stand_ins(toolchain(tmp_path), frozenset({Role.KAFKA, Role.MARIADB}))

    assert made.tag == images.STAND_INS[Role.KAFKA]


def test_the_content_is_the_files_and_what_is_below(tmp_path: Path) -> None:
    """Another byte, name, mode or base is another image; what builds leave is not looked at."""
    context = folder(tmp_path / "a", Dockerfile="FROM x", file="1")
    first = images.digest(image(context), "below")

    assert images.digest(image(context), "below") == first
    assert images.digest(image(context), "other") != first
    assert images.digest(image(context, extra=context / "file"), "below") != first
    (context / "__pycache__").mkdir()
    (context / "__pycache__" / "x.pyc").write_text("")
    assert images.digest(image(context), "below") == first
    (context / "file").chmod(0o755)
    assert images.digest(image(context), "below") != first


def test_a_services_tag_tells_its_content(tmp_path: Path) -> None:
    """So an older image is not taken for it."""
    context = folder(tmp_path / "services", Dockerfile="ARG BASE=python:3.12-slim\nFROM ${BASE}")
    before = images.service_image(context, images.PYTHON).tag
    (context / "more.py").write_text("")
    after = images.service_image(context, images.PYTHON).tag

    assert before.startswith("aftershock/services:")
    assert before != after


def test_a_service_is_run_from_what_was_built_of_it(tmp_path: Path) -> None:
    """Upon either base; one without a context from the image that it names."""
    context = folder(tmp_path / "services", Dockerfile="FROM x")
    node = Node(name="order", role=Role.SERVICE, build=context)
    tag = images.service_image(context, images.OFFICIAL_PYTHON).tag
    named = Node(name="other", role=Role.SERVICE, image="mine:1")

    assert images.built_service(node, frozenset({tag})) == tag
    assert images.built_service(node, frozenset({"aftershock/services:old"})) is None
    assert images.built_service(named, frozenset({"mine:1"})) == "mine:1"
    assert images.built_service(named, frozenset()) is None


def test_the_compose_files_own_image_comes_first() -> None:
    """Then its stand-in; of what is on this machine."""
    node = Node(name="kafka-1", role=Role.KAFKA, image="apache/kafka:4.3.1")
    stand_in = images.STAND_INS[Role.KAFKA]

    assert images.image_of(node, frozenset({"apache/kafka:4.3.1", stand_in})) == node.image
    assert images.image_of(node, frozenset({stand_in})) == stand_in
    assert images.image_of(node, frozenset()) is None


def test_contexts_are_told_once(tmp_path: Path) -> None:
    """Services share them."""
    nodes = tuple(Node(name=n, role=Role.SERVICE, build=tmp_path) for n in ("a", "b"))
    system = System(
        name="s", path=tmp_path / "s.yaml", nodes=(*nodes, Node(name="d", role=Role.KAFKA))
    )

    assert images.contexts(system) == (tmp_path,)


def test_a_dockerfile_upon_python_is_known(tmp_path: Path) -> None:
    """By its argument."""
    ours = folder(tmp_path / "a", Dockerfile="ARG BASE=python:3.12-slim\nFROM ${BASE}\n")
    other = folder(tmp_path / "b", Dockerfile="FROM node:24-slim\n")

    found = [images.is_python(each) for each in (ours, other, tmp_path, None)]
    assert found == [True, False, False, False]
