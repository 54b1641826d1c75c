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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from points import ACHIEVED, ENOUGH_LEFT_S, Series, Silent

from faults.at_point import AtPoint
from faults.point import Point
from harness.checkers.demanded import demanded
from harness.checkers.judge import judged
from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.engine.scenario import ScenarioRun, Settings
from harness.engine.stack import Stack
from harness.engine.taps import Taps
from harness.environments.memory import MemoryMeter
from harness.environments.namespaces import Namespaces
from harness.environments.outer import run_inside
from harness.model.record import Judged
from harness.model.request import Request
from harness.model.scenario import Pattern, Scenario
from harness.model.suite import Suite
from harness.protocols import Stage
from harness.store import create_run, save_scenario
from harness.toolchain import Toolchain, ensure

CHOREOGRAPHY, ORCHESTRATION = "saga-choreography", "saga-orchestration"
A_STRIKE_S, BEFORE_S = 6.0, 12.0
RATE_PER_S = 3.0
ROUNDS = 3
"""How many scenarios a piece may take until what was not struck is given up."""

STEPS = {
    "stock": ("inventory", "stock_movements"),
    "payment": ("payment", "payment_movements"),
    "shipment": ("shipping", "shipment_changes"),
}
GOOD, SCARCE, DEAR, HEAVY, CANCELLED = "good", "scarce", "dear", "heavy", "cancelled"
KINDS: Mapping[str, tuple[str, int]] = {
    GOOD: ("chisel", 1),
    HEAVY: ("hoist", 1),
    DEAR: ("gantry", 1),
    CANCELLED: ("drill", 1),
    SCARCE: ("flywheel", 5),
}
"""What is ordered; `flywheel` is never there in that number."""

