"""The phases of a scenario and which may follow which, as one table.

Whatever happens, a phase that was entered is left by a row of the table: a failure or Ctrl-C
during any phase leads to HEAL, and from there to COLLECT, so that what is known is kept.
"""

from enum import Enum


class Phase(Enum):
    """Where a scenario stands."""

    START = "start"
    STEADY = "steady"
    WORKLOAD = "workload"
    HEAL = "heal"
    QUIESCE = "quiesce"
    COLLECT = "collect"
    DONE = "done"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.START: frozenset({Phase.STEADY, Phase.HEAL}),
    Phase.STEADY: frozenset({Phase.WORKLOAD, Phase.HEAL}),
    Phase.WORKLOAD: frozenset({Phase.HEAL}),
    Phase.HEAL: frozenset({Phase.QUIESCE, Phase.COLLECT, Phase.DONE}),
    Phase.QUIESCE: frozenset({Phase.COLLECT}),
    Phase.COLLECT: frozenset({Phase.DONE}),
    Phase.DONE: frozenset(),
}


def may_follow(before: Phase, after: Phase) -> bool:
    """Whether the table has that row."""
    return after in TRANSITIONS[before]
