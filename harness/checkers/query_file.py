"""Files of SQL with a header: lines `-- name: value`, then one query under each section line.

    -- id: no-event-lost
    -- summary: {pattern} lost {count} of {judged} orders: {detail}{others}
    -- needs: db.order-db.orders
    -- needs: db.order-db.outbox? (id VARCHAR, version INTEGER)
    -- scope:
    SELECT …

The first line says what kind of file it is. `needs` names a table of the snapshot; with `?` it may
be missing, and an empty one with the columns in parentheses stands in. A table may say in
`declared` which declaration it was made from. What a file gets wrong is a DeclarationError with its
line.
"""

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DeclarationError

_HEADER = re.compile(r"--\s*([a-z-]+):\s*(.*?)\s*$")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_NEED = re.compile(r"([A-Za-z0-9._-]+)(?:\?\s*\((.+)\))?\Z")
_NEEDS = "needs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A table that a query reads. `columns`: what an empty stand-in has; None, it must be there."""

    table: str
    columns: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A table computed once from the snapshot, for several queries to read."""

    name: str
    needs: tuple[Need, ...]
    rows: str
    path: Path
    declared: str | None = None
    """The declaration of the suite's that it comes from, to be named with what goes wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a kind of file consists of: its headers, the first of which begins it, and sections."""

    headers: tuple[str, ...]
    sections: tuple[str, ...]


TABLE = Form(headers=("table", "declared", _NEEDS), sections=("rows",))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    text: str
    line: int


class QueryFile:
    """One file that was read whole. `kind` is the first header of its form."""

    def __init__(self, text: str, path: Path, forms: Iterable[Form]) -> None:
        self.path = path
        self._headers: dict[str, _Value] = {}
        self._needs: list[Need] = []
        self._sections: dict[str, _Value] = {}
        self._lines = text.splitlines()
        by_kind = {form.headers[0]: form for form in forms}
        self.kind = self._begins_with(by_kind)
        self._read(by_kind[self.kind])

    @property
    def needs(self) -> tuple[Need, ...]:
        return tuple(self._needs)

    def header(self, name: str) -> str:
        """Raises DeclarationError where it is not there."""
        if name not in self._headers:
            raise self._wrong(1, f"no `-- {name}:` in the header")
        return self._headers[name].text

    def name(self, header: str) -> str:
        """A header that is an id. Raises DeclarationError."""
        told = self.header(header)
        if not _ID.match(told):
            raise self.bad(header, f"`{told}` is not in kebab-case")
        return told

    def template(self, header: str) -> str:
        """A header with names in braces. Raises DeclarationError."""
        told = self.header(header)
        try:
            places = list(string.Formatter().parse(told))
        except ValueError as error:
            raise self.bad(header, f"not a template: {error}") from None
        for _, name, spec, conversion in places:
            if name is not None and (not name.isidentifier() or spec or conversion):
                raise self.bad(header, f"`{{{name}}}`: only plain names stand in braces")
        return told

    def sql(self, section: str) -> str:
        """The query of a section."""
        value = self._sections.get(section)
        return "" if value is None else value.text.strip().rstrip(";").rstrip()

    def table(self) -> Derived:
        """What a file of the form TABLE defines."""
        declared = self._headers.get("declared")
        return Derived(
            name=self.header("table"),
            needs=self.needs,
            rows=self.sql("rows"),
            path=self.path,
            declared=None if declared is None else declared.text,
        )

    def bad(self, header: str, says: str) -> DeclarationError:
        """What is wrong with a header, to be raised."""
        return self._wrong(self._headers[header].line, says)

    def _begins_with(self, forms: Mapping[str, Form]) -> str:
        for number, line in enumerate(self._lines, start=1):
            if not line.strip():
                continue
            found = _HEADER.match(line)
            if found and found[1] in forms:
                return found[1]
            wanted = " or ".join(f"`-- {kind}: …`" for kind in forms)
            raise self._wrong(number, f"the first line must be {wanted}")
        raise self._wrong(1, "the file is empty")

    def _read(self, form: Form) -> None:
        section: str | None = None
        for number, line in enumerate(self._lines, start=1):
            found = _HEADER.match(line)
            if found and found[1] in form.sections:
                section = self._begin(found[1], found[2], number)
            elif section is not None:
                self._extend(section, line)
            elif found and found[1] in form.headers:
                self._take(found[1], found[2], number)
            elif found:
                known = ", ".join((*form.headers, *form.sections))
                raise self._wrong(number, f"unknown header `{found[1]}` (there are {known})")
            elif line.strip() and not line.startswith("--"):
                raise self._wrong(number, f"SQL before the first section `-- {form.sections[0]}:`")
        for name in form.sections:
            if not self.sql(name):
                last = self._sections[name].line if name in self._sections else len(self._lines)
                raise self._wrong(last, f"no query under `-- {name}:`")

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
        if name == _NEEDS:
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

    def _wrong(self, line: int, says: str) -> DeclarationError:
        return DeclarationError(f"{self.path}:{max(line, 1)}: {says}")


def read_text(path: Path) -> str:
    """Raises DeclarationError where it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: cannot be read as text ({error})") from error


def refuse_twins(named: Iterable[tuple[str, Path]]) -> None:
    """Raises DeclarationError where two files define the same name."""
    for name, path, first in _twins(named):
        raise DeclarationError(f"{path}:1: `{name}` is defined in {first.name} already")


def _twins(named: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path, Path]]:
    seen: dict[str, Path] = {}
    for name, path in named:
        if name in seen:
            yield name, path, seen[name]
        seen.setdefault(name, path)
