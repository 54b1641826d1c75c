"""Whole scenarios of the real shop's dual write: proved, sabotaged, broken off, never begun.

One stack serves them all, as in a run; they are run once for the module, each test looks at what
they left on disk.
"""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import faults
from harness.checkers.demanded import demanded
from harness.checkers.judge import judged
from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.engine.ledger import open_entries
from harness.engine.scenario import ScenarioRun, Settings
from harness.engine.stack import Stack
from harness.engine.taps import Taps
from harness.environments.memory import MemoryMeter
from harness.environments.namespaces import Namespaces
from harness.model.load import AS_DECLARED, Load
from harness.model.op import NEMESIS
from harness.model.record import NodeRecord
from harness.model.scenario import Scenario
from harness.model.system import System
from harness.store import create_run, open_run, save_scenario
from harness.testing import eventually, isolated
from harness.toolchain import ensure
from tests.small_shop import small_shop

NODES = ("order-db", "inventory-db", "shipping-db", "kafka-1", "order", "inventory", "shipping")
CUT = "kill-between-commit-and-publish"


class Quiet:
    """A narrator that says nothing."""

    def phase(self, name: str) -> None:
        """Not wanted."""

    def node(self, name: str, state: str) -> None:
        """Not wanted."""

    def fault_opened(self, name: str, target: str, says: str) -> None:
        """Not wanted."""

    def fault_closed(self, name: str, target: str, says: str) -> None:
        """Not wanted."""

    def note(self, text: str) -> None:
        """Not wanted."""


class Bench:
    """A stack that is up, and a run directory."""

    def __init__(self, directory: Path) -> None:
        self.suite = suites.load(small_shop(directory / "suite", NODES))
        self.pattern = self.suite.pattern("dual-write")
        self.system = system_of(self.suite, self.pattern)
        self.environment = Namespaces(
            union_of(self.suite, [self.pattern]),
            ensure(offline=True),
            directory=directory / "nodes",
            logs=directory / "logs",
            tapped=True,
        )
        self.stack = Stack(self.environment, self.suite, Taps(directory / "taps.log"))
        self.ledger = directory / "ledger.jsonl"
        self.results = directory / "results"

    async def play(
        self,
        meter: MemoryMeter,
        name: str,
        fault: str,
        *,
        stop: asyncio.Event | None = None,
        system: System | None = None,
        sabotage: bool = False,
        load: Load = AS_DECLARED,
    ) -> None:
        """One scenario as a run of its own under `name`, judged and stored."""
        scenario = Scenario(suite="shop", pattern="dual-write", fault=fault, seed=3, load=load)
        run = create_run(self.results / name, suite="shop", seed=3, scenarios=[scenario.slug])
        writer = run.scenario(
            scenario,
            promises=self.pattern.promises,
            hops=(),
            invariants=demanded(self.suite, self.pattern),
            nodes=tuple(
                NodeRecord(name=n.name, role=n.role.value, address=self.environment.address(n.name))
                for n in self.system.nodes
            ),
        )
        await ScenarioRun(
            stack=self.stack,
            scenario=scenario,
            system=system or self.system,
            make_fault=None if fault == faults.NONE else faults.find(fault).make,
            writer=writer,
            ledger=self.ledger,
            narrator=Quiet(),
            meter=meter,
            stop=stop or asyncio.Event(),
            settings=Settings(sabotage=sabotage),
        ).run()
        save_scenario(judged(writer.record))


async def all_scenarios(directory: str) -> dict[str, Any]:
    """Every scenario on one stack; returns where they are stored and what no file tells."""
    bench = Bench(Path(directory))
    told: dict[str, Any] = {"results": str(bench.results)}
    async with MemoryMeter(period_s=0.2) as meter, bench.environment:
        await bench.stack.open()
        try:
            await bench.play(meter, "proved", CUT)
            await bench.play(meter, "crowded", CUT, load=Load(duration_s=3.0, rate_per_s=100.0))
            await bench.play(meter, "sabotaged", CUT, sabotage=True)
            await _interrupted(bench, meter, told)
            await _never_begun(bench, meter)
            await bench.play(meter, "afterwards", faults.NONE)
        finally:
            await bench.stack.close()
    told["open in the ledger"] = len(open_entries(bench.ledger))
    return told


async def _interrupted(bench: Bench, meter: MemoryMeter, told: dict[str, Any]) -> None:
    """Ctrl-C while the broker is out of reach."""
    stop = asyncio.Event()
    running = asyncio.create_task(bench.play(meter, "interrupted", "broker-partition", stop=stop))
    await eventually(lambda: bool(open_entries(bench.ledger)), within_s=30)
    await eventually(lambda: bool(bench.environment.cuts))
    stop.set()
    await running
    told["still cut"] = len(bench.environment.cuts)


async def _never_begun(bench: Bench, meter: MemoryMeter) -> None:
    """A service that cannot be started."""
    broken = tuple(
        dataclasses.replace(n, command=("no-such-program",)) if n.name == "shipping" else n
        for n in bench.system.nodes
    )
    system = dataclasses.replace(bench.system, nodes=broken)
    await bench.play(meter, "never-begun", CUT, system=system)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the scenarios left."""
    directory = tmp_path_factory.mktemp("scenarios")
    result: Mapping[str, Any] = isolated(all_scenarios, str(directory), timeout_s=200)
    return result


def scenario(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One of them, as it is stored."""
    run = open_run(Path(told["results"], name, "shop", "latest"))
    (record,) = run.scenarios
    stored: dict[str, Any] = json.loads((record.dir / "scenario.json").read_text(encoding="utf-8"))
    return {**stored, "dir": record.dir}


