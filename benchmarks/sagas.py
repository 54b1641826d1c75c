"""What becomes of sagas when each of their steps is refused, fails, dies or is not heard of.

    python benchmarks/sagas.py --pattern saga-choreography [--piece do]… [--seed 1] [--out DIR]
    python benchmarks/sagas.py --table [--out DIR]

A cell is one strike: a participant gets an error for its commit, is killed before or after it, or
its message is lost on the way; or the orchestrator is killed before or after one of its writes.
The cells of a piece are struck one after the other in one scenario under load, which then heals,
comes to rest and is judged; those that did not get their turn go into another one. Refusals need no
strike: the workload has them at each step. Cells are kept in DIR as JSON, and `--table` prints all
that are there as Markdown: whether the cut was the intended one by the store's own word, how the
saga that was struck ended, and whether all sagas of the scenario ended, nothing was lost or made,
and what was done was undone once.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from saga_cells import (
    CHOREOGRAPHY,
    GOOD,
    KINDS,
    ORCHESTRATION,
    RATE_PER_S,
    STEPS,
    Cell,
    matrix_plan,
    pieces,
)
from strikes import ACHIEVED, Rig, Series, Strike, opened

from harness.cli import suites
from harness.environments.outer import run_inside
from harness.model.record import Judged
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.protocols import Stage
from harness.toolchain import Toolchain, ensure

A_STRIKE_S, BEFORE_S = 6.0, 12.0
ROUNDS = 3
"""How many scenarios a piece may take until what was not struck is given up."""

TERMINAL = frozenset({"saga-terminal", "end-is-final", "liveness-after-heal", "told-at-the-end"})
CONSERVED = frozenset({"money-conserved", "stock-conserved", "failed-sagas-keep-nothing"})
ONCE = frozenset(
    {"compensated-exactly-once", "step-at-most-once", "steps-as-noted", "each-message-once"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A cell as it went."""

    pattern: str
    piece: str
    step: str
    failure: str
    point: str
    cut: str
    says: str
    key: str | None
    saga: str
    verdict: str
    terminal: bool
    conserved: bool
    once: bool


class Strikes(Series):
    """Cells as one fault: struck in turn while there is load."""

    def __init__(self, stage: Stage, cells: Sequence[Cell], span_s: float) -> None:
        super().__init__(stage)
        self._cells = cells
        self._span_s = span_s
        self.went: list[tuple[Cell, str, str, str | None]] = []

    def points(self) -> Iterator[str]:
        for cell in self._cells:
            yield cell.point.format(key=self._next_key(cell.kind))

    def told(self, strike: Strike) -> None:
        cell = replace(self._cells[len(self.went)], point=strike.point)
        keys = strike.effect.get("keys") or [None]
        self.went.append((cell, strike.outcome, strike.says, keys[0]))
        mark = "" if strike.outcome == ACHIEVED else f"  {strike.says}"
        print(
            f"  {strike.outcome:<12} {cell.step}, {cell.failure}: {strike.point}{mark}",
            file=sys.stderr,
            flush=True,
        )

    def _next_key(self, kind: str | None) -> str:
        """Of the next order of that kind that has not been placed yet."""
        now_s = self._span_s - self._stage.remaining_s()
        number = int((now_s + 1.0) * RATE_PER_S)
        while list(KINDS)[number % len(KINDS)] != (kind or GOOD):
            number += 1
        return str(number + 1)


