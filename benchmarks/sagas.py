"""What becomes of sagas when each of their steps is refused, fails, dies or is not heard of.

    python benchmarks/sagas.py --pattern saga-choreography [--piece do]… [--seed 1] [--out DIR]
    python benchmarks/sagas.py --table [--out DIR]

A cell is one strike: a participant gets an error for its commit, is killed before or after it, or
its message is lost on the way; or the orchestrator is killed before or after one of its writes.
The cells of a piece are struck one after the other in one scenario under load, which then heals,
comes to rest and is judged; those that did not get their turn, did not strike as they were meant
to, or struck another order or message than the cell's, go into another one. Refusals need no
strike: the workload has them at each step. Every try is kept in DIR as JSON, what was struck there is
not struck again, and `--table` prints all that is there as Markdown (saga_table.py).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from saga_cells import (
    CHOREOGRAPHY,
    RATE_PER_S,
    STEPS,
    Cell,
    kind_of,
    matrix_plan,
    pieces,
)
from saga_snapshot import ends, message_at, refused, told_by, writes
from saga_table import ELSEWHERE, Struck, read_tries, table
from strikes import ACHIEVED, Rig, Series, Strike, opened

from harness.cli import suites
from harness.environments.outer import run_inside
from harness.model.address import NO_KEY, Address
from harness.model.record import Judged
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.stage import Stage
from harness.toolchain import Toolchain, ensure

A_STRIKE_S, BEFORE_S = 6.0, 12.0
ROUNDS = 3
"""How many scenarios a piece may take until what was not struck is given up."""

TERMINAL = frozenset({"saga-terminal", "end-is-final", "liveness-after-heal", "told-at-the-end"})
CONSERVED = frozenset({"money-conserved", "stock-conserved", "failed-sagas-keep-nothing"})
ONCE = frozenset(
    {"compensated-exactly-once", "step-at-most-once", "steps-as-noted", "each-message-once"}
)


class Strikes(Series):
    """Cells as one fault: struck in turn while there is load."""

    def __init__(self, stage: Stage, piece: str, cells: Sequence[Cell], span_s: float) -> None:
        super().__init__(stage)
        self._piece = piece
        self._cells = cells
        self._span_s = span_s
        self.went: list[tuple[Cell, Strike]] = []

    def points(self) -> Iterator[str]:
        for cell in self._cells:
            yield cell.point.format(key=self._next_key(cell.kind))

    def told(self, strike: Strike) -> None:
        cell = self._cells[len(self.went)]
        self.went.append((cell, strike))
        mark = "" if strike.outcome == ACHIEVED else f"  {strike.says}"
        print(
            f"  {strike.outcome:<12} {cell.step}, {cell.failure}: {strike.point}{mark}",
            file=sys.stderr,
            flush=True,
        )

    def _next_key(self, kind: str | None) -> str:
        """Of the next order of that kind that has not been placed yet."""
        now_s = self._span_s - self._stage.remaining_s()
        key = int((now_s + 1.0) * RATE_PER_S) + 1
        while kind is not None and kind_of(self._piece, str(key)) != kind:
            key += 1
        return str(key)


class Matrix:
    """All pieces of one pattern on one stack."""

    def __init__(self, suite: Suite, toolchain: Toolchain, given: argparse.Namespace) -> None:
        self._suite = suite
        self._toolchain = toolchain
        self._given = given
        self._number = 0

    async def run(self) -> None:
        given, pattern = self._given, self._suite.pattern(self._given.pattern)
        wanted = [
            piece
            for piece in given.piece or pieces(pattern.name)
            if self._left(pattern.name, piece, self._known(pattern.name, piece))
        ]
        if not wanted:
            return
        async with opened(self._suite, [pattern], self._toolchain, given.out) as rig:
            for piece in wanted:
                await self._piece(rig, pattern, piece)

    async def _piece(self, rig: Rig, pattern: Pattern, piece: str) -> None:
        went = self._known(pattern.name, piece)
        for _ in range(ROUNDS):
            left = self._left(pattern.name, piece, went)
            if not left:
                break
            went += await self._scenario(rig, pattern, piece, left)
            # Whatever happens later, what is known is kept.
            self._place(pattern.name, piece).write_text(
                json.dumps([asdict(one) for one in went], indent=1)
            )

    def _place(self, pattern: str, piece: str) -> Path:
        place: Path = self._given.out / f"{pattern}-{piece}.json"
        return place

    def _known(self, pattern: str, piece: str) -> list[Struck]:
        place = self._place(pattern, piece)
        return read_tries(place) if place.exists() else []

    def _left(self, pattern: str, piece: str, went: Sequence[Struck]) -> list[Cell]:
        """The cells that were not struck yet, those last that have had a try."""
        struck = {(one.step, one.failure) for one in went if one.cut == ACHIEVED}
        tried = {(one.step, one.failure) for one in went} - struck
        return sorted(
            (cell for cell in pieces(pattern)[piece] if (cell.step, cell.failure) not in struck),
            key=lambda cell: (cell.step, cell.failure) in tried,
        )

    async def _scenario(
        self, rig: Rig, pattern: Pattern, piece: str, left: Sequence[Cell]
    ) -> list[Struck]:
        self._number += 1
        # What is left to chance in turn: a message that was lost is said again, and comes next.
        most = max(cell.chances for cell in left)
        cells = [cell for number in range(most) for cell in left if number < cell.chances]
        span_s = min(BEFORE_S + A_STRIKE_S * len(cells), self._given.most_s)
        if piece == "late":
            environment = {**pattern.environment, "SAGA_TIMEOUT_S": "1"}
            pattern = replace(pattern, environment=environment)
        plan = matrix_plan(piece, span_s)
        pattern = replace(pattern, plan=lambda _: plan)
        made: list[Strikes] = []

        def strikes(stage: Stage) -> Strikes:
            made.append(Strikes(stage, piece, cells, max(request.due_s for request in plan)))
            return made[0]

        record = await rig.scenario(
            pattern, strikes, suite=replace(self._suite, patterns=(pattern,)), fault=piece,
            seed=self._given.seed + self._number, name=f"{pattern.name}-{piece}",
        )  # fmt: skip
        if record.judged is None:
            raise SystemExit(f"{piece}: not judged")
        said = record.judged.judgement
        print(f"{pattern.name}, {piece}: {said.verdict.value}: {said.reason}", file=sys.stderr)
        found = [
            _struck(piece, cell, strike, record.judged, record.dir)
            for cell, strike in (made[0].went if made else [])
        ]
        return found + (_refused(record.judged, record.dir) if piece == "do" else [])


def _struck(piece: str, cell: Cell, strike: Strike, told: Judged, directory: Path) -> Struck:
    # Several orders' messages may be one effect; its address is that of the one that was meant.
    key = None if strike.address is None else Address.parse(strike.address).key
    key = None if key == NO_KEY else key
    at = None
    if cell.told is not None and strike.address is not None:
        at = message_at(directory, cell.told.topic, strike.address, key)
    elif cell.write is not None and key is not None:
        at = writes(directory, key).get(cell.write)
    cut = strike.outcome
    if cut == ACHIEVED and not _is_meant(piece, cell, key, at, directory):
        cut = ELSEWHERE
    return Struck(
        step=cell.step, failure=cell.failure, point=strike.point, cut=cut, says=strike.says,
        key=key, at=at, ends=() if key is None else (ends(directory).get(key, "no such order"),),
        **_judged(told),
    )  # fmt: skip


def _is_meant(piece: str, cell: Cell, key: str | None, at: str | None, directory: Path) -> bool:
    """Whether what was struck is what the cell speaks of."""
    if key is None or (cell.kind is not None and kind_of(piece, key) != cell.kind):
        return False
    if cell.told is None:
        return True
    node = cell.point.split(":")[1]
    return at == cell.told.message and (
        cell.told.after is None or cell.told.after in told_by(directory, cell.told.topic, node, key)
    )


def _refused(told: Judged, directory: Path) -> list[Struck]:
    found: list[Struck] = []
    for step, (node, _) in STEPS.items():
        keys = refused(directory, node)
        ended = {ends(directory)[key] for key in keys}
        found.append(
            Struck(
                step=f"do {step}", failure="refused", point="", cut=f"{len(keys)} refused",
                says="", key=None, at=None, ends=tuple(sorted(ended)), **_judged(told),
            )
        )  # fmt: skip
    return found


def _judged(told: Judged) -> dict[str, Any]:
    """What was found of all sagas of the scenario."""
    found = told.judgement.findings
    broken = frozenset(f.invariant for f in found if f.violation or f.undecided)
    return {
        "verdict": told.verdict.value,
        "terminal": not broken & TERMINAL,
        "conserved": not broken & CONSERVED,
        "once": not broken & ONCE,
    }


def main() -> None:
    """Strike, or print what was struck."""
    parser = argparse.ArgumentParser(description="Sagas under every failure of every step.")
    parser.add_argument("--pattern", default=CHOREOGRAPHY)
    parser.add_argument("--piece", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-s", type=float, default=150.0)
    parser.add_argument("--out", type=Path, default=Path("results/sagas"))
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.table:
        print(table(given.out))
        return
    matrix = Matrix(suites.load("shop"), ensure(), given)

    def inside() -> int:
        asyncio.run(matrix.run())
        return 0

    sys.exit(run_inside(inside))


if __name__ == "__main__":
    main()
