"""What PostgreSQL's output plugin test_decoding writes: its lines, read as transactions.

    BEGIN 752
    table public.orders: INSERT: order_id[text]:'17' quantity[integer]:2
    COMMIT 752 (at 2026-01-01 12:00:00+00)

Promises: whatever the names and values are, they are told as the table has them, or `Undecodable`
is raised; reading takes time in proportion to the text. Knows only what a slot without
two-phase and without streaming is given. What `pg_logical_emit_message` writes is passed over.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.wire.sql import Operation, Write, table_name

Columns = Mapping[str, str | None]


class Undecodable(ValueError):
    """A line that test_decoding does not write; the text has its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row changed, or one table emptied."""

    table: str
    operation: Operation
    columns: Columns = field(default_factory=dict)
    """The row as it is now, of a deleted one what identified it (nothing, where its table has no
    identity). An unchanged TOASTed value is not among them. Values as the server prints them."""
    old_key: Columns = field(default_factory=dict)
    """Of an update what identified the row before, if that was told."""

    @property
    def write(self) -> Write:
        """Table and operation."""
        return Write(table=self.table, operation=self.operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A committed transaction that changed something."""

    xid: int
    lsn: str
    """The end of its commit record, `0/1805AC0`: a slot that has confirmed it has read all."""
    changes: tuple[Change, ...]
    at: str | None = None
    """When it was committed, as the server prints it."""

    @property
    def writes(self) -> frozenset[Write]:
        """What it wrote."""
        return frozenset(change.write for change in self.changes)


def read_transactions(lines: Iterable[tuple[str, int, str]]) -> list[Transaction]:
    """The transactions in what a slot returns: (LSN, xid, text), in that order. Raises
    Undecodable."""
    found: list[Transaction] = []
    changes: list[Change] | None = None
    for lsn, xid, text in lines:
        if text.startswith("message: "):
            continue
        if changes is None:
            if not _BEGIN.fullmatch(text):
                raise _undecodable(text)
            changes = []
        elif committed := _COMMIT.fullmatch(text):
            at = committed["at"]
            found.append(Transaction(xid=xid, lsn=lsn, changes=tuple(changes), at=at))
            changes = None
        else:
            changes += read_changes(text)
    if changes is not None:
        raise Undecodable("a transaction has no end")
    return found


def read_changes(text: str) -> tuple[Change, ...]:
    """What one `table …` line tells; TRUNCATE may name several tables. Raises Undecodable."""
    if not text.startswith("table "):
        raise _undecodable(text)
    tables, at = _tables(text, len("table "))
    said = _OPERATION.match(text, at)
    if said is None:
        raise _undecodable(text)
    operation = Operation(said[1].lower())
    if operation is Operation.TRUNCATE:
        return tuple(Change(table=table, operation=operation) for table in tables)
    if len(tables) != 1:
        raise _undecodable(text)
    columns, old_key = _rows(text, said.end())
    return (Change(table=tables[0], operation=operation, columns=columns, old_key=old_key),)


_BEGIN = re.compile(r"BEGIN [0-9]+")
_COMMIT = re.compile(r"COMMIT [0-9]+(?: \(at (?P<at>[^)]*)\))?")
_OPERATION = re.compile(r": (INSERT|UPDATE|DELETE|TRUNCATE):")
_NO_TUPLE = " (no-tuple-data)"
_OLD_KEY = " old-key:"
_NEW_TUPLE = " new-tuple:"

# Nothing here is tried twice (`++`, `*+`): a value of a megabyte without an end must not take
# forever. quote_identifier() leaves only such words bare.
_NAME = re.compile(r'([a-z_][a-z0-9_]*+)|"((?:[^"]++|"")*+)"')
_COLUMN = re.compile(
    r"""
    [ ] (?: (?P<bare>[a-z_][a-z0-9_]*+) | "(?P<quoted>(?:[^"]++|"")*+)" )
    \[ (?: [^"\[\]]++ | "(?:[^"]++|"")*+" | \[\] )*+ \] :
    (?: (?P<none>null|unchanged-toast-datum)(?=[ ]|\Z)
      | B?'(?P<text>(?:[^']++|'')*+)'
      | (?P<plain>[^ ']++)
    )
    """,
    re.VERBOSE,
)


def _tables(text: str, at: int) -> tuple[list[str], int]:
    """The names, separated by commas, and the place after them."""
    found: list[str] = []
    while True:
        schema, at = _name(text, at)
        if text[at : at + 1] != ".":
            raise _undecodable(text)
        name, at = _name(text, at + 1)
        found.append(table_name(schema, name))
        if not text.startswith(", ", at):
            return found, at
        at += 2


def _name(text: str, at: int) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise _undecodable(text)
    return found[1] or found[2].replace('""', '"'), found.end()


def _rows(text: str, at: int) -> tuple[Columns, Columns]:
    """The row, and what identified it before."""
    if text[at:] == _NO_TUPLE:
        return {}, {}
    old: Columns = {}
    if text.startswith(_OLD_KEY, at):
        old, at = _columns(text, at + len(_OLD_KEY))
        if not text.startswith(_NEW_TUPLE, at):
            raise _undecodable(text)
        at += len(_NEW_TUPLE)
    columns, at = _columns(text, at)
    if at != len(text):
        raise _undecodable(text)
    return columns, old


def _columns(text: str, at: int) -> tuple[Columns, int]:
    """Columns as long as there are any, and the place after them."""
    found: dict[str, str | None] = {}
    while column := _COLUMN.match(text, at):
        at = column.end()
        name = column["bare"] or column["quoted"].replace('""', '"')
        if column["none"] == "null":
            found[name] = None
        elif column["none"] is None:
            value = column["plain"]
            found[name] = column["text"].replace("''", "'") if value is None else value
    return found, at


def _undecodable(text: str) -> Undecodable:
    return Undecodable(f"test_decoding does not write {text[:120]!r}")
