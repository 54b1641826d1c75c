"""The matrix pattern × fault: one cell for each pair, in the order in which they were planned."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.scenario import fault_slug
from harness.report.load import StoredRun, StoredScenario
from harness.report.words import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """One pair. `says` is None where the pair was not planned at all."""

    pattern: str
    fault: str
    cell: Cell
    says: str | None
    slug: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rows are patterns, columns are faults; `cells[row][column]`."""

    patterns: tuple[str, ...]
    faults: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]


def cell_of(stored: StoredScenario) -> Cell:
    """What a scenario that was run comes to."""
    if not stored.verdict.decided:
        return Cell.UNDECIDED
    if not stored.as_expected:
        return Cell.UNEXPECTED
    return Cell.CAUGHT if stored.is_control else Cell.AS_EXPECTED


def cell_text(stored: StoredScenario) -> str:
    """The words in its cell: the verdict, and what is remarkable about it."""
    cell = cell_of(stored)
    if cell is Cell.CAUGHT:
        return "control caught"
    if cell is Cell.UNEXPECTED and stored.is_control and not stored.violations:
        return "control not caught"
    return stored.verdict.value


def matrix_of(run: StoredRun) -> Matrix:
    """The matrix of a run: what ran, what was planned and did not run, what was never planned."""
    ran: dict[tuple[str, str], StoredScenario] = {}
    for stored in run.scenarios:
        pair = (stored.scenario.pattern, stored.scenario.fault)
        if pair not in ran or stored.verdict.rank > ran[pair].verdict.rank:
            ran[pair] = stored
    planned = _planned(run)
    pairs = [*planned, *ran]
    patterns = _in_order(p for p, _ in pairs)
    faults = _in_order(f for _, f in pairs)
    rows = (
        tuple(_cell(p, f, ran.get((p, f)), (p, f) in planned) for f in faults) for p in patterns
    )
    return Matrix(patterns=patterns, faults=faults, cells=tuple(rows))


def _cell(pattern: str, fault: str, stored: StoredScenario | None, planned: bool) -> MatrixCell:
    if stored is None:
        says = "not run" if planned else None
        return MatrixCell(pattern=pattern, fault=fault, cell=Cell.NOT_RUN, says=says)
    return MatrixCell(
        pattern=pattern,
        fault=fault,
        cell=cell_of(stored),
        says=cell_text(stored),
        slug=stored.scenario.slug,
    )


def _planned(run: StoredRun) -> list[tuple[str, str]]:
    """The pairs that were to be run, from their slugs. A point of the wire is longer than its
    slug: what it is called is known where it ran under any pattern."""
    names = {fault_slug(s.scenario.fault): s.scenario.fault for s in run.scenarios}
    split = (slug.split("--", 1) for slug in run.planned if "--" in slug)
    return [(pattern, names.get(fault, fault)) for pattern, fault in split]


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
