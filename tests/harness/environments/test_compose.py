"""Compose files as systems: what is read, and from what files."""

from pathlib import Path

import pytest

from harness.environments.compose import read
from harness.model.system import (
    Condition,
    Dependency,
    Healthcheck,
    Mount,
    Node,
    Port,
    Role,
    System,
)
from tests.harness.environments.compose_files import GOOD, Write, said, service


def test_every_supported_attribute_arrives_in_the_model(write: Write) -> None:
    """The good file, read whole, equals the system it declares."""
    path = write(GOOD)
    base = path.parent

    expected = System(
        name="shop",
        path=path,
        nodes=(
            Node(
                name="order-db",
                role=Role.POSTGRES,
                image="docker.io/library/postgres:18",
                environment={"POSTGRES_DB": "orders", "POSTGRES_PASSWORD": "shop"},
                healthcheck=Healthcheck(
                    test=("/bin/sh", "-c", "pg_isready -U $POSTGRES_USER"),
                    interval_s=0.5,
                    timeout_s=90.0,
                    retries=20,
                    start_period_s=2.0,
                ),
            ),
            Node(
                name="kafka-1",
                role=Role.KAFKA,
                image="apache/kafka:4.3.1",
                ports=(Port(container=9092, host=19092),),
            ),
            Node(
                name="order",
                role=Role.SERVICE,
                build=base / "order",
                command=("python", "-m", "order", "two words"),
                working_dir="/app",
                hostname="order-1",
                environment={"LEVEL": "debug", "KAFKA": "kafka-1:9092", "PORT": "8080"},
                ports=(Port(container=8080, host=18080),),
                mounts=(Mount(source=base / "order", target="/app", read_only=True),),
                depends_on=(
                    Dependency(node="order-db", condition=Condition.HEALTHY),
                    Dependency(node="kafka-1", condition=Condition.STARTED),
                ),
                profiles=("dual-write", "outbox-polling"),
                labels={"aftershock.role": "service", "team": "orders"},
                restart="unless-stopped",
                stop_signal="SIGINT",
                stop_grace_s=3.0,
            ),
        ),
        extension={"patterns": ["dual-write", {"name": "outbox-polling", "weight": 1.5}]},
        volumes=("order-data",),
    )
    assert expected == read(path, environ={})


def test_the_environment_wins_over_the_dot_env_file(write: Write) -> None:
    """A .env file beside the compose file feeds ${VAR}, and the environment overrides it."""
    path = write(service("environment: {A: $A, B: $B}"))
    (path.parent / ".env").write_text("A=file\nB=file\n")

    assert read(path, environ={"B": "mine"}).nodes[0].environment == {"A": "file", "B": "mine"}


def test_a_system_without_a_name_takes_its_directorys(write: Write, tmp_path: Path) -> None:
    """As in Compose: lower case, what is no letter, digit, hyphen or underscore left out."""
    directory = tmp_path / "My Shop.d"
    directory.mkdir()
    path = write(service("tty: true")).rename(directory / "compose.yaml")

    assert read(path, environ={}).name == "myshopd"


def test_a_relative_path_is_made_absolute(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system keeps meaning the same files when the working directory changes."""
    path = write(GOOD)
    monkeypatch.chdir(path.parent)

    assert path == read(Path("shop.yaml"), environ={}).path


def test_a_utf8_byte_order_mark_is_no_problem(write: Write) -> None:
    """Some editors write one, and YAML allows it."""
    path = write(GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert read(path, environ={}).name == "shop"


def test_a_path_that_is_no_file_is_answered_by_one_line(tmp_path: Path) -> None:
    """Missing, a directory, a device, a name no file can have."""
    missing = tmp_path / "none.yaml"

    assert said(missing) == "none.yaml: cannot be read: No such file or directory (check the path)"
    assert f"{tmp_path.name}: is a directory (name the compose file in it)" == said(tmp_path)
    assert "not a regular file" in said(Path("/dev/null"))
    assert "embedded null byte" in said(Path("a\0b"))
    assert "File name too long" in said(tmp_path / ("x" * 300))


def test_what_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    """Latin-1 on line 2, and UTF-16 by its byte order mark."""
    path = tmp_path / "shop.yaml"

    path.write_bytes("name: x\n# caf\xe9\n".encode("latin-1"))
    assert said(path) == "shop.yaml:2: the text is not UTF-8 (save it as UTF-8)"
    path.write_bytes("services:\n".encode("utf-16"))
    assert said(path) == "shop.yaml:1: the text is UTF-16 (save it as UTF-8)"


def test_a_file_that_grows_through_aliases_is_refused_at_once(write: Write) -> None:
    """A "billion laughs" file is small, its tree isn't."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert "more than 50000 values (use fewer aliases)" in said(write("\n".join(lines)))
