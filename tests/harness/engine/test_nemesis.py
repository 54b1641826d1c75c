"""The nemesis with a fault that only tells what it was asked: order, ledger, history, heal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.engine.clock import ScenarioClock
from harness.engine.history import History
from harness.engine.ledger import Ledger, open_entries
from harness.engine.nemesis import Nemesis
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.fault import Probe
from harness.model.op import Op, OpType
from harness.testing import eventually


@dataclass(kw_only=True)
class Scripted:
    """A fault that records its calls. `breaks`: steps that raise; `shown`: what probes say."""

    ledger: Path
    breaks: frozenset[str] = frozenset()
    shown: Mapping[str, bool] = field(default_factory=dict)
    fires: bool = True
    stuck: bool = False
    """Its injection never ends."""
    calls: list[str] = field(default_factory=list)
    open_at_inject: int | None = None
    injecting: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "scripted"
    target: str = "order"
    duration_s: float = 0.0

    def undo(self) -> Mapping[str, Any]:
        return {"release": "order"}

    async def before(self) -> Probe:
        return self._probe("before")

    async def inject(self) -> bool:
        self.open_at_inject = len(open_entries(self.ledger))
        self._step("inject")
        self.injecting.set()
        if self.stuck:
            await asyncio.Event().wait()
        return self.fires

    async def during(self) -> Probe:
        return self._probe("during")

    async def heal(self) -> None:
        self._step("heal")

    async def after(self) -> Probe:
        return self._probe("after")

    def achieved(self) -> Mapping[str, Any]:
        return {"cut_keys": ["17"]}

    def _probe(self, step: str) -> Probe:
        self._step(step)
        return Probe(shown=self.shown.get(step, True), says=f"{step} measured")

    def _step(self, step: str) -> None:
        self.calls.append(step)
        if step in self.breaks:
            raise EnvironmentFailed(f"{step} broke")


@dataclass(kw_only=True)
class Patient(Scripted):
    """One that waits for a moment of the system's own."""

    comes: bool = True
    at_once: bool = True
    waits_s: float = 0.0
    cut: str | None = None

    key: str | None = None

    @property
    def armed_at_once(self) -> bool:
        return self.at_once

    async def arm(self) -> None:
        self._step("arm")

    async def moment(self) -> bool:
        self._step("moment")
        await asyncio.sleep(self.waits_s)
        return self.comes

    def evidence(self) -> Mapping[str, Any]:
        return {"achieved_cut": {"done": self.comes}}

    def misfired(self) -> str | None:
        return self.cut


class Refused(Patient):
    """Its injection is the user's mistake."""

    async def inject(self) -> bool:
        raise DeclarationError("error=99999: no such error")


class Told:
    """A narrator that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def phase(self, name: str) -> None:
        self.said.append(name)

    def node(self, name: str, state: str) -> None:
        self.said.append(f"{name} {state}")

    def fault_opened(self, name: str, target: str, says: str) -> None:
        self.said.append(f"opened {name} {target}: {says}")

    def fault_closed(self, name: str, target: str, says: str) -> None:
        self.said.append(f"closed {name} {target}: {says}")

    def note(self, text: str) -> None:
        self.said.append(text)


class Rig:
    """A nemesis and everything it writes to."""

    def __init__(
        self,
        directory: Path,
        *,
        sabotage: bool = False,
        kind: type[Scripted] = Scripted,
        **fault: Any,
    ) -> None:
        self.ledger = directory / "ledger.jsonl"
        self.fault = kind(ledger=self.ledger, **fault)
        self.ops: list[Op] = []
        self.told = Told()
        clock = ScenarioClock()
        self.nemesis = Nemesis(
            self.fault,
            history=History(self.ops.append, clock),
            ledger=Ledger(self.ledger),
            clock=clock,
            narrator=self.told,
            sabotage=sabotage,
        )

    def run(self, at_s: float = 0.0) -> "Rig":
        """Strike and heal."""

        async def both() -> None:
            await self.nemesis.strike(at_s)
            await self.nemesis.heal()

        asyncio.run(both())
        return self

    def ends(self) -> list[tuple[OpType, str | None]]:
        """The history's operations."""
        return [(op.type, op.error) for op in self.ops]


