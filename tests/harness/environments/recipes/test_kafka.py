"""Kafka natively: properties from the official image's variables, and a real formatted disk."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.environments.compose import read
from harness.environments.recipes.base import NotReady, Site
from harness.environments.recipes.kafka import Kafka
from harness.errors import AftershockError
from harness.model.system import Node, Role
from harness.testing import isolated
from harness.testing.nodes import nodes_of
from harness.toolchain import ensure

SERVERS = Path(__file__).parents[3] / "servers.yaml"


def test_variables_become_the_brokers_properties(site: Callable[[Node], Site]) -> None:
    """The disk is the node's own; what is meant for the image's scripts is left out."""
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_NUM_IO_THREADS": "7",
        "KAFKA_LOG_DIRS": "/somewhere/else",
        "KAFKA_HEAP_OPTS": "-Xmx9g",
        "CLUSTER_ID": "x",
    }
    place = site(Node(name="kafka-1", role=Role.KAFKA, environment=environment))
    (place.directory / "data").mkdir()
    launch = asyncio.run(Kafka().prepare(place))

    lines = (place.directory / "server.properties").read_text(encoding="utf-8").splitlines()
    assert {"node.id=1", "num.io.threads=7", f"log.dirs={place.directory}/data"} < set(lines)
    assert not any("heap" in line or "cluster" in line for line in lines)
    assert launch.argv[-2:] == ("kafka.Kafka", str(place.directory / "server.properties"))
    assert "-Xmx256m" in launch.argv


def test_a_broker_that_does_not_answer_is_not_ready(site: Callable[[Node], Site]) -> None:
    """Nobody listens here."""
    with pytest.raises(NotReady, match="port 9092"):
        asyncio.run(Kafka().ready(site(Node(name="kafka-1", role=Role.KAFKA))))


async def format_once(directory: str, answer: str) -> dict[str, Any]:
    """A disk that is formatted, a second one from the template, and a broker on it."""
    node = read(SERVERS, environ={}).node("kafka-1")
    toolchain = replace(ensure(offline=True), cache=Path(directory, "cache"))
    environment = nodes_of(directory, node)
    environment._toolchain = toolchain
    async with environment:
        await environment.start(["kafka-1"])
        templates = [path.name for path in Path(directory, "cache", "templates").iterdir()]
        begun = Path(directory, "cache", "templates", templates[0]).stat().st_mtime_ns
        await environment.wipe()
        await environment.start(["kafka-1"])
        again = Path(directory, "cache", "templates", templates[0]).stat().st_mtime_ns
        text = Path(directory, "logs", "kafka-1.log").read_text(encoding="utf-8")
    return {
        answer: len(templates),
        "made once": begun == again,
        "formatted": text.count("Formatting "),
    }


@pytest.mark.stack
def test_a_disk_is_formatted_once(tmp_path: Path) -> None:
    """Every later start copies what the first has made."""
    assert isolated(format_once, str(tmp_path), "templates", timeout_s=90) == {
        "templates": 1,
        "made once": True,
        "formatted": 1,
    }


async def wrong_listener(directory: str) -> str:
    """The failure of a format that Kafka refuses."""
    node = read(SERVERS, environ={}).node("kafka-1")
    broken = {**node.environment, "KAFKA_PROCESS_ROLES": "bookkeeper"}
    environment = nodes_of(directory, replace(node, environment=broken))
    try:
        async with environment:
            await environment.start(["kafka-1"])
    except AftershockError as error:
        return f"{type(error).__name__}: {error}"
    return "started"


@pytest.mark.stack
def test_a_format_that_kafka_refuses_is_told(tmp_path: Path) -> None:
    """With the log in which it says why."""
    told = isolated(wrong_listener, str(tmp_path))
    assert told.startswith("EnvironmentFailed: kafka-1: formatting its storage ended with 1; see ")
    log = (tmp_path / "logs" / "kafka-1.log").read_text(encoding="utf-8")
    assert "bookkeeper" in log
