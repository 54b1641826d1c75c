"""The nemesis with a fault that only tells what it was asked: order, ledger, history, heal."""

import asyncio
from pathlib import Path

import pytest

from harness.engine.ledger import open_entries
from harness.model.op import OpType
from tests.harness.engine.scripted import Rig


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
