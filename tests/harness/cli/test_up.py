"""`aftershock up`, `status`, `down` on the real stack, and ports of this machine."""

import socket
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from tests.command import Aftershock

pytestmark = pytest.mark.stack

SUITE = """
from pathlib import Path
from harness.model.scenario import Pattern
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

SUITE = Suite(
    name="tiny", about="one database", compose=Path(__file__).parent / "compose.yaml",
    invariants=Path(__file__).parent,
    patterns=(Pattern(name="plain", promises="nothing", writer="db", publisher="db"),),
    committed=StoreQuery(name="rows", node="db", database="app", sql="SELECT '1'"),
    entry=("db", 5432), plan=lambda rng: (),
)
"""
COMPOSE = """
services:
  db:
    image: postgres:18
    environment: {{POSTGRES_USER: me, POSTGRES_PASSWORD: secret, POSTGRES_DB: app}}
    ports: ["{port}:5432"]
"""


def _tiny(folder: Path, compose: str) -> str:
    suite = folder / "tiny"
    suite.mkdir()
    (suite / "suite.py").write_text(SUITE)
    (suite / "compose.yaml").write_text(compose)
    return str(suite)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_the_stack_is_reached_where_up_says_and_gone_after_down(
    aftershock: Aftershock, tmp_path: Path
) -> None:
    """The printed connection string works from this machine; `down` ends every process."""
    port = _free_port()
    told = aftershock("up", _tiny(tmp_path, COMPOSE.format(port=port)), "--offline", "--json")
    try:
        assert told.code == 0, told.err
        (node,) = told.json["nodes"]
        string = node["connect"].removeprefix("psql ")
        with psycopg.connect(string) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("app",)
        assert string == f"postgresql://me:secret@127.0.0.1:{port}/app"
        (up,) = aftershock("status", "--json").json
        assert (up["suite"], up["backend"]) == ("tiny", "namespaces")
        again = aftershock("up", str(tmp_path / "tiny"), "--offline")
        assert again.code == 254 and "is up already" in again.err
    finally:
        down = aftershock("down")
    assert "tiny is down" in down.out
    assert aftershock("status", "--json").json == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(string)


def test_another_backend_is_one_message(aftershock: Aftershock) -> None:
    """With those that there are; exit code 254."""
    answer = aftershock("up", "--backend", "podman")
    assert answer.code == 254
    assert "--backend podman: there are auto, namespaces, docker" in answer.err


def test_a_port_in_use_is_one_message(aftershock: Aftershock, tmp_path: Path) -> None:
    """The file, the service, the port, and what to do; exit code 254."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        suite = _tiny(tmp_path, COMPOSE.format(port=port))
        answer = aftershock("up", suite, "--offline")
    assert answer.code == 254
    assert f"compose.yaml: service db publishes port {port}" in answer.err
    assert "Traceback" not in answer.err


def test_a_broken_compose_file_is_one_message(aftershock: Aftershock, tmp_path: Path) -> None:
    """The file and the line; nothing is started."""
    suite = _tiny(tmp_path, "services:\n  db:\n    image: postgres:18\n    network_mode: host\n")
    answer = aftershock("run", suite, "--offline", "--out", str(tmp_path / "out"))
    assert answer.code == 254
    assert "compose.yaml:4: " in answer.err and "network_mode" in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "out").exists()


def test_the_shop_is_up_in_the_pattern_asked_for(aftershock: Aftershock) -> None:
    """Every node is listed, and the order service answers on this machine."""
    told = aftershock("up", "shop", "--pattern", "outbox-polling", "--offline", "--json")
    try:
        nodes = {node["name"]: node for node in told.json["nodes"]}
        assert {"relay", "order", "kafka-1", "order-db"} <= nodes.keys()
        port = nodes["order"]["ports"]["8080"]
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert answer.status == 200
    finally:
        aftershock("down")
