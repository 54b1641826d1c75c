"""One service as a node: its role, its files on this machine, its environment."""

from pathlib import Path

import pytest

from harness.environments.compose_service import ServiceReader, image_name
from harness.environments.compose_yaml import parse
from harness.model.system import Node, Role


def reader(text: str, base: Path, environ: dict[str, str] | None = None) -> ServiceReader:
    """A reader of service `a`."""
    return ServiceReader(
        item=parse(text),
        name="a",
        base=base,
        environ=environ or {},
        volumes=frozenset({"data"}),
    )


def node_of(text: str, base: Path, environ: dict[str, str] | None = None) -> Node:
    """The node, read without problems."""
    found = reader(text, base, environ)
    node = found.node()
    assert [str(problem) for problem in found.problems] == []
    assert node is not None
    return node


def problems_of(text: str, base: Path) -> list[str]:
    """What reading complains of, without the directory."""
    found = reader(text, base)
    found.node()
    return [str(problem).replace(str(base), "BASE") for problem in found.problems]


@pytest.mark.parametrize(
    ("image", "role"),
    [
        ("postgres", Role.POSTGRES),
        ("docker.io/library/postgres:18.6", Role.POSTGRES),
        ("library/postgres@sha256:00", Role.POSTGRES),
        ("apache/kafka:4.3.1", Role.KAFKA),
        ("confluentinc/cp-kafka:8.0.0", Role.KAFKA),
        ("bitnami/kafka", Role.KAFKA),
        ("quay.io/debezium/connect:3.7", Role.KAFKA_CONNECT),
        ("confluentinc/cp-kafka-connect:8.0.0", Role.KAFKA_CONNECT),
        ("ghcr.io/shopify/toxiproxy:2.5.0", Role.TOXIPROXY),
    ],
)
def test_the_image_tells_the_role(tmp_path: Path, image: str, role: Role) -> None:
    """Whatever its tag."""
    assert role is node_of(f"image: {image}", tmp_path).role


def test_a_registry_with_a_port_is_no_tag() -> None:
    """Only what follows the last slash can be one."""
    assert image_name("localhost:5000/postgres:18") == "localhost:5000/postgres"


@pytest.mark.parametrize("text", ["build: .", "{image: x, command: run}", "entrypoint: [run]"])
def test_what_is_built_or_commanded_is_a_service(tmp_path: Path, text: str) -> None:
    """Its image, if it has one, is not known."""
    assert Role.SERVICE is node_of(text, tmp_path).role


def test_the_label_decides_over_the_image(tmp_path: Path) -> None:
    """For images of one's own."""
    text = "{image: mine/db, build: ., labels: {aftershock.role: postgres}}"

    assert Role.POSTGRES is node_of(text, tmp_path).role


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "{image: nginx, labels: [team=a]}",
            (
                "cannot tell the role of service a (set the label aftershock.role to one of: postgres, mariadb,"
                " kafka, kafka-connect, toxiproxy, service)"
            ),
        ),
        (
            "{build: ., labels: {aftershock.role: mysql}}",
            (
                "labels names the unknown role 'mysql'"
                " (write one of: postgres, mariadb, kafka, kafka-connect, toxiproxy, service)"
            ),
        ),
        (
            "{image: postgres, build: .}",
            (
                "build builds what the image calls a postgres; natively only one of them runs"
                " (remove build, or set the label aftershock.role)"
            ),
        ),
        (
            "build: ./none",
            "build names BASE/none, which is no directory (create it or correct the path)",
        ),
        (
            "build: https://example.org/x.git",
            "build is fetched from elsewhere (name a directory on this machine)",
        ),
        ("build: {args: {A: 1}}", "build has no context (add context: DIRECTORY)"),
        (
            "build: {context: ., secrets: [a]}",
            "build.secrets is not an attribute that is known here (remove it)",
        ),
        (
            "{image: postgres, volumes: ['./none:/b']}",
            "volumes[0] mounts BASE/none, which does not exist (create it or correct it)",
        ),
        (
            "{image: postgres, volumes: ['none:/b']}",
            (
                "volumes[0] names the volume 'none', which is not declared"
                " (declare it under the top-level volumes, or write ./none)"
            ),
        ),
        (
            "{image: postgres, volumes: ['.:/b', 'data:/b/']}",
            "volumes[1] mounts /b a second time (keep one)",
        ),
        (
            "{image: postgres, env_file: none.env}",
            "env_file names BASE/none.env, which is no file (create it or correct the path)",
        ),
        (
            "{image: postgres, env_file: [{required: true}]}",
            "env_file[0] has no path (add path: FILE)",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    """Roles, and files that are not there."""
    assert [says] == problems_of(text, tmp_path)


def test_every_problem_of_a_service_is_found(tmp_path: Path) -> None:
    """One wrong attribute doesn't hide the next."""
    found = problems_of("{image: postgres, deploy: {}, restart: never, hostname: a_b}", tmp_path)

    assert len(found) == 3


def test_the_environment_wins_over_env_files_and_later_files_over_earlier(tmp_path: Path) -> None:
    """A bare name takes this machine's value, or takes the variable away."""
    (tmp_path / "1.env").write_text("A=1\nB=1\nC=1\nD=1\n")
    (tmp_path / "2.env").write_text("B=2\nC=2\n")
    text = "{image: postgres, env_file: [1.env, {path: 2.env}], environment: [C=3, D, E]}"

    expected = {"A": "1", "B": "2", "C": "3", "E": "here"}
    assert expected == node_of(text, tmp_path, {"E": "here"}).environment


def test_an_env_file_that_is_not_required_may_be_missing(tmp_path: Path) -> None:
    """Compose's own switch for it."""
    text = "{image: postgres, env_file: [{path: none.env, required: false}]}"

    assert node_of(text, tmp_path).environment == {}


def test_volumes_with_a_name_are_the_nodes_own_disk(tmp_path: Path) -> None:
    """Paths become mounts, names don't."""
    (tmp_path / "x").mkdir()
    text = "{image: postgres, volumes: ['data:/d', './x:/x:ro', '~/x:/y', /scratch]}"
    found = node_of(text, tmp_path, {"HOME": str(tmp_path)})

    assert [(m.target, m.read_only) for m in found.mounts] == [("/x", True), ("/y", False)]
    assert {tmp_path / "x"} == {mount.source for mount in found.mounts}
