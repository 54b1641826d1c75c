"""Invariant files: one guarantee each, as SQL that returns its counterexamples.

A file is a header of `-- name: value` lines, then one query under each section line:

    -- id: no-event-lost
    -- family: loss
    -- guarantee: Every committed order has its record in the topic.
    -- patterns: all
    -- summary: {pattern} lost {count} of {judged} orders: {detail}{others}
    -- needs: db.order-db.orders
    -- needs: db.order-db.outbox? (id VARCHAR, version INTEGER)
    -- scope:
    SELECT how many keys are judged
    -- counterexamples:
    SELECT key, detail, … one row for each thing that is wrong

What files of this kind have in common is in `query_file`. An optional column `pending` marks an absence that time could
still make good: it counts only once the system has come to rest. A file that starts with
`-- table: name` instead defines a table for the others to need, by its one section `rows`.

What a file gets wrong is a DeclarationError with its line.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.checkers.query_file import (
    TABLE,
    Derived,
    Form,
    Need,
    QueryFile,
    read_text,
    refuse_twins,
)
from harness.errors import DeclarationError

__all__ = [
    "FAMILIES",
    "LIVENESS",
    "Derived",
    "Invariant",
    "Invariants",
    "Need",
    "parse",
    "read_invariants",
]

FAMILIES = (
    "loss",
    "phantom",
    "durability",
    "effect",
    "payload",
    "order",
    "terminal",
    "saga",
    "conservation",
    "convergence",
    "outbox",
    "bounded",
    "custom",
    "liveness",
)
"""What a guarantee is about. Where several break, the earliest here is told first."""

LIVENESS = "liveness"

_INVARIANT = Form(
    headers=("id", "family", "guarantee", "patterns", "summary", "needs"),
    sections=("scope", "counterexamples"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One guarantee. `patterns` empty: it holds for all of them."""

    id: str
    family: str
    guarantee: str
    patterns: tuple[str, ...]
    summary: str
    needs: tuple[Need, ...]
    scope: str
    counterexamples: str
    path: Path

    def applies_to(self, pattern: str) -> bool:
        return not self.patterns or pattern in self.patterns

    @property
    def rank(self) -> tuple[int, str]:
        """Where its violation stands among others: smaller is told first."""
        return FAMILIES.index(self.family), self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariants:
    """All that a suite demands, by id, and the tables they share, by name."""

    all: tuple[Invariant, ...]
    tables: tuple[Derived, ...] = ()

    def of(self, pattern: str) -> tuple[Invariant, ...]:
        """Those that hold for the pattern, in the order in which violations are told."""
        return tuple(sorted((i for i in self.all if i.applies_to(pattern)), key=lambda i: i.rank))


def read_invariants(folder: Path) -> Invariants:
    """Read every .sql file of a folder. Raises DeclarationError."""
    paths = sorted(folder.glob("*.sql"))
    if not paths:
        raise DeclarationError(f"{folder}: no invariants here (no .sql file)")
    return collected((read_text(path), path) for path in paths)


def collected(files: Iterable[tuple[str, Path]]) -> Invariants:
    """Texts with the paths that they are named by, parsed. Raises DeclarationError."""
    parsed = [parse(text, path) for text, path in files]
    invariants = tuple(p for p in parsed if isinstance(p, Invariant))
    tables = tuple(p for p in parsed if isinstance(p, Derived))
    refuse_twins((p.id, p.path) for p in invariants)
    refuse_twins((p.name, p.path) for p in tables)
    if not invariants:
        folder = parsed[0].path.parent
        raise DeclarationError(f"{folder}: tables but no invariant here")
    return Invariants(all=invariants, tables=tables)


def parse(text: str, path: Path) -> Invariant | Derived:
    """One file's text. Raises DeclarationError naming `path` and the line."""
    file = QueryFile(text, path, (_INVARIANT, TABLE))
    return _invariant(file) if file.kind == "id" else file.table()


def _invariant(file: QueryFile) -> Invariant:
    family = file.header("family")
    if family not in FAMILIES:
        raise file.bad("family", f"no family `{family}` (there are {', '.join(FAMILIES)})")
    return Invariant(
        id=file.name("id"),
        family=family,
        guarantee=file.header("guarantee"),
        patterns=_patterns(file),
        summary=file.template("summary"),
        needs=file.needs,
        scope=file.sql("scope"),
        counterexamples=file.sql("counterexamples"),
        path=file.path,
    )


def _patterns(file: QueryFile) -> tuple[str, ...]:
    told = file.header("patterns")
    names = tuple(name.strip() for name in told.split(","))
    if not all(names) or ("all" in names and len(names) > 1):
        raise file.bad("patterns", f"`{told}`: write `all`, or names with commas between")
    return () if names == ("all",) else names