def test_the_steps_come_in_their_order(tmp_path: Path) -> None:
    """Probes around what they measure; each once."""
    rig = Rig(tmp_path).run()

    assert rig.fault.calls == ["before", "inject", "during", "heal", "after"]
    record = rig.nemesis.record
    assert record.proved and record.fired and record.error is None
    assert record.achieved == {"cut_keys": ["17"]}
    times = (record.injected_at, record.proved_at, record.healed_at, record.recovered_at)
    assert None not in times and list(times) == sorted(times)  # type: ignore[type-var]


def test_it_is_told_when_the_window_opens_and_closes(tmp_path: Path) -> None:
    """With what was measured."""
    assert Rig(tmp_path).run().told.said == [
        "opened scripted order: during measured",
        "closed scripted order: after measured",
    ]


def test_the_heal_is_on_disk_before_the_injection(tmp_path: Path) -> None:
    """And no longer open after the heal."""
    rig = Rig(tmp_path).run()

    assert rig.fault.open_at_inject == 1
    assert open_entries(rig.ledger) == ()


def test_the_history_has_the_window(tmp_path: Path) -> None:
    """One operation of the nemesis, ok where the fault is proved."""
    rig = Rig(tmp_path).run()

    assert [(op.process, op.f, op.type) for op in rig.ops] == [
        ("nemesis", "scripted", OpType.INVOKE),
        ("nemesis", "scripted", OpType.OK),
    ]


def test_it_waits_for_its_time(tmp_path: Path) -> None:
    """Counted from the scenario's start."""
    record = Rig(tmp_path).run(at_s=0.1).nemesis.record
    assert record.injected_at is not None and record.injected_at >= 0.1


@pytest.mark.parametrize("step", ["before", "during", "after"])
def test_a_probe_that_shows_nothing_is_no_proof(tmp_path: Path, step: str) -> None:
    """The other steps are taken all the same."""
    rig = Rig(tmp_path, shown={step: False}).run()

    assert rig.fault.calls == ["before", "inject", "during", "heal", "after"]
    assert not rig.nemesis.record.proved
    assert rig.ends()[-1] == (OpType.INFO, None)


@pytest.mark.parametrize(
    "step, calls",
    [
        ("inject", ["before", "inject", "heal"]),
        ("during", ["before", "inject", "during", "heal", "after"]),
        ("heal", ["before", "inject", "during", "heal"]),
        ("after", ["before", "inject", "during", "heal", "after"]),
    ],
)
def test_whatever_breaks_the_heal_is_tried(tmp_path: Path, step: str, calls: list[str]) -> None:
    """The failure is in the record and ends the window; nothing is raised."""
    rig = Rig(tmp_path, breaks=frozenset({step})).run()

    assert rig.fault.calls == calls
    record = rig.nemesis.record
    assert not record.proved and record.error is not None and f"{step} broke" in record.error
    assert rig.ends() == [(OpType.INVOKE, None), (OpType.INFO, record.error)]
    assert rig.told.said[-1].endswith(f"{step} broke") or step == "during"


def test_a_heal_that_broke_stays_open_in_the_ledger(tmp_path: Path) -> None:
    """So that the next harness undoes it."""
    rig = Rig(tmp_path, breaks=frozenset({"heal"})).run()
    assert [entry.undo for entry in open_entries(rig.ledger)] == [{"release": "order"}]


def test_both_failures_are_told(tmp_path: Path) -> None:
    """The second never hides the first."""
    record = Rig(tmp_path, breaks=frozenset({"inject", "heal"})).run().nemesis.record
    assert record.error == "inject broke; heal: heal broke"


