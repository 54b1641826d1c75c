"""Evidence chains: found, missing, absent, and where they broke."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.checkers.evidence import chain, evidence
from harness.checkers.invariant import Derived, Invariants
from harness.checkers.snapshot import Snapshot
from harness.model.record import ScenarioRecord
from harness.model.scenario import Hop
from harness.model.verdict import Finding, Violation
from tests.harness.traffic import Traffic

Make = Callable[..., ScenarioRecord]
NONE = Invariants(all=())


def hop(name: str, *, says: str = "") -> Hop:
    return Hop(name=name, node="n", query=f'SELECT * FROM "{name}" WHERE id = $key;', says=says)


def hops(names: str) -> tuple[Hop, ...]:
    return tuple(hop(name) for name in names.split())


@pytest.mark.parametrize(
    "there, way, broke_at",
    [
        ("a b c", "a b c", None),
        ("a b", "a b c", "c"),
        ("a", "a b c", "b"),
        ("a c", "a b c", "b"),
        ("c", "a b c", None),
        ("", "a b", None),
        ("a b", "a nowhere b", None),
        ("a", "a nowhere b", "b"),
    ],
)
def test_a_chain_breaks_at_the_first_missing_hop_after_a_found_one(
    make: Make, there: str, way: str, broke_at: str | None
) -> None:
    """A place that the pattern does not have breaks nothing."""
    tables = {name: {"id": ["7" if name in there.split() else "8"]} for name in "abc"}
    with Snapshot(make(tables), NONE) as snapshot:
        found = chain(snapshot, hops(way), "7")
    assert found.broke_at == broke_at
    states = {link.hop: link.state for link in found.links}
    expected = {
        name: "absent" if name == "nowhere" else "found" if name in there.split() else "missing"
        for name in way.split()
    }
    assert states == expected


def test_a_link_shows_its_rows_and_what_they_mean(make: Make) -> None:
    """As the hop's query returned them."""
    with Snapshot(make({"a": {"id": ["7", "8"], "n": [1, 2]}}), NONE) as snapshot:
        (link,) = chain(snapshot, (hop("a", says="it was committed"),), "7").links
    assert (link.hop, link.node, link.says) == ("a", "n", "it was committed")
    assert link.rows == ({"id": "7", "n": 1},)


def test_a_row_can_stand_for_one_that_is_missing(make: Make) -> None:
    """Where some of a key's records are there and one is not: all are shown, and the way broke."""
    there = Hop(name="a", node="n", query="SELECT 1 AS id WHERE $key = '7'")
    told = Hop(
        name="told",
        node="n",
        query="""
            SELECT n, n > 1 AS missing FROM (VALUES (1), (2)) AS changes (n)
            WHERE $key = '7' ORDER BY n
        """,
    )
    with Snapshot(make({}), NONE) as snapshot:
        found = chain(snapshot, (there, told), "7")
    assert found.broke_at == "told"
    assert found.links[1].rows == ({"n": 1, "missing": False}, {"n": 2, "missing": True})


def test_a_key_is_a_value_and_never_sql(make: Make) -> None:
    """Keys are foreign data."""
    with Snapshot(make({"a": {"id": ["7"]}}), NONE) as snapshot:
        (link,) = chain(snapshot, hops("a"), "7' OR true --").links
    assert link.state == "missing"


def test_a_hop_that_fails_says_so_in_its_place(make: Make) -> None:
    """Evidence never overturns a verdict."""
    broken = Hop(name="broken", node="n", query="SELECT nope FROM faults WHERE name = $key")
    with Snapshot(make({}), NONE) as snapshot:
        (link,) = chain(snapshot, (broken,), "7").links
    assert link.state == "absent"
    assert "nope" in link.rows[0]["error"]


def test_ten_keys_of_each_violated_invariant_have_a_chain(make: Make) -> None:
    """Held ones have none."""
    keys = tuple(str(n) for n in range(12))
    broken = Violation(
        invariant="lost", family="loss", guarantee="", count=12, keys=keys, summary=""
    )
    findings = (
        Finding(invariant="lost", family="loss", guarantee="", judged=20, violation=broken),
        Finding(invariant="held", family="loss", guarantee="", judged=20),
    )
    record = make({"a": {"id": ["7"]}})
    record = ScenarioRecord(dir=record.dir, scenario=record.scenario, hops=hops("a"))
    with Snapshot(record, NONE) as snapshot:
        told = evidence(snapshot, record, findings)
    assert {invariant: tuple(chains) for invariant, chains in told.items()} == {"lost": keys[:10]}


def test_a_broken_chain_ends_with_what_was_last_seen(make: Make) -> None:
    """At the hop where it broke and at no other; a suite's own table `effects` is in nobody's way."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "7", xid=752)
    t.produce("order", "order.events", "6").acknowledged(offset=0)
    way = (
        Hop(name="order", node="order-db", query='FROM "db.order-db.orders" WHERE id = $key'),
        Hop(name="record", node="kafka-1", query='FROM "kafka.order.events" WHERE key = $key'),
        Hop(name="stock", node="stock-db", query='FROM "db.stock-db.moves" WHERE id = $key'),
        Hop(name="none", node="stock-db", query='FROM "db.stock-db.nothing" WHERE id = $key'),
    )
    tables = {"db.order-db.orders": ["7"], "kafka.order.events": [], "db.stock-db.moves": []}
    record = replace(
        make({n: {"key" if "kafka" in n else "id": ids} for n, ids in tables.items()}), hops=way
    )
    t.write(record.dir)
    own = Derived(name="effects", needs=(), rows="SELECT 1 AS n", path=record.dir)
    broken = Violation(invariant="lost", family="", guarantee="", count=1, keys=("7",), summary="")
    finding = Finding(invariant="lost", family="", guarantee="", judged=1, violation=broken)
    with Snapshot(record, Invariants(all=(), tables=(own,))) as snapshot:
        told = evidence(snapshot, record, (finding,))["lost"]["7"]
    assert told.broke_at == "record"
    kinds = [[trace.kind for trace in link.traces] for link in told.links]
    assert kinds == [["commit"], ["last"], [], []]
    assert "no PRODUCE of key 7 to order.events ever left order" in told.links[1].traces[0].text
