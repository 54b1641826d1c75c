"""Faults at points: the order of their steps, what they prove, and what they own up to."""

import asyncio
from typing import Any

import pytest

from faults.at_point import GRACE_S
from harness.errors import EnvironmentFailed
from harness.model.effect import Outcome
from harness.model.scenario import Pattern
from harness.stage import Awaiting, Fault
from tests.faults.conftest import COMMIT, DUAL_WRITE, OUTBOX, World, effect_of

SHOWN = {"before": True, "fired": True, "during": True, "after": True}


def played(world: World) -> dict[str, Any]:
    """What its steps showed, without the sentence."""
    seen = asyncio.run(world.play())
    seen.pop("says")
    return seen


def test_a_kill_is_one_gate_one_death_and_one_question() -> None:
    """Armed, reached, frozen, killed, discarded, asked about; released before the gate opens."""
    world = World("kill:order:after", effect=COMMIT)
    assert played(world) == SHOWN
    assert world.log == [
        f"arm after {COMMIT} gating order", "reached", "freeze order", "kill order",
        "discard order", "ask order-db", "thaw order", "release order", "open",
        "thaw order", "release order", "open",
    ]  # fmt: skip
    assert world.achieved == {
        "held_bytes": 60, "pid": 7, "signal": 9, "survivors": 0, "cut_keys": ["17"]
    }  # fmt: skip
    assert world.fault.misfired() is None


def test_it_is_what_the_nemesis_wants() -> None:
    """A fault, and one that waits for a moment."""
    fault: Fault = World("kill:order:after").fault
    awaiting: Awaiting = World("kill:order:after").fault
    assert isinstance(fault, Awaiting)
    assert awaiting.armed_at_once
    assert not World("kill:order:after:order/order-db/commit").fault.armed_at_once


@pytest.mark.parametrize(
    ("place", "key"),
    [("commit", None), ("commit(orders,*)/3", "3"), ("commit(orders,*)/-", None), ("commit/*#4", None)],
)  # fmt: skip
def test_it_waits_for_the_key_that_it_names(place: str, key: str | None) -> None:
    awaiting: Awaiting = World(f"kill:order:after:order/order-db/{place}").fault
    assert awaiting.key == key


@pytest.mark.parametrize(
    ("place", "passed"), [("commit(orders,*)", {"3"}), ("commit(orders,*)/3", set())]
)
def test_only_a_point_that_names_no_effect_leaves_out_earlier_keys(
    place: str, passed: set[str]
) -> None:
    world = World(f"kill:order:after:order/order-db/{place}")
    asyncio.run(world.play())
    assert world.taps.trigger is not None
    assert world.taps.trigger.passed == passed


def test_the_evidence_has_both_cuts() -> None:
    """The exact effect for what was asked, the store's word, and what else was under way."""
    under_way = effect_of("order/kafka-1/produce(order.events)/16#1", number=4)
    world = World("kill:order:after:order/order-db/commit(orders,*)", unanswered=(under_way,))
    played(world)
    assert world.fault.evidence() == {
        "intended_cut": {
            "address": COMMIT,
            "asked": "order/order-db/commit(orders,*)",
            "when": "after",
            "node": "order",
            "effect": {
                "client": "order",
                "server": "order-db",
                "kind": "commit",
                "detail": ["orders:insert"],
                "keys": ["17"],
                "occurrence": 1,
            },
        },
        "achieved_cut": {
            "when": "after",
            "done": True,
            "says": "it is there",
            "outcome": "acknowledged",
            "unanswered": ["order/kafka-1/produce(order.events)/16#1"],
            "measured": {"xid": 752},
        },
    }


def test_a_point_that_never_comes_leaves_nothing() -> None:
    """It was waited for as long as the workload goes on, and a little."""
    world = World("kill:order:after", effect=None, remaining_s=3.0)
    assert played(world) == {"before": True, "fired": False, "during": None, "after": None}
    assert world.taps.waited_s == 3.0 + GRACE_S
    assert "kill order" not in world.log and world.log[-1] == "open"
    assert world.fault.misfired() is None
    assert world.fault.evidence()["achieved_cut"] is None
    assert world.fault.evidence()["intended_cut"]["asked"] == COMMIT
    assert world.fault.evidence()["intended_cut"]["address"] is None


@pytest.mark.parametrize(
    "when, done, outcome, says",
    [
        ("after", False, Outcome.ACKNOWLEDGED, f"after {COMMIT}, and was struck before it: it is"),
        ("after", False, Outcome.FAILED, f"after {COMMIT}, and was struck before it"),
        ("after", True, Outcome.FAILED, f"after {COMMIT}, which order-db answered with a failure"),
        ("before", True, Outcome.REQUESTED, f"before {COMMIT}, and was struck after it: it is"),
    ],
)
def test_another_cut_than_the_intended_one_is_a_misfire(
    when: str, done: bool, outcome: Outcome, says: str
) -> None:
    """The fault did strike, which stays proved; where it struck is said with what was meant."""
    world = World(f"kill:order:{when}", done=done, outcome=outcome)
    assert played(world) == SHOWN
    told = world.fault.misfired()
    assert told is not None and told.startswith("order was to be struck ") and says in told


