"""Connect's worker properties, from the variables of the Debezium image."""

import asyncio
from collections.abc import Callable

import pytest

from harness.environments.recipes.base import NotReady, Site
from harness.environments.recipes.connect import Connect, internal_topics, properties
from harness.errors import DeclarationError
from harness.model.system import Node, Role

ENVIRONMENT = {
    "BOOTSTRAP_SERVERS": "kafka-1:9092",
    "GROUP_ID": "connect",
    "CONFIG_STORAGE_TOPIC": "configs",
    "OFFSET_STORAGE_TOPIC": "offsets",
    "STATUS_STORAGE_TOPIC": "status",
}


def worker(**more: str) -> Node:
    """A worker with these variables besides the required ones."""
    return Node(name="connect", role=Role.KAFKA_CONNECT, environment={**ENVIRONMENT, **more})


def test_required_variables_and_defaults() -> None:
    """One broker is enough for the worker's own topics."""
    given = properties(worker())
    assert given["bootstrap.servers"] == "kafka-1:9092"
    assert given["group.id"] == "connect"
    assert given["offset.storage.replication.factor"] == "1"
    assert given["scheduled.rebalance.max.delay.ms"] == "0"


def test_variables_win_over_defaults() -> None:
    """Both the bare ones and those with the prefix; the prefix wins; what is none is left out."""
    given = properties(
        worker(
            KEY_CONVERTER="bare",
            CONNECT_KEY_CONVERTER="prefixed",
            VALUE_CONVERTER="own",
            CONNECT_OFFSET_FLUSH_INTERVAL_MS="200",
            CONNECT_LOG4J_LOGGERS="x=DEBUG",
            HEAP_OPTS="-Xmx1g",
        )
    )
    assert (given["key.converter"], given["value.converter"]) == ("prefixed", "own")
    assert given["offset.flush.interval.ms"] == "200"
    assert not any("log4j" in name or "heap" in name for name in given)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_missing_variable_is_named(name: str) -> None:
    """As the property and as the variable to set."""
    environment = {k: v for k, v in ENVIRONMENT.items() if k != name}
    node = Node(name="connect", role=Role.KAFKA_CONNECT, environment=environment)
    lacking = name.lower().replace("_", ".")
    with pytest.raises(
        DeclarationError, match=f"service connect: environment lacks {lacking}; set {name}$"
    ):
        properties(node)


def test_the_workers_own_topics_are_known() -> None:
    """They are no part of the system's data."""
    assert internal_topics(worker()) == {"configs", "offsets", "status"}


def test_the_worker_listens_to_everybody_and_says_its_name(site: Callable[[Node], Site]) -> None:
    """What the harness needs wins over what the compose file says."""
    place = site(worker(CONNECT_LISTENERS="http://127.0.0.1:1"))
    launch = asyncio.run(Connect().prepare(place))

    text = (place.directory / "connect.properties").read_text(encoding="utf-8")
    assert "listeners=http://0.0.0.0:8083\n" in text
    assert "rest.advertised.host.name=connect\n" in text
    assert f"plugin.path={place.toolchain.plugin_dir}\n" in text
    assert launch.argv[-2:] == (
        "org.apache.kafka.connect.cli.ConnectDistributed",
        str(place.directory / "connect.properties"),
    )


def test_a_worker_that_does_not_answer_is_not_ready(site: Callable[[Node], Site]) -> None:
    """Nobody listens here."""
    with pytest.raises(NotReady, match="GET /connectors is not answered"):
        asyncio.run(Connect().ready(site(worker())))