def test_a_target_that_fails_before_is_not_touched(tmp_path: Path) -> None:
    """Nothing was injected, so nothing is healed and no window is opened."""
    rig = Rig(tmp_path, breaks=frozenset({"before"})).run()

    assert rig.fault.calls == ["before"]
    assert rig.ops == [] and open_entries(rig.ledger) == ()
    assert rig.nemesis.record.error == "before broke"


def test_a_moment_that_never_came_proves_nothing(tmp_path: Path) -> None:
    """Not fired: no window is shown, and what may be left half-way is healed."""
    rig = Rig(tmp_path, fires=False).run()

    assert rig.fault.calls == ["before", "inject", "heal"]
    assert not rig.nemesis.record.fired and not rig.nemesis.record.proved
    assert rig.told.said == ["scripted: its moment never came"]
    assert open_entries(rig.ledger) == ()


def test_sabotage_leaves_out_the_injector_and_its_heal_only(tmp_path: Path) -> None:
    """Every probe is asked, as if the fault had been injected."""
    rig = Rig(tmp_path, sabotage=True, shown={"during": False}).run()

    assert rig.fault.calls == ["before", "during", "after"]
    assert rig.nemesis.record.fired and not rig.nemesis.record.proved


def test_healing_twice_heals_once(tmp_path: Path) -> None:
    """The scenario's own heal comes after the fault's."""
    rig = Rig(tmp_path).run()
    asyncio.run(rig.nemesis.heal())

    assert rig.fault.calls.count("heal") == 1
    assert len(rig.ops) == 2


def test_a_strike_that_is_broken_off_can_be_healed(tmp_path: Path) -> None:
    """Ctrl-C in the middle of an injection: the ledger knows, and the heal undoes it."""
    rig = Rig(tmp_path, stuck=True)

    async def run() -> None:
        strike = asyncio.create_task(rig.nemesis.strike(0.0))
        await rig.fault.injecting.wait()
        strike.cancel()
        with pytest.raises(asyncio.CancelledError):
            await strike
        assert len(open_entries(rig.ledger)) == 1
        await rig.nemesis.heal()

    asyncio.run(run())
    assert rig.fault.calls == ["before", "inject", "heal"]
    assert open_entries(rig.ledger) == ()
    assert rig.ends() == [(OpType.INVOKE, None), (OpType.INFO, None)]


def test_what_waits_for_a_moment_is_armed_and_awaited(tmp_path: Path) -> None:
    """Between its probe and its injection; the window opens when the moment has come."""
    rig = Rig(tmp_path, kind=Patient, waits_s=0.05, cut="meant after, was before").run()

    assert rig.fault.calls == ["before", "arm", "moment", "inject", "during", "heal", "after"]
    record = rig.nemesis.record
    assert record.fired and record.proved
    assert record.injected_at is not None and record.injected_at >= 0.05
    assert rig.ops[0].time_s >= 0.05
    assert record.evidence == {"achieved_cut": {"done": True}}
    assert record.misfired == "meant after, was before"


def test_it_is_armed_before_the_workload_where_it_asks_for_it(tmp_path: Path) -> None:
    """The seeded time is for those that do not."""
    rig = Rig(tmp_path, kind=Patient)

    async def run() -> list[str]:
        await rig.nemesis.arm()
        calls = list(rig.fault.calls)
        await asyncio.wait_for(rig.nemesis.strike(60.0), 10)
        await rig.nemesis.heal()
        return calls

    assert rig.nemesis.armed_at_once
    assert asyncio.run(run()) == ["before", "arm"]
    assert rig.fault.calls == ["before", "arm", "moment", "inject", "during", "heal", "after"]
    assert not Rig(tmp_path, kind=Patient, at_once=False).nemesis.armed_at_once
    assert not Rig(tmp_path).nemesis.armed_at_once


