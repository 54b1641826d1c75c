"""What one session's transaction has written so far, statement by statement.

The same rules serve twice: for what the client has asked for, where they foresee, and for what
the server has completed, where they know.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from enum import Enum

from harness.wire.sql import UNKNOWN, Kind, Recognised, Write

_MOST_WRITES = 1024
_MOST_STATEMENTS = 64
LONGEST_STATEMENT = 1024
_MOST_SAVEPOINTS = 256

Prepared = MutableMapping[str, frozenset[Write]]
"""Transactions between PREPARE TRANSACTION and their end: name → what they wrote."""


class End(Enum):
    """How a transaction ends."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    PREPARED = "prepared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a transaction."""

    end: End
    writes: frozenset[Write]
    statements: tuple[str, ...] = ()
    is_complete: bool = True
    is_implicit: bool = False
    name: str | None = None


class Transaction:
    """The transaction that is going on, if one is; outside a block it is called implicit."""

    __slots__ = (
        "_prepared",
        "failed",
        "in_block",
        "is_complete",
        "may_have_written",
        "savepoints",
        "statements",
        "writes",
    )

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.in_block = False
        self.reset()

    def reset(self, *, in_block: bool = False) -> None:
        """A new one."""
        self.in_block = in_block
        self.failed = False
        self.may_have_written = False
        self.is_complete = True
        self.writes: dict[Write, None] = {}
        self.statements: list[str] = []
        self.savepoints: list[tuple[str | None, dict[Write, None]]] = []

    def follow(self, other: "Transaction") -> None:
        """Become like the other one."""
        self.in_block, self.failed = other.in_block, other.failed
        self.may_have_written, self.is_complete = other.may_have_written, other.is_complete
        self.writes = dict(other.writes)
        self.statements = list(other.statements)
        self.savepoints = list(other.savepoints)

    def apply(self, statement: Recognised) -> Outcome | None:
        """Go on by one statement that succeeds; told is the end of a transaction, if it is one."""
        match statement.kind:
            case Kind.COMMIT:
                end = End.ROLLED_BACK if self.failed else End.COMMITTED
                return self._ended(end, statement)
            case Kind.ROLLBACK:
                return self._ended(End.ROLLED_BACK, statement)
            case Kind.PREPARE_TRANSACTION:
                return self._ended(End.ROLLED_BACK if self.failed else End.PREPARED, statement)
            case Kind.COMMIT_PREPARED | Kind.ROLLBACK_PREPARED:
                return self._second_phase(statement)
            case Kind.BEGIN:
                self.in_block = True
            case Kind.SAVEPOINT | Kind.RELEASE | Kind.ROLLBACK_TO:
                self._savepoint(statement)
            case _:
                self._note(statement)
        return None

    def ended(self, end: End) -> Outcome:
        """The end that no statement told."""
        outcome = self._outcome(end, is_implicit=not self.in_block)
        self.reset()
        return outcome

    def _ended(self, end: End, statement: Recognised) -> Outcome:
        outcome = self._outcome(end, name=statement.name)
        self.reset(in_block=statement.is_chained)
        return outcome

    def _outcome(self, end: End, *, is_implicit: bool = False, name: str | None = None) -> Outcome:
        return Outcome(
            end=end,
            writes=frozenset(self.writes),
            statements=tuple(self.statements),
            is_complete=self.is_complete,
            is_implicit=is_implicit,
            name=name,
        )

    def _second_phase(self, statement: Recognised) -> Outcome:
        writes = self._prepared.get(statement.name or "")
        committed = statement.kind is Kind.COMMIT_PREPARED
        return Outcome(
            end=End.COMMITTED if committed else End.ROLLED_BACK,
            writes=writes or frozenset(),
            is_complete=writes is not None,
            name=statement.name,
        )

    def _savepoint(self, statement: Recognised) -> None:
        if statement.kind is Kind.SAVEPOINT:
            if len(self.savepoints) < _MOST_SAVEPOINTS:
                self.savepoints.append((statement.name, dict(self.writes)))
            return
        at = self._find(statement.name)
        if at is None:
            return
        if statement.kind is Kind.ROLLBACK_TO:
            self.writes = dict(self.savepoints[at][1])
            self.failed = False
            at += 1
        del self.savepoints[at:]

    def _find(self, name: str | None) -> int | None:
        """The innermost savepoint of this name."""
        places = reversed(range(len(self.savepoints)))
        return next((i for i in places if self.savepoints[i][0] == name), None)

    def _note(self, statement: Recognised) -> None:
        self.may_have_written |= statement.may_write
        self.is_complete &= statement.kind not in {Kind.UNKNOWN, Kind.EXECUTE, Kind.CALL}
        if len(self.writes) + len(statement.writes) <= _MOST_WRITES:
            self.writes.update(dict.fromkeys(statement.writes))
        else:
            self.is_complete = False
        if statement.may_write and len(self.statements) < _MOST_STATEMENTS:
            self.statements.append(statement.sql[:LONGEST_STATEMENT])


def as_completed(statement: Recognised, tag: str) -> Recognised:
    """The statement as its tag tells that it went: what COMMIT did, whether a row was written."""
    kind = _BY_TAG.get(tag.rstrip("0123456789 "))
    if kind is Kind.ROLLBACK and statement.kind in {Kind.COMMIT, Kind.PREPARE_TRANSACTION}:
        return replace(statement, kind=Kind.ROLLBACK)
    if statement.kind is Kind.UNKNOWN and kind is not None:
        unseen = kind in {Kind.INSERT, Kind.UPDATE, Kind.DELETE, Kind.MERGE}
        return UNKNOWN if unseen and rows(tag) != 0 else replace(statement, kind=kind)
    if rows(tag) == 0 and len(statement.writes) == 1:
        return replace(statement, writes=())
    return statement


_BY_TAG = {
    "BEGIN": Kind.BEGIN,
    "START TRANSACTION": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "ROLLBACK": Kind.ROLLBACK,
    "PREPARE TRANSACTION": Kind.PREPARE_TRANSACTION,
    "COMMIT PREPARED": Kind.COMMIT_PREPARED,
    "ROLLBACK PREPARED": Kind.ROLLBACK_PREPARED,
    "INSERT": Kind.INSERT,
    "UPDATE": Kind.UPDATE,
    "DELETE": Kind.DELETE,
    "MERGE": Kind.MERGE,
    "SELECT": Kind.READ,
    "FETCH": Kind.READ,
    "SHOW": Kind.READ,
    "SET": Kind.OTHER,
}


def rows(tag: str) -> int | None:
    """The rows that a tag counts."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 20 else None