class Matrix:
    """All pieces of one pattern on one stack."""

    def __init__(self, suite: Suite, toolchain: Toolchain, given: argparse.Namespace) -> None:
        self._suite = suite
        self._toolchain = toolchain
        self._given = given
        self._number = 0

    async def run(self) -> None:
        given, pattern = self._given, self._suite.pattern(self._given.pattern)
        async with opened(self._suite, [pattern], self._toolchain, given.out) as rig:
            for piece in given.piece or pieces(pattern.name):
                await self._piece(rig, pattern, piece)

    async def _piece(self, rig: Rig, pattern: Pattern, piece: str) -> None:
        left = pieces(pattern.name)[piece]
        went: list[Struck] = []
        for _ in range(ROUNDS):
            if not left:
                break
            found, told, directory = await self._scenario(rig, pattern, piece, left)
            went += [_struck(pattern.name, piece, one, told, directory) for one in found]
            if piece == "do":
                went += _refused(pattern.name, told, directory)
            left = left[len(found) :] + [
                cell for cell, one in zip(left, found, strict=False) if one[1] != ACHIEVED
            ]
            # Whatever happens later, what is known is kept.
            place = self._given.out / f"{pattern.name}-{piece}.json"
            place.write_text(json.dumps([asdict(one) for one in went], indent=1))

    async def _scenario(
        self, rig: Rig, pattern: Pattern, piece: str, cells: list[Cell]
    ) -> tuple[list[tuple[Cell, str, str, str | None]], Judged, Path]:
        self._number += 1
        span_s = min(BEFORE_S + A_STRIKE_S * len(cells), self._given.most_s)
        if piece == "late":
            environment = {**pattern.environment, "SAGA_TIMEOUT_S": "1"}
            pattern = replace(pattern, environment=environment)
        plan = matrix_plan(span_s)
        pattern = replace(pattern, plan=lambda _: plan)
        made: list[Strikes] = []

        def strikes(stage: Stage) -> Strikes:
            made.append(Strikes(stage, cells, max(request.due_s for request in plan)))
            return made[0]

        record = await rig.scenario(
            pattern, strikes, suite=replace(self._suite, patterns=(pattern,)), fault=piece,
            seed=self._given.seed + self._number, name=f"{pattern.name}-{piece}",
        )  # fmt: skip
        if record.judged is None:
            raise SystemExit(f"{piece}: not judged")
        said = record.judged.judgement
        print(f"{pattern.name}, {piece}: {said.verdict.value}: {said.reason}", file=sys.stderr)
        return (made[0].went if made else []), record.judged, record.dir


def _violated(told: Judged) -> frozenset[str]:
    return frozenset(f.invariant for f in told.judgement.findings if f.violation or f.undecided)


def _struck(
    pattern: str,
    piece: str,
    went: tuple[Cell, str, str, str | None],
    told: Judged,
    directory: Path,
) -> Struck:
    cell, cut, says, key = went
    broken = _violated(told)
    return Struck(
        pattern=pattern, piece=piece, step=cell.step, failure=cell.failure, point=cell.point,
        cut=cut, says=says, key=key, saga=_end_of(directory, key, cell),
        verdict=told.verdict.value, terminal=not broken & TERMINAL,
        conserved=not broken & CONSERVED, once=not broken & ONCE,
    )  # fmt: skip


def _end_of(directory: Path, key: str | None, cell: Cell) -> str:
    """How the struck saga ended, and at which message the orchestrator was struck."""
    ends = {row["order_id"]: row["status"] for row in _rows(directory, "db.order-db.orders")}
    end = ends.get(key or "", "no such order")
    if cell.kind is None:
        return end
    written = sorted(
        (r for r in _rows(directory, "db.saga-db.saga_history") if r["order_id"] == key),
        key=lambda row: row["applied_at"],
    )
    number = int(cell.point.rpartition("#")[2])
    at = written[number - 1]["message"] if number <= len(written) else "none"
    return f"{end} ({at})"


def _refused(pattern: str, told: Judged, directory: Path) -> list[Struck]:
    broken = _violated(told)
    ends = {row["order_id"]: row["status"] for row in _rows(directory, "db.order-db.orders")}
    found: list[Struck] = []
    for step, (node, _) in STEPS.items():
        rows = _rows(directory, f"db.{node}-db.saga_changes")
        refused = [row["order_id"] for row in rows if row["change"] == "refused"]
        ended = sorted({ends[key] for key in refused})
        found.append(
            Struck(
                pattern=pattern,
                piece="do",
                step=f"do {step}",
                failure="refused",
                point="",
                cut=f"{len(refused)} refused",
                says="",
                key=None,
                saga=" or ".join(ended),
                verdict=told.verdict.value,
                terminal=not broken & TERMINAL,
                conserved=not broken & CONSERVED,
                once=not broken & ONCE,
            )
        )
    return found


def _rows(directory: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        directory / "snapshot" / f"{table}.parquet"
    ).to_pylist()
    return found


def table(out: Path) -> str:
    """All that is known, by pattern."""
    head = "| step | failure | cut | the saga | verdict | terminal | conserved | undone once |"
    lines: list[str] = []
    for pattern in (CHOREOGRAPHY, ORCHESTRATION):
        cells = [
            cell
            for path in sorted(out.glob(f"{pattern}-*.json"))
            for cell in json.loads(path.read_text())
        ]
        achieved = sum(cell["cut"] == ACHIEVED for cell in cells)
        lines += ["", f"## {pattern}: {achieved} cuts", "", head, "| --- " * 8 + "|"]
        for cell in cells:
            marks = (
                "yes" if cell[name] else "**no**" for name in ("terminal", "conserved", "once")
            )
            told = (cell["step"], cell["failure"], cell["cut"], cell["saga"], cell["verdict"])
            lines.append(f"| {' | '.join((*told, *marks))} |")
    return "\n".join(lines)


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