def test_what_a_store_cannot_say_is_no_proof() -> None:
    """And no misfire either: nobody knows."""
    world = World("kill:order:after", done=None)
    assert played(world) == {**SHOWN, "during": False}
    assert world.fault.misfired() is None
    cut = world.fault.evidence()["achieved_cut"]
    assert (cut["when"], cut["done"], cut["says"]) == (None, None, "no answer")


def test_without_anybody_to_ask_there_is_no_proof() -> None:
    """The reason is in the probe."""
    world = World("kill:order:after", with_proof=False)
    seen = asyncio.run(world.play())
    assert not seen["during"] and "nobody can ask the stores" in seen["says"]


def test_without_taps_there_is_no_point() -> None:
    """The rig's failure, before anything is done."""
    world = World("kill:order:after", with_taps=False)
    with pytest.raises(EnvironmentFailed, match="needs taps on the links, and this run has none"):
        asyncio.run(world.fault.inject())
    asyncio.run(world.fault.heal())
    assert "freeze order" not in world.log and "kill order" not in world.log


@pytest.mark.parametrize("action", ["kill", "pause"])
def test_a_store_that_will_not_answer_is_asked_before(action: str) -> None:
    """Everything stands still by then; the store must not."""
    world = World(f"{action}:order-db:after")
    assert played(world) == SHOWN
    assert world.log.index("ask order-db") < world.log.index("freeze order-db")
    assert world.log.count("ask order-db") == 1


@pytest.mark.parametrize("action", ["kill", "pause", "cut", "reset", "hold", "swallow"])
def test_a_fault_that_does_nothing_is_called_out(action: str) -> None:
    """As with sabotaged injectors: probes only."""
    world = World(f"{action}:order:after")

    async def lame() -> bool:
        await world.fault.before()
        during = await world.fault.during()
        await world.fault.heal()
        return during.shown

    assert asyncio.run(lame()) is False
    assert "open" not in world.log


@pytest.mark.parametrize(
    "broken, wanted",
    [
        ("arm", ["open"]),
        ("reached", ["open"]),
        ("discard", ["release order", "open"]),
    ],
)
def test_a_broken_injection_is_healed_as_far_as_it_went(broken: str, wanted: list[str]) -> None:
    """The node is released and the gate opened, whatever else goes wrong."""
    world = World("kill:order:after", broken=[broken])

    async def run() -> None:
        await world.fault.before()
        with pytest.raises(EnvironmentFailed, match="the taps are gone"):
            await world.fault.inject()
        done = len(world.log)
        try:
            await world.fault.heal()
        except EnvironmentFailed:
            assert broken == "discard"
        assert [line for line in wanted if line not in world.log[done:]] == []

    asyncio.run(run())


def test_a_death_that_was_not_awaited_is_discarded_by_the_heal() -> None:
    """Released only after what the dead process held is dropped."""
    world = World("kill:order:after", stuck=True)

    async def run() -> list[str]:
        await world.fault.before()
        with pytest.raises(EnvironmentFailed, match="never came"):
            await world.fault.inject()
        done = len(world.log)
        await world.fault.heal()
        return world.log[done:]

    assert asyncio.run(run()) == ["discard order", "thaw order", "release order", "open"]


@pytest.mark.parametrize(
    "point, pattern, keys",
    [
        (f"kill:order:after:{COMMIT}", DUAL_WRITE, ["9", "17"]),
        (f"kill:order:after:{COMMIT}", OUTBOX, ["17"]),
        (f"kill:order:before:{COMMIT}", DUAL_WRITE, ["17"]),
        (f"hold:order:after:{COMMIT}", DUAL_WRITE, ["17"]),
        (f"kill:relay:after:{COMMIT}", DUAL_WRITE, ["17"]),
    ],
)
def test_a_dual_writer_takes_with_it_what_its_other_threads_had_committed(
    point: str, pattern: Pattern, keys: list[str]
) -> None:
    """Killed after a commit, and no other way: what is cut is what the stores do not agree on."""
    world = World(point, pattern=pattern)
    world.stores.changes = frozenset({("9", 1), ("17", 1), ("3", 1)})
    world.stores.records = frozenset({("3", 1)})
    played(world)
    assert world.achieved["cut_keys"] == keys


def test_what_the_heal_will_do_is_known_before() -> None:
    """For the ledger."""
    undo = {
        action: dict(World(f"{action}:order:after").fault.undo())
        for action in ("kill", "pause", "cut", "hold")
    }
    assert undo == {
        "kill": {"open": ["order"], "release": "order"},
        "pause": {"open": ["order"], "thaw": "order"},
        "cut": {"open": [], "mend": [["order", "order-db"]]},
        "hold": {"open": ["order"]},
    }
