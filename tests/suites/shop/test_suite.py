"""The shop's declaration, against the files it speaks of."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

import faults
from harness.checkers.demanded import invariants_of
from harness.environments.compose import read
from harness.model.scenario import ANY_FAULT, Pattern
from harness.model.system import Node, Role, System
from suites.shop.patterns import PATTERNS
from suites.shop.saga_workload import DEAR, HEAVY, SCARCE
from suites.shop.suite import SUITE
from suites.shop.workload import PRODUCTS

OWN = ("event-driven", "dual-write", "outbox-polling", "outbox-cdc")
"""What tests here say of patterns by name, they say of these alone."""
PAGES = SUITE.compose.parents[1] / "docs" / "explanation" / "patterns"
SQL = SUITE.compose.parent / "sql"
CONNECTOR = SUITE.compose.parent / "connectors" / "order-outbox.json"


def shop(pattern: Pattern) -> System:
    """The compose file under a pattern."""
    return read(SUITE.compose, environ=pattern.environment).under_profile(pattern.name)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_a_pattern_starts_the_nodes_it_speaks_of(pattern: Pattern) -> None:
    """Its writer, its publisher, the entry, and every node in its evidence."""
    names = {node.name for node in shop(pattern).nodes}
    hops = {hop.node for hop in pattern.hops}
    assert pattern.hops
    assert names >= {pattern.writer, pattern.publisher, SUITE.entry[0]} | hops


def test_every_pattern_has_a_page_and_every_page_a_pattern() -> None:
    """That says what it promises, how it is broken and why it holds."""
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README", "while-a-part-is-down"}
    assert pages == {pattern.name for pattern in PATTERNS}


def test_every_profile_is_a_pattern() -> None:
    """A node with another one would never be started."""
    system = read(SUITE.compose, environ={})
    profiles = {node.name: set(node.profiles) for node in system.nodes if node.profiles}
    patterns = {pattern.name for pattern in PATTERNS}
    broker = profiles.pop("kafka-1")
    assert patterns - broker == {"rest-sync"}
    assert set.union(*profiles.values()) <= patterns
    assert {"relay", "connect"} <= set(profiles)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_the_order_service_is_told_the_pattern(pattern: Pattern) -> None:
    """By the variable PATTERN, which the compose file passes on."""
    assert shop(pattern).node("order").environment["PATTERN"] == pattern.name


def test_the_publisher_is_what_lies_between_commit_and_publish() -> None:
    """Who commits and who publishes differ exactly where there is an outbox."""
    own = [SUITE.pattern(name) for name in OWN]
    assert {p.name: (p.writer, p.publisher) for p in own} == {
        "event-driven": ("order", "order"),
        "dual-write": ("order", "order"),
        "outbox-polling": ("order", "relay"),
        "outbox-cdc": ("order", "connect"),
    }
    assert {p.name for p in own if p.writer != p.publisher} == {p.name for p in own if p.outboxes}


def test_ways_of_publishing_without_an_outbox_are_controls() -> None:
    """Each of what it gets wrong, at the moment at which it does."""
    assert {name: dict(SUITE.pattern(name).controls) for name in OWN} == {
        "event-driven": {"kill-before-commit": "no-phantom-event"},
        "dual-write": {"kill-between-commit-and-publish": "no-event-lost"},
        "outbox-polling": {},
        "outbox-cdc": {},
    }


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_a_control_is_named_by_an_invariant_that_its_pattern_asks_for(pattern: Pattern) -> None:
    """And is run by default, but for parts that are away for a while: nobody else would learn that
    it is caught no more."""
    asked = {invariant.id for invariant in invariants_of(SUITE, pattern).of(pattern.name)}
    assert set(pattern.controls.values()) <= asked
    by_default = set(pattern.controls) - set(SUITE.named_faults) - {ANY_FAULT}
    assert by_default <= set(pattern.faults)


def test_a_connector_is_restarted_where_there_is_one() -> None:
    """Among what the default matrix asks for."""
    assert "connector-restart" in SUITE.pattern("outbox-cdc").faults
    restarts = [p for p in PATTERNS if "connector-restart" in p.faults]
    assert all(p.connectors for p in restarts)


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
    assert {name: set(SUITE.pattern(name).points) for name in OWN} == {
        "event-driven": writer,
        "dual-write": writer,
        "outbox-polling": {*writer, "kill-between-publish-and-mark"},
        "outbox-cdc": {
            *writer, "kill-between-publish-and-mark", "kill-connect-before-offset-flush"
        },
    }  # fmt: skip


def test_the_outbox_is_no_hop_where_nothing_is_written_to_it() -> None:
    """Else a lost order of dual-write would seem to have broken there."""
    own = [SUITE.pattern(name) for name in OWN]
    with_outbox = [p.name for p in own if any(hop.name == "outbox" for hop in p.hops)]
    assert with_outbox == [p.name for p in own if p.outboxes] == ["outbox-polling", "outbox-cdc"]


def environment(role: Role) -> list[Mapping[str, str]]:
    """What the nodes of a role are told, over all patterns."""
    nodes: tuple[Node, ...] = read(SUITE.compose, environ={}).with_role(role)
    return [node.environment for node in nodes]


@pytest.mark.parametrize(("name", "sent"), [("outbox-polling", "sent_at"), ("outbox-cdc", None)])
def test_the_outbox_that_is_declared_is_the_one_that_is_there(name: str, sent: str | None) -> None:
    """With the column that the relay sets; Debezium sets none."""
    (outbox,) = SUITE.pattern(name).outboxes
    assert (outbox.node, outbox.table, outbox.sent) == ("order-db", "outbox", sent)
    declared = (SQL / "order.sql").read_text(encoding="utf-8")
    columns = declared.partition("CREATE TABLE outbox (")[2].partition(";")[0]
    named = [
        re.search(rf"^\s+{c}\s", columns, re.MULTILINE)
        for c in (outbox.id, outbox.key, sent or "id")
    ]
    assert all(named)


def test_every_service_speaks_of_one_topic() -> None:
    """The one that the connector routes to and that the evidence looks into; but for those by which
    payments are told under polyglot."""
    config = json.loads(CONNECTOR.read_text())["config"]
    told = {env["TOPIC"] for env in environment(Role.SERVICE)} - {"payment.events"}
    assert told == {config["transforms.outbox.route.topic.replacement"]} == {"order.events"}
    assert any("kafka.order.events" in hop.query for hop in SUITE.pattern("outbox-cdc").hops)


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
    """The workload's products are there in greater number than any plan can order; of those that
    only sagas order, one is scarce."""
    rows = re.findall(r"\('(\w+)', (\d+), (\d+)\)", (SQL / "inventory.sql").read_text())
    stock = {name: int(on_hand) for name, on_hand, initial in rows if on_hand == initial}
    assert set(stock) == {*PRODUCTS, SCARCE, DEAR, HEAVY}
    assert all(on_hand >= 500 for name, on_hand in stock.items() if name != SCARCE)
    assert stock[SCARCE] < 10


def test_the_compose_file_is_plain_yaml_of_the_specification() -> None:
    """Nothing of ours outside labels, and every restart policy is an orchestrator's."""
    document = yaml.safe_load(SUITE.compose.read_text())
    assert {key for key in document if not key.startswith("x-")} == {"name", "services"}
    assert {service["restart"] for service in document["services"].values()} == {"always"}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_every_name_that_the_suite_gives_is_a_fault_of_every_pattern(pattern: Pattern) -> None:
    """The parts that may be away are there in all of them."""
    found = {name: faults.find(name, SUITE.named_faults) for name in SUITE.named_faults}
    assert {name: kind.unfit(pattern, shop(pattern)) for name, kind in found.items()} == (
        dict.fromkeys(SUITE.named_faults)
    )
