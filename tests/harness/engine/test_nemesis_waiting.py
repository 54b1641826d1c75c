"""The nemesis with a fault that waits for a moment of the system's own."""

import asyncio
from pathlib import Path

import pytest

from harness.engine.ledger import open_entries
from harness.testing import eventually
from tests.harness.engine.scripted import Patient, Refused, Rig


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
