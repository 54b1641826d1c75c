"""Compose files as systems: what is read, what is refused, and how that is said."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.environments.compose import read
from harness.environments.compose_attributes import NO_EFFECT, READ, REFUSED
from harness.errors import DeclarationError
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

Write = Callable[[str], Path]

GOOD = """\
name: shop
x-base: &base
  restart: unless-stopped
  environment: &env
    KAFKA: kafka-1:9092
services:
  order-db:
    image: docker.io/library/postgres:18
    container_name: shop-order-db
    environment:
      - POSTGRES_DB=orders
      - POSTGRES_PASSWORD=${PASSWORD:-shop}
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"]
      interval: 500ms
      timeout: 1m30s
      retries: 20
      start_period: 2s
    volumes:
      - order-data:/var/lib/postgresql
  kafka-1:
    image: apache/kafka:4.3.1
    ports: ["19092:9092"]
  order:
    <<: *base
    build:
      context: ./order
      args: {PYTHON: "3.11"}
    command: python -m order "two words"
    working_dir: /app
    hostname: order-1
    environment:
      <<: *env
      PORT: 8080
    env_file: order.env
    ports:
      - target: 8080
        published: "18080"
    volumes:
      - ./order:/app:ro
    depends_on:
      order-db: {condition: service_healthy}
      kafka-1: {condition: service_started}
    profiles: [dual-write, outbox-polling]
    labels: [aftershock.role=service, team=orders]
    stop_signal: INT
    stop_grace_period: 3s
volumes:
  order-data:
networks:
  default:
    driver: bridge
x-aftershock:
  patterns: [dual-write, {name: outbox-polling, weight: 1.5}]
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a compose file beside what GOOD refers to."""
    (tmp_path / "order").mkdir()
    (tmp_path / "order.env").write_text("# of the service\nLEVEL=debug\nPORT=1\n")

    def write(text: str) -> Path:
        path = tmp_path / "shop.yaml"
        path.write_text(text)
        return path

    return write


def said(path: Path) -> str:
    """What reading the file complains of, without the directory."""
    with pytest.raises(DeclarationError) as caught:
        read(path, environ={})
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


def service(lines: str) -> str:
    """A file whose only service, from line 2 on, is `a` with these attributes from line 3 on."""
    return f"services:\n  a:\n    image: postgres\n    {lines}\n"


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


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_unsupported_attribute_is_refused_by_name_and_line(write: Write, name: str) -> None:
    """Whatever its value, with what to do instead."""
    assert f"shop.yaml:4: services.a.{name} is not supported ({REFUSED[name]})" == said(
        write(service(f"{name}: {{}}"))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "shop.yaml:1: the file is empty (declare at least one service under services:)"),
        ("- a\n", "shop.yaml:1: the file is a list (write services: …)"),
        ("name: x\n", "shop.yaml:1: the file declares no services (add services: …)"),
        ("\nservices: {}\n", "shop.yaml:2: services is empty (declare at least one service)"),
        (
            "\nservices: [a]\n",
            "shop.yaml:2: services is a list, not a mapping (write name: value lines)",
        ),
        ("services:\n  a:\n", "shop.yaml:2: services.a is empty (give it an image or a build)"),
        (
            "services:\n  a: postgres\n",
            (
                "shop.yaml:2: services.a is the text 'postgres', not a mapping"
                " (give it an image or a build)"
            ),
        ),
        (
            "services:\n  a:\n    image: x\n    image: y\n",
            "shop.yaml:4: the key 'image' stands here twice, first on line 3 (keep one)",
        ),
        (
            "services:\n\ta: 1\n",
            "shop.yaml:2: a tab is used for indentation, which YAML forbids (use spaces)",
        ),
        (
            "services:\n  a: [1\n",
            (
                "shop.yaml:3: not YAML: while parsing a flow sequence expected ',' or ']',"
                " but got '<stream end>' (correct the syntax)"
            ),
        ),
        (
            "include: [b.yaml]\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: include is not supported (put everything into one file)",
        ),
        (
            "service: {a: {image: postgres}}\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: service is not an attribute that is known here (did you mean services?)",
        ),
        (
            "services:\n  a_:\n    image: postgres\n",
            (
                "shop.yaml:2: services.a_ is no usable name: 'a_'"
                " (use letters, digits, - _ and ., at most 63)"
            ),
        ),
        (
            "name: Shop\nservices: {a: {image: postgres}}\n",
            "shop.yaml:1: name is 'Shop' (use lower-case letters, digits, - and _)",
        ),
        (
            "services: {a: {image: postgres}}\nx-aftershock: 3\n",
            "shop.yaml:2: x-aftershock is the number 3, not a mapping (write name: value lines)",
        ),
        (
            "services: {a: {image: postgres}}\nvolumes: {v: {external: true}}\n",
            "shop.yaml:2: volumes.v.external is not an attribute that is known here (remove it)",
        ),
        (
            "services: {a: {image: postgres}}\nnetworks: {n: {driver: macvlan}}\n",
            "shop.yaml:2: networks.n.driver is not supported (remove it)",
        ),
        (
            "services:\n  a:\n    image: $TAG\n",
            (
                "shop.yaml:3: services.a.image uses the variable TAG, which is not set"
                " (set it, or give a default: ${TAG:-…})"
            ),
        ),
        (
            "services:\n  a:\n    image: nginx\n    labels: {team: a}\n",
            (
                "shop.yaml:2: cannot tell the role of service a (set the label aftershock.role to one"
                " of: postgres, mariadb, kafka, kafka-connect, toxiproxy, service)"
            ),
        ),
    ],
)
def test_a_broken_file_is_answered_by_one_line(write: Write, text: str, expected: str) -> None:
    """File, line, what, and what to do."""
    assert expected == said(write(text))


def test_the_first_problem_is_told_and_the_others_counted(write: Write) -> None:
    """In the file's order, whatever order they were found in."""
    text = (
        "services:\n  a:\n    ports: [0]\n    deploy: {}\n    image: postgres\n    hostname: ''\n"
    )

    assert said(write(text)) == (
        "shop.yaml:3: services.a.ports[0] has '0' for a port"
        ' (write "HOST:NODE", each from 1 to 65535) (and 2 more problems)'
    )


