"""What was struck of sagas, as one Markdown table a pattern: a row for each cell that there is.

Whether the cut was the intended one by the store's own word, and what other tries came to;
at which message or write it was; how the saga that was struck ended; and whether, in every scenario
that the cell was tried in, all sagas ended, nothing was lost or made, and what was done was undone
once.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saga_cells import CHOREOGRAPHY, ORCHESTRATION, STEPS, pieces
from strikes import ACHIEVED

ELSEWHERE = "ELSEWHERE"
"""Struck as was asked for, and not at an order or message that the cell speaks of."""

_COLUMNS = (
    "step", "failure", "at", "cut", "the saga", "verdict", "terminal", "conserved", "undone once",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One try of a cell."""

    step: str
    failure: str
    point: str
    cut: str
    says: str
    key: str | None
    at: str | None
    """The message or the write that was struck, None where it was neither."""
    ends: tuple[str, ...]
    """How the sagas that were struck ended; of one as a rule."""
    verdict: str
    terminal: bool
    conserved: bool
    once: bool


def table(out: Path) -> str:
    """All that is known, by pattern."""
    lines: list[str] = []
    for pattern in (CHOREOGRAPHY, ORCHESTRATION):
        tried = {
            piece: read_tries(path)
            for piece in pieces(pattern)
            if (path := out / f"{pattern}-{piece}.json").exists()
        }
        rows = [_row(names, tried) for names in _cells(pattern)]
        achieved = sum(row[3].startswith(ACHIEVED) for row in rows)
        lines += ["", f"## {pattern}: {achieved} cuts", ""]
        lines += ["| " + " | ".join(row) + " |" for row in (_COLUMNS, ("---",) * 9, *rows)]
    return "\n".join(lines)


def read_tries(path: Path) -> list[Struck]:
    """As they are kept."""
    found = json.loads(path.read_text())
    return [Struck(**{**one, "ends": tuple(one["ends"])}) for one in found]


def _cells(pattern: str) -> Sequence[tuple[str, str, str]]:
    """(piece, step, failure) of all that there is to be struck."""
    found = [
        (piece, cell.step, cell.failure)
        for piece, cells in pieces(pattern).items()
        for cell in cells
    ]
    return [*(("do", f"do {step}", "refused") for step in STEPS), *found]


def _row(names: tuple[str, str, str], tried: dict[str, list[Struck]]) -> tuple[str, ...]:
    piece, step, failure = names
    tries = [t for t in tried.get(piece, ()) if (t.step, t.failure) == (step, failure)]
    if not tries:
        return (step, failure, "", "not struck", "", "", "", "", "")
    if failure == "refused":
        last, number = tries[-1], sum(int(one.cut.split()[0]) for one in tries)
        ends, cut = sorted({end for one in tries for end in one.ends}), f"{number} refused"
    else:
        last = next((one for one in tries if one.cut == ACHIEVED), tries[-1])
        ends, cut = list(last.ends), _cut(tries)
    marks = (
        all(one.terminal for one in tries),
        all(one.conserved for one in tries),
        all(one.once for one in tries),
    )
    verdict = ", ".join(sorted({one.verdict for one in tries}))
    told = (step, failure, last.at or "", cut, " or ".join(ends), verdict)
    return (*told, *("yes" if mark else "**no**" for mark in marks))


def _cut(tries: Sequence[Struck]) -> str:
    missed = Counter(one.cut for one in tries if one.cut != ACHIEVED)
    told = ", ".join(f"{number} {outcome}" for outcome, number in missed.items())
    if len(tries) == missed.total():
        return told
    return f"{ACHIEVED} (and {told})" if told else ACHIEVED
