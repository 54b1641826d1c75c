"""Whatever phase a scenario is in, the table leads it to healing and to an end."""

import pytest

from harness.lifecycle import TRANSITIONS, Phase, may_follow


def reachable(phase: Phase) -> set[Phase]:
    """Every phase that can come after this one."""
    seen: set[Phase] = set()
    ahead = [phase]
    while ahead:
        for after in TRANSITIONS[ahead.pop()] - seen:
            seen.add(after)
            ahead.append(after)
    return seen


def test_every_phase_has_a_row() -> None:
    """A phase without one could be entered and never left."""
    assert set(TRANSITIONS) == set(Phase)


@pytest.mark.parametrize("phase", [Phase.START, Phase.STEADY, Phase.WORKLOAD])
def test_a_failure_before_the_heal_leads_straight_to_it(phase: Phase) -> None:
    """Nothing that was broken on purpose stays broken."""
    assert may_follow(phase, Phase.HEAL)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DONE])
def test_every_phase_comes_to_an_end_and_never_comes_back(phase: Phase) -> None:
    """The table has no circle."""
    assert Phase.DONE in reachable(phase)
    assert phase not in reachable(phase)


def test_nothing_is_collected_before_the_heal() -> None:
    """A snapshot of a broken system would be judged as if it were at rest."""
    before_heal = (Phase.START, Phase.STEADY, Phase.WORKLOAD)
    assert not any(may_follow(phase, Phase.COLLECT) for phase in before_heal)


def test_nothing_follows_the_end() -> None:
    """Done is done."""
    assert TRANSITIONS[Phase.DONE] == frozenset()
