"""What is made of a trace and of connections; on the real stack it is tests/harness/cli/test_taps."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from harness.engine.stack import Stack
from harness.engine.trace import Lost, Trace
from harness.engine.watch import end_trace, lost_sync, round_the_taps
from harness.model.system import Node, Role
from harness.protocols import DirectLink, RoundTap

NODES = (
    Node(name="order", role=Role.SERVICE),
    Node(name="order-db", role=Role.POSTGRES),
    Node(name="kafka-1", role=Role.KAFKA),
    Node(name="kafka-2", role=Role.KAFKA),
    Node(name="payment-mariadb", role=Role.MARIADB),
)
ADDRESSES = {node.name: f"198.18.0.{10 + place}" for place, node in enumerate(NODES)}


@dataclass
class Environment:
    """Nodes, what left them without the mark, and what they are connected to."""

    went: tuple[RoundTap, ...] = ()
    connections: Mapping[str, frozenset[tuple[str, int, int]]] = field(default_factory=dict)
    system: Any = field(default_factory=lambda: SimpleNamespace(nodes=NODES))

    def address(self, node: str) -> str:
        return ADDRESSES[node]

    def pid(self, _node: str) -> int:
        return 1

    def direct_links(self) -> tuple[DirectLink, ...]:
        return (DirectLink("kafka-2", "kafka-1", "brokers"),)

    async def round_the_taps(self) -> tuple[RoundTap, ...]:
        return self.went

    async def established(self, node: str) -> frozenset[tuple[str, int, int]]:
        return self.connections.get(node, frozenset())


@dataclass
class Taps:
    """One connection that a tap has made."""

    failure: str | None = None

    async def strangers(
        self, connections: Iterable[tuple[str, str, int]]
    ) -> tuple[tuple[str, str, int], ...]:
        return tuple(c for c in connections if c != ("order-db", ADDRESSES["order"], 4000))


def stack(environment: Environment, taps: Taps | None = None) -> Stack:
    return cast("Stack", SimpleNamespace(environment=environment, taps=taps or Taps()))


def asked(environment: Environment, taps: Taps | None = None) -> tuple[str, ...]:
    return asyncio.run(round_the_taps(stack(environment, taps)))


def test_what_the_taps_have_dialled_is_no_surprise() -> None:
    taken = {"order-db": frozenset({(ADDRESSES["order"], 4000, 5432)})}
    assert asked(Environment(connections=taken)) == ()


@pytest.mark.parametrize(
    ("server", "port"), [("order-db", 5432), ("kafka-1", 9092), ("payment-mariadb", 3306)]
)
def test_a_connection_that_no_tap_has_made_is_told(server: str, port: int) -> None:
    """Of every server, those too whose protocol taps do not read."""
    taken = {server: frozenset({(ADDRESSES["order"], 4001, port)})}
    assert asked(Environment(connections=taken)) == (
        f"{server} has a connection of order, from its port 4001, that no tap has made",
    )


def test_the_harness_itself_a_node_with_itself_and_declared_links_go_direct() -> None:
    taken = {
        "order-db": frozenset({("198.18.0.1", 1, 5432), (ADDRESSES["order-db"], 2, 5432)}),
        "kafka-1": frozenset({(ADDRESSES["kafka-2"], 3, 9092)}),
    }
    assert asked(Environment(connections=taken)) == ()


def test_what_left_a_node_without_the_mark_is_told() -> None:
    went = (RoundTap(client="order", server="order-db", packets=3),)
    (told,) = asked(Environment(went=went))
    assert told.startswith("order went round the taps to order-db (3 packets)")


def test_of_dead_taps_nothing_is_asked() -> None:
    went = (RoundTap(client="order", server="order-db", packets=3),)
    assert asked(Environment(went=went), Taps(failure="dead")) == ()


def test_sync_lost_with_a_store_counts_and_with_a_service_does_not() -> None:
    nothing = pa.table({"x": []})
    trace = Trace(
        frames=nothing, effects=nothing,
        lost=(Lost(server="order-db", says="TLS"), Lost(server="order", says="gRPC")),
    )  # fmt: skip
    assert lost_sync(stack(Environment()), trace) == ("a tap lost sync: TLS",)


def test_without_taps_there_is_no_trace(tmp_path: Path) -> None:
    bare = cast("Stack", SimpleNamespace(environment=Environment(), taps=None))
    ended = end_trace(bare, tmp_path / "spool", scenario="s", origin_ns=0)
    assert asyncio.run(ended) is None
