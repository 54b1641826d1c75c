"""What images are built from, and what tells their content."""

from pathlib import Path

import pytest

from harness.environments import nodejs
from harness.environments.docker import images
from harness.environments.docker.images import Image
from harness.errors import MachineUnfit
from harness.model.system import Node, Role, System
from harness.toolchain import Toolchain


def toolchain(root: Path) -> Toolchain:
    """One with a few files in it."""
    for name in ("java/bin/java", "lib/kafka.jar", "lib/connect.jar", "plugins/debezium/d.jar",
                 "postgres/bin/postgres", "mariadb/bin/mariadbd", "log4j2.properties"):  # fmt: skip
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
    bases = (images.base_stand_in(base) for base in images.BASES.values())
    for each in (*made, *bases, images.sandbox_image(images.PYTHON), toxiproxy):
        text = (each.folder / "Dockerfile").read_text(encoding="utf-8")
        given = [name for name, _ in each.files()]
        for line in text.splitlines():
            if line.startswith("COPY"):
                source = next(w for w in line.split()[1:] if not w.startswith("--"))
                assert any(n == source or n.startswith(f"{source}/") for n in given), line
        assert each.upon in text


@pytest.mark.parametrize("name", ["postgres", "mariadb", "kafka", "connect", "toxiproxy"])
def test_servers_run_as_a_user_of_their_own_and_tell_their_health(name: str) -> None:
    """As the official images."""
    text = (images.folder(name) / "Dockerfile").read_text(encoding="utf-8")

    assert "\nUSER " in text and "USER root" not in text
    assert "\nHEALTHCHECK " in text
    assert "\nEXPOSE " in text


def test_roles_that_are_not_wanted_are_not_built(tmp_path: Path) -> None:
    """Their official image may be there."""
    (made,) = images.stand_ins(toolchain(tmp_path), frozenset({Role.KAFKA, Role.SERVICE}))

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


def test_of_sources_the_packages_are_left_out_and_of_parts_they_are_not(tmp_path: Path) -> None:
    """What npm has left beside sources is none of them; npm itself is full of such folders."""
    context = folder(tmp_path / "a", Dockerfile="FROM x")
    folder(context / "inner" / "node_modules", file="")
    part = folder(tmp_path / "b" / "node_modules", file="")
    folder(part / "__pycache__", file="")

    given = [name for name, _ in image(context, npm=tmp_path / "b").files()]
    assert given == ["Dockerfile", "npm/node_modules/file"]


def test_node_js_is_put_in_an_image_with_npm_and_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A release that differs in its version alone is another content; where there is none, the extra
    is named."""
    given = [name for name, _ in images.node_stand_in().files()]
    assert "node/bin/node" in given
    assert "node/lib/node_modules/npm/bin/npm-cli.js" in given
    assert any(name.startswith("node/lib/node_modules/npm/node_modules/") for name in given)
    assert "node/include/node/node_version.h" in given

    monkeypatch.setattr(nodejs, "home", lambda: None)
    with pytest.raises(MachineUnfit, match=r"pip install 'aftershock\[polyglot\]'"):
        images.base_stand_in(images.NODE)


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
    context = folder(tmp_path / "services", Dockerfile=f"ARG BASE={images.OFFICIAL_NODE}")
    node = Node(name="order", role=Role.SERVICE, build=context)
    named = Node(name="other", role=Role.SERVICE, image="mine:1")

    for base in (images.OFFICIAL_NODE, images.NODE):
        tag = images.service_image(context, base).tag
        assert images.built_service(node, frozenset({tag})) == tag
    other = images.service_image(context, images.PYTHON).tag
    assert images.built_service(node, frozenset({other})) is None
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


def test_a_dockerfile_tells_the_base_that_it_asks_for(tmp_path: Path) -> None:
    """By its argument; the shop's ask for what there is a stand-in for."""
    ours = folder(tmp_path / "a", Dockerfile="# a\nARG BASE=python:3.12-slim\nFROM ${BASE}\n")
    other = folder(tmp_path / "b", Dockerfile="FROM node:24-slim\n")

    found = [images.base_asked(each) for each in (ours, other, tmp_path, None)]
    assert found == [images.OFFICIAL_PYTHON, None, None, None]
    compose = Path(images.__file__).parents[3] / "compose"
    asked = [images.base_asked(compose / name) for name in ("services", "services-js")]
    assert asked == list(images.BASES)


def test_the_base_that_is_asked_for_comes_before_its_stand_in() -> None:
    """As far as it is on this machine."""
    local = frozenset({images.OFFICIAL_NODE, images.PYTHON})

    assert images.base_of(images.OFFICIAL_NODE, local) == images.OFFICIAL_NODE
    assert images.base_of(images.OFFICIAL_PYTHON, local) == images.PYTHON
