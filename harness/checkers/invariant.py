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

`needs` names a table of the snapshot; with `?` the pattern may lack it, and an empty one with the
columns in parentheses stands in. An optional column `pending` marks an absence that time could
still make good: it counts only once the system has come to rest. A file that starts with
`-- table: name` instead defines a table for the others to need, by its one section `rows`.

What a file gets wrong is a DeclarationError with its line.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DeclarationError

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

_HEADER = re.compile(r"--\s*([a-z-]+):\s*(.*?)\s*$")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_NEED = re.compile(r"([A-Za-z0-9._-]+)(?:\?\s*\((.+)\))?\Z")
_INVARIANT_HEADERS = ("id", "family", "guarantee", "patterns", "summary", "needs")
_SECTIONS = {"id": ("scope", "counterexamples"), "table": ("rows",)}
_HEADERS = {"id": _INVARIANT_HEADERS, "table": ("table", "needs")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A table that a query reads. `columns`: what an empty stand-in has; None, it must be there."""

    table: str
    columns: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A table computed once from the snapshot, for several invariants to read."""

    name: str
    needs: tuple[Need, ...]
    rows: str
    path: Path


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
    parsed = [parse(_text(path), path) for path in paths]
    invariants = tuple(p for p in parsed if isinstance(p, Invariant))
    tables = tuple(p for p in parsed if isinstance(p, Derived))
    _refuse_twins([(p.id, p.path) for p in invariants])
    _refuse_twins([(p.name, p.path) for p in tables])
    if not invariants:
        raise DeclarationError(f"{folder}: tables but no invariant here")
    return Invariants(all=invariants, tables=tables)


def parse(text: str, path: Path) -> Invariant | Derived:
    """One file's text. Raises DeclarationError naming `path` and the line."""
    return _Parser(text, path).parse()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    text: str
    line: int


class _Parser:
    """Reads one file: header lines first, then sections of SQL."""

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        self._headers: dict[str, _Value] = {}
        self._needs: list[Need] = []
        self._sections: dict[str, _Value] = {}
        self._lines = text.splitlines()

    def parse(self) -> Invariant | Derived:
        kind = self._kind()
        self._read(_HEADERS[kind], _SECTIONS[kind])
        for name in _SECTIONS[kind]:
            if not self._sql(name):
                line = self._sections[name].line if name in self._sections else len(self._lines)
                raise self._wrong(line, f"no query under `-- {name}:`")
        return self._invariant() if kind == "id" else self._derived()

    def _kind(self) -> str:
        for number, line in enumerate(self._lines, start=1):
            if not line.strip():
                continue
            found = _HEADER.match(line)
            if found and found[1] in _HEADERS:
                return found[1]
            raise self._wrong(number, "the first line must be `-- id: …` or `-- table: …`")
        raise self._wrong(1, "the file is empty")

    def _read(self, headers: tuple[str, ...], sections: tuple[str, ...]) -> None:
        section: str | None = None
        for number, line in enumerate(self._lines, start=1):
            found = _HEADER.match(line)
            if found and found[1] in sections:
                section = self._begin(found[1], found[2], number)
            elif section is not None:
                self._extend(section, line)
            elif found and found[1] in headers:
                self._take(found[1], found[2], number)
            elif found:
                known = ", ".join((*headers, *sections))
                raise self._wrong(number, f"unknown header `{found[1]}` (there are {known})")
            elif line.strip() and not line.startswith("--"):
                raise self._wrong(number, f"SQL before the first section `-- {sections[0]}:`")

    def _begin(self, name: str, rest: str, number: int) -> str:
        if name in self._sections:
            raise self._wrong(number, f"a second section `{name}`")
        if rest:
            raise self._wrong(number, f"`-- {name}:` stands alone, its query on the next lines")
        self._sections[name] = _Value(text="", line=number)
        return name

    def _extend(self, section: str, line: str) -> None:
        before = self._sections[section]
        self._sections[section] = _Value(text=f"{before.text}{line}\n", line=before.line)

    def _take(self, name: str, value: str, number: int) -> None:
        if not value:
            raise self._wrong(number, f"`-- {name}:` has no value")
        if name == "needs":
            self._needs.append(self._need(value, number))
        elif name in self._headers:
            raise self._wrong(number, f"a second `-- {name}:`")
        else:
            self._headers[name] = _Value(text=value, line=number)

    def _need(self, value: str, number: int) -> Need:
        found = _NEED.match(value)
        if not found:
            raise self._wrong(
                number, f"`{value}`: write `name`, or `name? (column TYPE, …)` for an optional one"
            )
        return Need(table=found[1], columns=found[2])

    def _invariant(self) -> Invariant:
        family = self._header("family")
        if family not in FAMILIES:
            raise self._bad("family", f"no family `{family}` (there are {', '.join(FAMILIES)})")
        return Invariant(
            id=self._id(),
            family=family,
            guarantee=self._header("guarantee"),
            patterns=self._patterns(),
            summary=self._summary(),
            needs=tuple(self._needs),
            scope=self._sql("scope"),
            counterexamples=self._sql("counterexamples"),
            path=self._path,
        )

    def _derived(self) -> Derived:
        return Derived(
            name=self._header("table"),
            needs=tuple(self._needs),
            rows=self._sql("rows"),
            path=self._path,
        )

    def _id(self) -> str:
        name = self._header("id")
        if not _ID.match(name):
            raise self._bad("id", f"`{name}` is not in kebab-case")
        return name

    def _patterns(self) -> tuple[str, ...]:
        told = self._header("patterns")
        names = tuple(name.strip() for name in told.split(","))
        if not all(names) or ("all" in names and len(names) > 1):
            raise self._bad("patterns", f"`{told}`: write `all`, or names with commas between")
        return () if names == ("all",) else names

    def _summary(self) -> str:
        told = self._header("summary")
        try:
            places = list(string.Formatter().parse(told))
        except ValueError as error:
            raise self._bad("summary", f"not a template: {error}") from None
        for _, name, spec, conversion in places:
            if name is not None and (not name.isidentifier() or spec or conversion):
                raise self._bad("summary", f"`{{{name}}}`: only plain names stand in braces")
        return told

    def _sql(self, section: str) -> str:
        value = self._sections.get(section)
        return "" if value is None else value.text.strip().rstrip(";").rstrip()

    def _header(self, name: str) -> str:
        if name not in self._headers:
            raise self._wrong(1, f"no `-- {name}:` in the header")
        return self._headers[name].text

    def _bad(self, name: str, says: str) -> DeclarationError:
        return self._wrong(self._headers[name].line, says)

    def _wrong(self, line: int, says: str) -> DeclarationError:
        return DeclarationError(f"{self._path}:{max(line, 1)}: {says}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: cannot be read as text ({error})") from error


def _refuse_twins(named: list[tuple[str, Path]]) -> None:
    for name, path, first in _twins(named):
        raise DeclarationError(f"{path}:1: `{name}` is defined in {first.name} already")


def _twins(named: list[tuple[str, Path]]) -> Iterator[tuple[str, Path, Path]]:
    seen: dict[str, Path] = {}
    for name, path in named:
        if name in seen:
            yield name, path, seen[name]
        seen.setdefault(name, path)
