"""`aftershock list points`: of a stored run, and of one on the real stack."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from harness.cli.points import points_of, show
from harness.errors import DeclarationError
from harness.files import write_parquet
from harness.model.address import Address
from harness.model.record import Phase, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.snapshot import EFFECTS_SCHEMA
from tests.command import Aftershock

COMMIT = "order/order-db/commit(orders:insert)/17#1"


def stored(directory: Path, *effects: tuple[int, float, str]) -> ScenarioRecord:
    """A scenario whose workload began at 2 s. `effects`: number, time, address."""
    rows = [
        {
            "effect": number,
            "at_s": at_s,
            "node": address.client,
            "link": f"{address.client}→{address.server}",
            "kind": address.kind,
            "key": None if address.key == "-" else address.key,
            "occurrence": address.occurrence,
            "address": address.text,
        }
        for number, at_s, address in ((n, t, Address.parse(a)) for n, t, a in effects)
    ]
    (directory / "snapshot").mkdir()
    table = pa.Table.from_pylist(rows, schema=EFFECTS_SCHEMA)
    write_parquet(directory / "snapshot" / "effects.parquet", table)
    return ScenarioRecord(
        dir=directory,
        scenario=Scenario(suite="s", pattern="p", fault="none", seed=1),
        phases=(Phase(name="start", start_s=0.0), Phase(name="workload", start_s=2.0)),
    )


def test_points_are_in_the_order_of_the_wire_since_the_workload_began(tmp_path: Path) -> None:
    """What came before cannot be aimed at; several keys of one effect stay together."""
    record = stored(
        tmp_path,
        (7, 2.2, "relay/kafka-1/produce(order.events)/17#1"),
        (7, 2.2, "relay/kafka-1/produce(order.events)/18#1"),
        (6, 2.1, COMMIT),
        (2, 1.9, "relay/order-db/commit(outbox:update)/-#1"),
        (8, 2.3, "connect/order-db/flush(shop)/-#2"),
    )
    assert [point["address"] for point in points_of(record)] == [
        COMMIT,
        "relay/kafka-1/produce(order.events)/17#1",
        "relay/kafka-1/produce(order.events)/18#1",
        "connect/order-db/flush(shop)/-#2",
    ]
    assert points_of(record)[0] == {
        "address": COMMIT,
        "node": "order",
        "link": "order→order-db",
        "kind": "commit",
        "key": "17",
        "occurrence": 1,
    }
    assert points_of(record)[-1]["key"] is None


def test_a_run_that_saw_nothing_has_no_points(tmp_path: Path) -> None:
    """One without taps, and one whose workload never began."""
    record = stored(tmp_path, (6, 2.1, COMMIT))
    assert points_of(replace(record, phases=())) == []
    assert points_of(replace(record, dir=tmp_path / "elsewhere")) == []


@pytest.mark.parametrize(
    "pattern, says",
    [
        (None, "list points: --pattern is wanted; there are .*dual-write, outbox-polling"),
        ("quantum", "--pattern quantum: suite shop has no such pattern"),
    ],
)
def test_a_pattern_is_wanted(pattern: str | None, says: str) -> None:
    """Before anything is started."""
    with pytest.raises(DeclarationError, match=says):
        show("shop", pattern, seed=None, as_json=True, offline=True)


@pytest.mark.stack
def test_the_points_of_a_pattern_are_those_of_a_run_without_a_fault(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """Every order's commit and record, each once by its address; nothing is left of the run."""
    answer = aftershock(
        "list", "points", small, "-p", "dual-write", "--json", "--offline", cwd=tmp_path
    )
    assert answer.code == 0, answer.err
    points = json.loads(answer.out)
    assert [*points[0]] == ["address", "node", "link", "kind", "key", "occurrence"]
    addresses = [point["address"] for point in points]
    commits = [a for a in addresses if a.startswith("order/order-db/commit(orders:insert)/")]
    assert len(addresses) == len(set(addresses))
    assert sorted(commits) == sorted(
        f"order/order-db/commit(orders:insert)/{n}#1" for n in range(1, 41)
    )
    for commit in commits:
        produce = commit.replace("order-db/commit(orders:insert)", "kafka-1/produce(order.events)")
        assert addresses.index(commit) < addresses.index(produce)
    assert all(Address.parse(a).is_exact for a in addresses)
    assert "phase workload" in answer.err and list(tmp_path.iterdir()) == []
