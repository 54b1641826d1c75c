"""The shop in containers, by the command: the same verdicts as in namespaces, and nothing left."""

from typing import Any

from tests.command import Aftershock
from tests.in_docker.conftest import Ran

KILL = "kill-between-commit-and-publish"


def test_the_machine_is_fit(aftershock: Aftershock) -> None:
    """And says so."""
    told = aftershock("doctor", "--json").json

    assert told["backends"]["docker"]["usable"] is True, told


def test_every_scenario_comes_out_as_expected(ran: Ran) -> None:
    """Sound patterns hold, the control is caught, every fault is proved."""
    assert ran.answer.code == 0, ran.answer.err[-3000:] + ran.answer.out[-2000:]
    told = ran.answer.json
    assert told["backend"] == "docker"
    for scenario in told["scenarios"]:
        assert scenario["as_expected"], scenario
        assert all(fault["proved"] for fault in scenario["faults"]), scenario


def test_what_was_cut_is_lost(ran: Ran) -> None:
    """The very order whose commit the kill came after; others of that moment may be, too."""
    (scenario,) = (
        s
        for s in ran.answer.json["scenarios"]
        if (s["pattern"], s["fault"]) == ("dual-write", KILL)
    )
    assert scenario["verdict"] == "VIOLATION"
    cut: dict[str, Any] = scenario["faults"][0]["evidence"]["intended_cut"]
    lost = {v["invariant"]: v["keys"] for v in scenario["violations"]}
    assert cut["effect"]["keys"]
    assert set(lost["no-event-lost"]) >= set(cut["effect"]["keys"])


def test_nothing_is_left_in_the_engine(ran: Ran) -> None:
    """No container, network or volume."""
    assert ran.left == {}