TERMINAL = frozenset({"saga-terminal", "end-is-final", "liveness-after-heal", "told-at-the-end"})
CONSERVED = frozenset({"money-conserved", "stock-conserved", "failed-sagas-keep-nothing"})
ONCE = frozenset(
    {"compensated-exactly-once", "step-at-most-once", "steps-as-noted", "each-message-once"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One strike that is wanted. `kind`: of the order whose `{key}` stands in the point."""

    step: str
    failure: str
    point: str
    kind: str | None = None


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


def _replies(pattern: str) -> str:
    return "saga.events" if pattern == CHOREOGRAPHY else "saga.replies"


def _of_participant(pattern: str, label: str, node: str, database: str, wrote: str) -> list[Cell]:
    commit = f"{node}/{database}/commit({wrote})"
    told = f"{node}/kafka-1/produce({_replies(pattern)})"
    return [
        Cell(step=label, failure="error", point=f"error=40001:{node}:before:{commit}"),
        Cell(step=label, failure="killed before its commit", point=f"kill:{node}:before:{commit}"),
        Cell(step=label, failure="killed after its commit", point=f"kill:{node}:after:{commit}"),
        Cell(step=label, failure="message's answer lost", point=f"swallow:{node}:after:{told}"),
        Cell(step=label, failure="message lost", point=f"reset:{node}:before:{told}"),
        Cell(step=label, failure="killed after its message", point=f"kill:{node}:after:{told}"),
    ]


def _steps(pattern: str, label: str, state: str) -> list[Cell]:
    return [
        cell
        for step, (node, ledger) in STEPS.items()
        for cell in _of_participant(
            pattern, f"{label} {step}", node, f"{node}-db", f"{ledger},saga_steps:{state},*"
        )
    ]


def _order(pattern: str) -> list[Cell]:
    """The order's own transactions: accepted, brought on, and its last step back."""
    writes = {"accept order": "orders:insert,outbox,*", "bring order on": "inbox,orders:update,*"}
    if pattern == CHOREOGRAPHY:
        writes["note undone step"] = "inbox,steps_undone,*"
    return [
        cell
        for label, wrote in writes.items()
        for cell in _of_participant(pattern, label, "order", "order-db", wrote)
    ]


WRITES: Mapping[str, Sequence[int]] = {
    GOOD: (1, 2, 3, 4, 5),
    HEAVY: (4, 5, 6, 7),
    DEAR: (3,),
    SCARCE: (2,),
    CANCELLED: (2, 3, 4),
}
"""Kind of order → which of the orchestrator's writes for it no other kind has."""


def _orchestrator(*kinds: str) -> list[Cell]:
    return [
        Cell(
            step=f"orchestrator, order {kind}",
            failure=f"killed {when} write {number}",
            point=f"kill:orchestrator:{when}:orchestrator/saga-db/commit(sagas,*)/{{key}}#{number}",
            kind=kind,
        )
        for kind in kinds
        for number in WRITES[kind]
        for when in ("before", "after")
    ]


def _late(pattern: str) -> list[Cell]:
    """Struck while sagas are given up after a second, most of them in the middle."""
    cells = [
        Cell(
            step=f"do {step}",
            failure="still under way when time is over",
            point=f"hold=4:{node}:before:{node}/{node}-db/commit({ledger},saga_steps:insert,*)",
        )
        for step, (node, ledger) in STEPS.items()
    ]
    who, commit = (
        ("order", "order/order-db/commit(order_changes:insert,orders:update,outbox:insert)")
        if pattern == CHOREOGRAPHY
        else (
            "orchestrator",
            "orchestrator/saga-db/commit(outbox:insert,saga_history:insert,sagas:update)",
        )
    )
    return cells + [
        Cell(step="time is over", failure=f"killed {when}", point=f"kill:{who}:{when}:{commit}")
        for when in ("before", "after")
    ]


def pieces(pattern: str) -> Mapping[str, list[Cell]]:
    """Piece → its cells."""
    found = {
        "do": _steps(pattern, "do", "insert"),
        "undo": _steps(pattern, "undo", "update"),
        "order": _order(pattern),
        "late": _late(pattern),
    }
    if pattern == ORCHESTRATION:
        found["forward"] = _orchestrator(GOOD)
        found["back"] = _orchestrator(HEAVY, DEAR, SCARCE)
        found["cancel"] = _orchestrator(CANCELLED)
    return found


def matrix_plan(span_s: float) -> tuple[Request, ...]:
    """Orders of all kinds in turn; the cancelled ones as soon as they are placed."""
    found: list[Request] = []
    kinds = list(KINDS)
    for number in range(int(span_s * RATE_PER_S)):
        kind, key = kinds[number % len(kinds)], str(number + 1)
        product_id, quantity = KINDS[kind]
        body: dict[str, str | int] = {
            "order_id": key, "product_id": product_id, "quantity": quantity,
        }  # fmt: skip
        due_s = number / RATE_PER_S
        found.append(
            Request(due_s=due_s, f="place-order", key=key, method="POST", path="/orders", body=body)
        )
        if kind == CANCELLED:
            found.append(
                Request(
                    due_s=due_s + 0.05 * (number % 12), f="cancel-order", key=key, method="POST",
                    path=f"/orders/{key}/cancel", only_if_ok="place-order",
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda request: request.due_s))


class Strikes(Series):
    """Cells as one fault: struck in turn while there is load."""

    def __init__(self, stage: Stage, cells: Sequence[Cell], span_s: float) -> None:
        super().__init__(stage, (), [])
        self._cells = cells
        self._span_s = span_s
        self.went: list[tuple[Cell, str, str, str | None]] = []

    async def inject(self) -> bool:
        stage = replace(self._stage, remaining_s=lambda: 0.0)
        for cell in self._cells:
            if self._stage.remaining_s() < ENOUGH_LEFT_S:
                break
            text = cell.point.format(key=self._next_key(cell.kind))
            self._current = AtPoint(stage, Point.parse(text), name=text)
            outcome, says = await self._strike(self._current)
            reached = self._current.evidence()["intended_cut"]["effect"] or {}
            keys = reached.get("keys") or [None]
            self.went.append((replace(cell, point=text), outcome, says, keys[0]))
            print(f"  {outcome:<12} {cell.step}, {cell.failure}: {text}"
                  f"{'' if outcome == ACHIEVED else '  ' + says}", file=sys.stderr, flush=True)  # fmt: skip
        self._current = None
        return True

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
        environment = Namespaces(
            union_of(self._suite, [pattern]), self._toolchain,
            directory=given.out / "nodes", logs=given.out / "logs", tapped=True,
        )  # fmt: skip
        async with MemoryMeter() as meter, environment:
            stack = Stack(environment, self._suite, Taps(given.out / "logs" / "taps.log"))
            await stack.open()
            try:
                for piece in given.piece or pieces(pattern.name):
                    await self._piece(stack, pattern, piece, meter)
            finally:
                await stack.close()

    async def _piece(self, stack: Stack, pattern: Pattern, piece: str, meter: MemoryMeter) -> None:
        left = pieces(pattern.name)[piece]
        went: list[Struck] = []
        for _ in range(ROUNDS):
            if not left:
                break
            found, told, directory = await self._scenario(stack, pattern, piece, left, meter)
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
        self, stack: Stack, pattern: Pattern, piece: str, cells: list[Cell], meter: MemoryMeter
    ) -> tuple[list[tuple[Cell, str, str, str | None]], Judged, Path]:
        self._number += 1
        span_s = min(BEFORE_S + A_STRIKE_S * len(cells), self._given.most_s)
        if piece == "late":
            environment = {**pattern.environment, "SAGA_TIMEOUT_S": "1"}
            pattern = replace(pattern, environment=environment)
        plan = matrix_plan(span_s)
        pattern = replace(pattern, plan=lambda _: plan)
        stack.suite = replace(self._suite, patterns=(pattern,))
        made: list[Strikes] = []

        def strikes(stage: Stage) -> Strikes:
            made.append(Strikes(stage, cells, max(request.due_s for request in plan)))
            return made[0]

        scenario = Scenario(
            suite=self._suite.name, pattern=pattern.name, fault=piece,
            seed=self._given.seed + self._number,
        )  # fmt: skip
        run = create_run(
            self._given.out, suite=f"{pattern.name}-{piece}", seed=scenario.seed,
            scenarios=[scenario.slug],
        )  # fmt: skip
        writer = run.scenario(
            scenario, hops=tuple(pattern.hops), invariants=demanded(self._suite, pattern)
        )
        await ScenarioRun(
            stack=stack, scenario=scenario, system=system_of(self._suite, pattern),
            make_fault=strikes, writer=writer, ledger=self._given.out / "ledger",
            narrator=Silent(), meter=meter, stop=asyncio.Event(),
            settings=Settings(quiet_deadline_s=60.0),
        ).run()  # fmt: skip
        record = judged(writer.record)
        save_scenario(record)
        if record.judged is None:
            raise SystemExit(f"{piece}: not judged")
        said = record.judged.judgement
        print(f"{pattern.name}, {piece}: {said.verdict.value}: {said.reason}", file=sys.stderr)
        return (made[0].went if made else []), record.judged, writer.dir


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