@pytest.mark.parametrize("comes", [True, False])
def test_it_tells_when_its_moment_has_come_or_is_past(tmp_path: Path, comes: bool) -> None:
    """Before it strikes: whoever was kept away from that moment is so no longer."""
    rig = Rig(tmp_path, kind=Patient, comes=comes, key="17", stuck=True)
    assert rig.nemesis.key == "17" and not rig.nemesis.met.is_set()

    async def run() -> None:
        strike = asyncio.create_task(rig.nemesis.strike(0.0))
        await eventually(rig.nemesis.met.is_set)
        strike.cancel()
        await asyncio.gather(strike, return_exceptions=True)
        await rig.nemesis.heal()

    asyncio.run(run())
    assert ("inject" in rig.fault.calls) is comes


@pytest.mark.parametrize("step", ["before", "arm", "moment"])
def test_whoever_waits_for_a_fault_that_fails_is_told(tmp_path: Path, step: str) -> None:
    rig = Rig(tmp_path, kind=Patient, breaks=frozenset({step})).run()
    assert rig.nemesis.met.is_set() and rig.nemesis.record.error == f"{step} broke"


def test_a_fault_at_a_moment_of_its_own_waits_for_no_key(tmp_path: Path) -> None:
    assert Rig(tmp_path).nemesis.key is None


def test_a_moment_that_does_not_come_opens_no_window(tmp_path: Path) -> None:
    """Not fired, with what was meant; what was armed is healed."""
    rig = Rig(tmp_path, kind=Patient, comes=False).run()

    assert rig.fault.calls == ["before", "arm", "moment", "heal"]
    assert rig.ops == [] and open_entries(rig.ledger) == ()
    assert not rig.nemesis.record.fired
    assert rig.nemesis.record.evidence == {"achieved_cut": {"done": False}}
    assert rig.told.said == ["scripted: its moment never came"]


@pytest.mark.parametrize("step", ["arm", "moment"])
def test_taps_that_are_gone_are_the_records_failure(tmp_path: Path, step: str) -> None:
    """The heal is tried; nothing strikes afterwards."""
    rig = Rig(tmp_path, kind=Patient, breaks=frozenset({step}))

    async def run() -> None:
        await rig.nemesis.arm()
        await rig.nemesis.strike(0.0)
        await rig.nemesis.heal()

    asyncio.run(run())
    assert "inject" not in rig.fault.calls and rig.fault.calls[-1] == "heal"
    assert rig.nemesis.record.error == f"{step} broke"
    assert open_entries(rig.ledger) == ()


def test_with_sabotage_nothing_is_waited_for(tmp_path: Path) -> None:
    """Its probes are asked at the seeded time."""
    rig = Rig(tmp_path, kind=Patient, sabotage=True, shown={"during": False})
    assert not rig.nemesis.armed_at_once
    rig.run()
    assert rig.fault.calls == ["before", "during", "after"]
    assert rig.nemesis.record.fired and not rig.nemesis.record.proved


def test_a_wait_that_is_broken_off_can_be_healed(tmp_path: Path) -> None:
    """Ctrl-C while the point has not come: what was armed is disarmed."""
    rig = Rig(tmp_path, kind=Patient, waits_s=60.0)

    async def run() -> None:
        strike = asyncio.create_task(rig.nemesis.strike(0.0))
        await eventually(lambda: "moment" in rig.fault.calls)
        strike.cancel()
        with pytest.raises(asyncio.CancelledError):
            await strike
        await rig.nemesis.heal()

    asyncio.run(run())
    assert rig.fault.calls == ["before", "arm", "moment", "heal"]
    assert open_entries(rig.ledger) == () and rig.ops == []


def test_what_a_protocol_does_not_have_is_the_records_failure(tmp_path: Path) -> None:
    """An error code that the wire cannot carry, known only when it is to be answered."""
    rig = Rig(tmp_path, kind=Refused).run()
    assert rig.fault.calls[-1] == "heal"
    assert rig.nemesis.record.error == "error=99999: no such error"