def phases(stored: Mapping[str, Any]) -> list[str]:
    """The names of its phases in order."""
    return [phase["name"] for phase in stored["phases"]]


@pytest.mark.stack
def test_a_dual_write_loses_what_the_proved_fault_cut(told: Mapping[str, Any]) -> None:
    """All phases, every store collected, and a violation of exactly these keys."""
    stored = scenario(told, "proved")

    assert stored["problems"] == []
    assert phases(stored) == ["start", "steady", "workload", "heal", "quiesce", "collect"]
    assert stored["collected"] is True
    (fault,) = stored["faults"]
    assert all(fault[when]["shown"] for when in ("before", "during", "after"))
    cut = fault["achieved"]["cut_keys"]
    assert cut
    assert stored["judgement"]["verdict"] == "VIOLATION"
    (lost,) = [
        finding["violation"]["rows"]
        for finding in stored["judgement"]["findings"]
        if finding["invariant"] == "no-event-lost"
    ]
    assert sorted(row["key"] for row in lost) == sorted(cut)
    assert fault["evidence"]["intended_cut"]["effect"]["keys"][0] in cut
    assert fault["evidence"]["achieved_cut"]["when"] == "after"
    assert stored["ops"]["ok"] > 0
    assert stored["peak_memory_mib"] > 100


@pytest.mark.stack
def test_what_a_point_waits_for_is_under_way_by_itself(told: Mapping[str, Any]) -> None:
    """However many others are before and after it: so one order is lost, and which is the seed's."""
    stored = scenario(told, "crowded")
    (fault,) = stored["faults"]
    (struck,) = fault["evidence"]["intended_cut"]["effect"]["keys"]
    assert fault["achieved"]["cut_keys"] == [struck]

    under_way: set[str] = set()
    beside: dict[str, set[str]] = {}
    for op in pq.read_table(stored["dir"] / "history.parquet").to_pylist():
        if op["process"] == NEMESIS:
            # From here on the others come, and meet a node that stands still.
            if op["type"] == "invoke":
                assert under_way == {struck}
        elif op["type"] == "invoke":
            beside.setdefault(op["key"], set(under_way))
            under_way.add(op["key"])
        else:
            under_way.discard(op["key"])
    assert beside[struck] == set()
    assert any(beside.values())


@pytest.mark.stack
def test_phases_follow_one_another(told: Mapping[str, Any]) -> None:
    """Each begins when the one before it has ended."""
    spans = [(p["start_s"], p["end_s"]) for p in scenario(told, "proved")["phases"]]
    assert all(start <= end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


@pytest.mark.stack
def test_everything_that_was_read_is_on_disk(told: Mapping[str, Any]) -> None:
    """A file for every table, topic and question of the engine's own."""
    files = {path.name for path in (scenario(told, "proved")["dir"] / "snapshot").iterdir()}
    assert {
        "db.order-db.orders.parquet",
        "db.inventory-db.stock_movements.parquet",
        "db.shipping-db.shipments.parquet",
        "kafka.order.events.parquet",
        "groups.parquet",
        "quiescence.parquet",
        "faults.parquet",
    } <= files


@pytest.mark.stack
def test_an_injector_that_does_nothing_is_called_out(told: Mapping[str, Any]) -> None:
    """INCONCLUSIVE, whatever the stores look like."""
    stored = scenario(told, "sabotaged")

    (fault,) = stored["faults"]
    assert fault["before"]["shown"] and not fault["during"]["shown"]
    assert stored["judgement"]["verdict"] == "INCONCLUSIVE"


@pytest.mark.stack
def test_an_interrupted_scenario_is_healed_and_collected(told: Mapping[str, Any]) -> None:
    """What is known is kept, and nothing that was injected stays."""
    stored = scenario(told, "interrupted")

    assert any(problem.startswith("interrupted") for problem in stored["problems"])
    assert stored["faults"][0]["healed_at"] is not None
    assert stored["collected"] is True
    assert phases(stored)[-1] == "collect"
    assert stored["judgement"]["verdict"] == "INCONCLUSIVE"
    assert (told["still cut"], told["open in the ledger"]) == (0, 0)


@pytest.mark.stack
def test_a_scenario_that_never_began_has_no_snapshot(told: Mapping[str, Any]) -> None:
    """What the stores hold is an earlier scenario's: judging it would be a lie."""
    stored = scenario(told, "never-begun")

    assert "no-such-program" in stored["problems"][0]
    assert stored["collected"] is False
    assert phases(stored) == ["start", "heal"]
    assert stored["faults"] == []
    assert not list((stored["dir"] / "snapshot").glob("db.*"))
    assert stored["judgement"]["verdict"] == "INCONCLUSIVE"


@pytest.mark.stack
def test_the_next_scenario_does_not_suffer(told: Mapping[str, Any]) -> None:
    """Servers that are no longer trusted are replaced; without a fault nothing is lost."""
    stored = scenario(told, "afterwards")
    assert stored["problems"] == []
    assert stored["judgement"]["verdict"] == "PASS"
