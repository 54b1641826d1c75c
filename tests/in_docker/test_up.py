"""`aftershock up`, `status`, `down` in containers: as in namespaces, and nothing is left."""

import asyncio
import json
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import pytest

from harness.environments.docker import leftovers
from harness.environments.docker.engine import Engine
from harness.testing import eventually
from tests.command import Aftershock
from tests.small_shop import small_shop

if TYPE_CHECKING:
    from docker import DockerClient

UP = ("--pattern", "dual-write", "--backend", "docker", "--json")


@pytest.fixture(autouse=True)
def cache(
    tmp_path: Path, aftershock: Aftershock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """One of the test's own: `down` and `clean` take all that they find in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield
    if any((tmp_path / "aftershock").glob("runs/*")):  # of a test that has failed
        aftershock("down")
        aftershock("clean")


def _answers(port: str) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_a_stack_is_up_until_it_is_down(
    aftershock: Aftershock, engine: "DockerClient", tmp_path: Path
) -> None:
    """A service answers on a port of this machine, and does so again when it was killed."""
    suite = small_shop(tmp_path, ("order-db", "kafka-1", "order"))
    told = aftershock("up", suite, *UP)
    assert told.code == 0, told.err
    nodes = {node["name"]: node for node in told.json["nodes"]}
    port = nodes["order"]["ports"]["8080"]
    place = Path(told.json["logs"]).parent

    assert told.json["backend"] == "docker"
    assert nodes.keys() == {"order-db", "kafka-1", "order"}
    assert _answers(port)
    assert aftershock("status", "--json").json == [told.json]
    again = aftershock("up", suite, *UP)
    assert again.code == 254 and "suite shop is up already" in again.err
    order = Engine(engine, place).container("order")
    first = order.attrs["State"]["StartedAt"]
    order.kill(signal="SIGKILL")

    def is_back() -> bool:
        order.reload()
        return order.attrs["State"]["StartedAt"] != first and _answers(port)

    asyncio.run(eventually(is_back, within_s=60))
    down = aftershock("down")
    assert (down.code, down.out) == (0, "shop is down\n")
    assert not place.exists()
    assert place.name not in leftovers.placed(engine)
    assert not _answers(port)


def test_what_a_killed_keeper_leaves_is_cleaned(
    aftershock: Aftershock, engine: "DockerClient", tmp_path: Path
) -> None:
    """Its containers outlive it; it is up no more, and `clean` removes them."""
    told = aftershock("up", small_shop(tmp_path, ("order-db",)), *UP)
    assert told.code == 0, told.err
    (db,) = told.json["nodes"]
    with psycopg.connect(db["connect"].removeprefix("psql "), connect_timeout=10) as session:
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    place = Path(told.json["logs"]).parent
    keeper = os.pidfd_open(json.loads((place / "keeper.json").read_text())["pid"])
    signal.pidfd_send_signal(keeper, signal.SIGKILL)
    assert select.select([keeper], [], [], 10)[0]
    os.close(keeper)

    assert aftershock("status", "--json").json == []
    assert place.name in leftovers.placed(engine)
    assert f"removed 3 containers and networks of run {place.name}" in aftershock("clean").out
    assert place.name not in leftovers.placed(engine)
