"""The shop's declaration, against the files it speaks of."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

import faults
from harness.environments.compose import read
from harness.model.scenario import Pattern
from harness.model.system import Node, Role, System
from suites.shop.suite import PATTERNS, SUITE
from suites.shop.workload import PRODUCTS

SQL = SUITE.compose.parent / "sql"
CONNECTOR = SUITE.compose.parent / "connectors" / "order-outbox.json"


def shop(pattern: Pattern) -> System:
    """The compose file under a pattern."""
    return read(SUITE.compose, environ=pattern.environment).under_profile(pattern.name)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_a_pattern_starts_the_nodes_it_speaks_of(pattern: Pattern) -> None:
    """Its writer, its publisher, the entry, and every node in its evidence."""
    names = {node.name for node in shop(pattern).nodes}
    hops = {hop.node for hop in SUITE.hops[pattern.name]}
    assert names >= {pattern.writer, pattern.publisher, SUITE.entry[0]} | hops


def test_only_the_relay_and_connect_belong_to_one_pattern() -> None:
    """Everything else of the shop is the same under every pattern."""
    system = read(SUITE.compose, environ={})
    assert {node.name: node.profiles for node in system.nodes if node.profiles} == {
        "relay": ("outbox-polling",),
        "connect": ("outbox-cdc",),
    }


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_the_order_service_is_told_the_pattern(pattern: Pattern) -> None:
    """By the variable PATTERN, which the compose file passes on."""
    assert shop(pattern).node("order").environment["PATTERN"] == pattern.name


def test_the_publisher_is_what_lies_between_commit_and_publish() -> None:
    """Who commits and who publishes differ exactly where there is an outbox."""
    assert {p.name: (p.writer, p.publisher) for p in PATTERNS} == {
        "dual-write": ("order", "order"),
        "outbox-polling": ("order", "relay"),
        "outbox-cdc": ("order", "connect"),
    }


def test_the_default_matrix_holds_one_control() -> None:
    """And a connector is restarted only where there is one."""
    controls = {p.name: p.controls for p in PATTERNS if p.controls}
    assert controls == {"dual-write": {"kill-between-commit-and-publish": "no-event-lost"}}
    assert ("dual-write", "kill-between-commit-and-publish") in SUITE.default_matrix
    restarts = [pattern for pattern, fault in SUITE.default_matrix if fault == "connector-restart"]
    assert restarts == ["outbox-cdc"]
    assert len(SUITE.default_matrix) == 10


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_the_points_of_a_pattern_are_points_of_its_system(pattern: Pattern) -> None:
    """Each is a short form that there is, of nodes that there are, and left to chance."""
    kinds = {name: faults.find(name) for name in pattern.points}
    assert {name: kind.unfit(pattern, shop(pattern)) for name, kind in kinds.items()} == (
        dict.fromkeys(pattern.points)
    )
    assert [name for name, kind in kinds.items() if kind.names_one(pattern)] == []


def test_every_pattern_has_the_points_that_it_can_have() -> None:
    """Who has no publisher of its own has nothing to mark; only Connect flushes."""
    writer = {
        "kill-between-commit-and-publish",
        "kill-before-commit",
        "kill-between-effect-and-offset-commit",
    }
    assert {p.name: set(p.points) for p in PATTERNS} == {
        "dual-write": writer,
        "outbox-polling": {*writer, "kill-between-publish-and-mark"},
        "outbox-cdc": {
            *writer, "kill-between-publish-and-mark", "kill-connect-before-offset-flush"
        },
    }  # fmt: skip


def test_the_outbox_is_no_hop_where_nothing_is_written_to_it() -> None:
    """Else a lost order of dual-write would seem to have broken there."""
    has_outbox = {name: any(h.name == "outbox" for h in hops) for name, hops in SUITE.hops.items()}
    assert has_outbox == {"dual-write": False, "outbox-polling": True, "outbox-cdc": True}


def environment(role: Role) -> list[Mapping[str, str]]:
    """What the nodes of a role are told, over all patterns."""
    nodes: tuple[Node, ...] = read(SUITE.compose, environ={}).with_role(role)
    return [node.environment for node in nodes]


def test_the_outbox_that_is_declared_is_the_one_that_is_there() -> None:
    """With the column that the relay sets."""
    (outbox,) = SUITE.outboxes
    assert (outbox.node, outbox.table) == ("order-db", "outbox")
    declared = (SQL / "order.sql").read_text(encoding="utf-8")
    columns = declared.partition("CREATE TABLE outbox (")[2].partition(";")[0]
    assert re.search(rf"^\s+{outbox.sent}\s+timestamptz$", columns, re.MULTILINE)


def test_every_service_speaks_of_one_topic() -> None:
    """The one that the connector routes to and that the evidence looks into."""
    config = json.loads(CONNECTOR.read_text())["config"]
    told = {env["TOPIC"] for env in environment(Role.SERVICE)}
    assert told == {config["transforms.outbox.route.topic.replacement"]} == {"order.events"}
    assert any("kafka.order.events" in hop.query for hop in SUITE.hops["outbox-cdc"])


def test_the_connector_reads_the_order_database() -> None:
    """Host, credentials, database and publication are those of the compose file and schema."""
    config: Mapping[str, Any] = json.loads(CONNECTOR.read_text())["config"]
    env = read(SUITE.compose, environ={}).node(config["database.hostname"]).environment
    assert config["database.user"] == env["POSTGRES_USER"]
    assert config["database.password"] == env["POSTGRES_PASSWORD"]
    assert config["database.dbname"] == env["POSTGRES_DB"]
    schema = (SQL / "order.sql").read_text()
    assert f"CREATE PUBLICATION {config['publication.name']} FOR TABLE outbox" in schema


def test_what_customers_order_is_in_stock() -> None:
    """The seeded products are the workload's, in greater number than any plan can order."""
    rows = re.findall(r"\('(\w+)', (\d+), (\d+)\)", (SQL / "inventory.sql").read_text())
    assert {name for name, _, _ in rows} == set(PRODUCTS)
    assert all(int(on_hand) == int(initial) >= 500 for _, on_hand, initial in rows)


def test_the_compose_file_is_plain_yaml_of_the_specification() -> None:
    """Nothing of ours outside labels, and every restart policy is an orchestrator's."""
    document = yaml.safe_load(SUITE.compose.read_text())
    assert {key for key in document if not key.startswith("x-")} == {"name", "services"}
    assert {service["restart"] for service in document["services"].values()} == {"always"}