def test_a_problem_in_an_env_file_names_that_file(write: Write) -> None:
    """File and line are those where the mistake stands."""
    path = write(GOOD)
    (path.parent / "order.env").write_text("A=1\n=2\n")

    assert said(path) == "order.env:2: '=2' is no variable (write NAME=value)"


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


# ------------------------------------------------------------------ nothing else is ever raised

_WORDS = st.sampled_from(
    sorted(READ)
    + sorted(NO_EFFECT)
    + ["services", "volumes", "networks", "name", "x-aftershock", "a", "b", "condition", "test"]
    + ["context", "target", "published", "source", "type", "path", "deploy", "<<", "interval"]
)
_TEXTS = st.sampled_from([
    "postgres", "a", "b", ".", "/", "./x:/y:ro", "v:/d", "8080:80", "9-10:9-10", "1m30s", "1h",
    "${A}", "${A:-b}", "${A:?}", "$$", "$", "${", "service_healthy", "CMD", "NONE", "bind",
    "aftershock.role=kafka", "A=1", "=", "a\0b", "no", "SIGTERM", "~", "\ud800",
])  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | _TEXTS
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)
_SERVICES = st.fixed_dictionaries(
    {
        "services": st.dictionaries(
            st.sampled_from(["a", "b", "c", "A"]),
            st.fixed_dictionaries(
                {"image": st.sampled_from(["postgres", "apache/kafka:4", "x"])},
                optional=dict.fromkeys(sorted((READ | set(NO_EFFECT)) - {"image"}), _TREES),
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={"volumes": _TREES, "networks": _TREES, "name": _TREES, "x-aftershock": _TREES},
)
_SNIPPETS = st.sampled_from([
    "\t", "\0", "&a ", "*a", "*base", "<<: ", "!!python/object:os.system ", "!!int ", "{", "}",
    "[", "]", ": ", "- ", "\n", "\n  ", '"', "'", "|", ">", "%YAML 1.1", "---\n", "...", "$", "${",
    "\ufeff", "\x07", "é", "? ", "#", "\\", '"\\ud800"', '"\\UFFFFFFFF"', "9" * 5000, "!reset null",
    "1e999", "0x", "services:", "\x85", "\u2028", "[" * 2000,
])  # fmt: skip
_CALM = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)


def reads_or_declares(path: Path, *, environ: dict[str, str]) -> None:
    """Either a system comes out or one DeclarationError of the promised form, nothing else."""
    try:
        system = read(path, environ=environ)
    except DeclarationError as error:
        text = str(error)
        assert re.match(rf"{re.escape(str(path.parent))}/[a-z.]+(:\d+)?: ", text), text
        assert re.search(r" \(.+\)( \(and \d+ more problems?\))?$", text), text
        assert "\n" not in text and len(text) < 1000, text
    else:
        assert system.nodes


@_CALM
@given(tree=_TREES | _SERVICES)
def test_no_structure_raises_anything_but_a_declaration_error(write: Write, tree: object) -> None:
    """Random YAML built from the words that Compose knows."""
    text = yaml.safe_dump(tree, allow_unicode=True)
    path = write("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    reads_or_declares(path, environ={"A": "1", "HOME": "/nowhere"})


@_CALM
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 40), _SNIPPETS | st.text(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_no_edit_of_a_good_file_raises_anything_but_a_declaration_error(
    write: Write, edits: list[tuple[int, int, str]]
) -> None:
    """Random replacements in the good file."""
    text = GOOD
    for at, length, snippet in edits:
        text = text[:at] + snippet + text[at + length :]
    path = write("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    reads_or_declares(path, environ={})


@_CALM
@given(data=st.binary(max_size=80), environ=st.dictionaries(st.text(), st.text()))
def test_no_bytes_raise_anything_but_a_declaration_error(
    write: Write, data: bytes, environ: dict[str, str]
) -> None:
    """Random bytes, also as env file and .env file."""
    path = write("")
    path.write_bytes(data)
    reads_or_declares(path, environ=environ)

    path = write(GOOD)
    (path.parent / "order.env").write_bytes(data)
    reads_or_declares(path, environ=environ)
    dot_env = path.parent / ".env"
    dot_env.write_bytes(data)
    reads_or_declares(path, environ=environ)
    dot_env.unlink()
