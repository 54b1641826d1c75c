"""What one session's transaction has written so far, statement by statement.

The same rules serve twice: for what the client has asked for, where they foresee, and for what
the server has completed, where they know.
"""

from collections.abc import Callable, MutableMapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from harness.wire.fields import decoded
from harness.wire.sql import MAY_WRITE, UNKNOWN, Kind, Recognised, Write
from harness.wire.stream import event

_MOST_WRITES = 1024
_MOST_STATEMENTS = 64
LONGEST_STATEMENT = 1024
_MOST_SAVEPOINTS = 256
_NOTHING: frozenset[Write] = frozenset()
_OPAQUE = frozenset({Kind.UNKNOWN, Kind.EXECUTE, Kind.CALL})
"""What they write is not in their text."""
Prepared = MutableMapping[str, frozenset[Write]]
"""Transactions between PREPARE TRANSACTION and their end: name → what they wrote."""


class End(Enum):
    """How a transaction ends."""

    __hash__ = object.__hash__  # each is one object; Enum's own hash is a call of Python's

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    PREPARED = "prepared"


# An enum's member is slow to look up.
_COMMITTED, _ROLLED_BACK, _PREPARED = End
_COMMIT, _ROLLBACK, _PREPARE = Kind.COMMIT, Kind.ROLLBACK, Kind.PREPARE_TRANSACTION
_UNKNOWN = Kind.UNKNOWN


@event
class Outcome:
    """The end of a transaction."""

    end: End
    writes: frozenset[Write]
    statements: tuple[str, ...] = ()
    is_complete: bool = True
    is_implicit: bool = False
    name: str | None = None


class Transaction:
    """The transaction that is going on, if one is; outside a block it is called implicit.

    What it holds is replaced and never changed, so that to become like another one takes no copy.
    """

    __slots__ = (
        "_two_phase",
        "failed",
        "in_block",
        "is_complete",
        "may_have_written",
        "savepoints",
        "statements",
        "writes",
    )

    def __init__(self, two_phase: Prepared) -> None:
        self._two_phase = two_phase
        self.reset()

    def reset(self, *, in_block: bool = False) -> None:
        """A new one."""
        self.in_block = in_block
        self.failed = False
        self.may_have_written = False
        self.is_complete = True
        self.writes: frozenset[Write] = _NOTHING
        self.statements: tuple[str, ...] = ()
        self.savepoints: tuple[tuple[str | None, frozenset[Write]], ...] = ()

    def follow(self, other: "Transaction") -> None:
        """Become like the other one."""
        self.in_block, self.failed = other.in_block, other.failed
        self.may_have_written, self.is_complete = other.may_have_written, other.is_complete
        self.writes, self.statements = other.writes, other.statements
        self.savepoints = other.savepoints

    def apply(self, statement: Recognised) -> Outcome | None:
        """Go on by one statement that succeeds; told is the end of a transaction, if it is one."""
        if statement.writes or statement.kind in MAY_WRITE:
            self._note(statement)
            return None
        step = _STEPS.get(statement.kind)
        return None if step is None else step(self, statement)

    def ended(self, end: End) -> Outcome:
        """The end that no statement told."""
        outcome = self._outcome(end, is_implicit=not self.in_block)
        self.reset()
        return outcome

    def _begin(self, _statement: Recognised) -> None:
        self.in_block = True

    def _commit(self, statement: Recognised) -> Outcome:
        return self._ended(_ROLLED_BACK if self.failed else _COMMITTED, statement)

    def _roll_back(self, statement: Recognised) -> Outcome:
        return self._ended(_ROLLED_BACK, statement)

    def _prepare(self, statement: Recognised) -> Outcome:
        return self._ended(_ROLLED_BACK if self.failed else _PREPARED, statement)

    def _ended(self, end: End, statement: Recognised) -> Outcome:
        outcome = self._outcome(end, name=statement.name)
        self.reset(in_block=statement.is_chained)
        return outcome

    def _outcome(self, end: End, *, is_implicit: bool = False, name: str | None = None) -> Outcome:
        return Outcome(
            end=end,
            writes=self.writes,
            statements=self.statements,
            is_complete=self.is_complete,
            is_implicit=is_implicit,
            name=name,
        )

    def _second_phase(self, statement: Recognised) -> Outcome:
        writes = self._two_phase.get(statement.name or "")
        committed = statement.kind is Kind.COMMIT_PREPARED
        return Outcome(
            end=_COMMITTED if committed else _ROLLED_BACK,
            writes=writes or frozenset(),
            is_complete=writes is not None,
            name=statement.name,
        )

    def _savepoint(self, statement: Recognised) -> None:
        if statement.kind is Kind.SAVEPOINT:
            if len(self.savepoints) < _MOST_SAVEPOINTS:
                self.savepoints += ((statement.name, self.writes),)
            return
        at = self._find(statement.name)
        if at is None:
            return
        if statement.kind is Kind.ROLLBACK_TO:
            self.writes = self.savepoints[at][1]
            self.failed = False
            at += 1
        self.savepoints = self.savepoints[:at]

    def _find(self, name: str | None) -> int | None:
        """The innermost savepoint of this name."""
        places = reversed(range(len(self.savepoints)))
        return next((i for i in places if self.savepoints[i][0] == name), None)

    def _note(self, statement: Recognised) -> None:
        self.may_have_written = True
        if statement.kind in _OPAQUE:
            self.is_complete = False
        writes = statement.writes
        if len(self.writes) + len(writes) > _MOST_WRITES:
            self.is_complete = False
        elif not self.writes.issuperset(writes):
            self.writes = self.writes.union(writes)
        if len(self.statements) < _MOST_STATEMENTS:
            self.statements = (*self.statements, statement.sql[:LONGEST_STATEMENT])


_STEPS: dict[Kind, Callable[[Transaction, Recognised], Outcome | None]] = {
    Kind.BEGIN: Transaction._begin,  # noqa: SLF001 - the table of its own methods
    Kind.COMMIT: Transaction._commit,  # noqa: SLF001
    Kind.ROLLBACK: Transaction._roll_back,  # noqa: SLF001
    Kind.PREPARE_TRANSACTION: Transaction._prepare,  # noqa: SLF001
    Kind.COMMIT_PREPARED: Transaction._second_phase,  # noqa: SLF001
    Kind.ROLLBACK_PREPARED: Transaction._second_phase,  # noqa: SLF001
    Kind.SAVEPOINT: Transaction._savepoint,  # noqa: SLF001
    Kind.RELEASE: Transaction._savepoint,  # noqa: SLF001
    Kind.ROLLBACK_TO: Transaction._savepoint,  # noqa: SLF001
}
"""What begins, divides or ends a transaction."""


class Tag(NamedTuple):
    """What the tag of a CommandComplete says."""

    text: str
    kind: Kind | None
    rows: int | None
    """How many, if it counts them."""


@lru_cache(maxsize=1024)
def read_tag(tag: bytes) -> Tag:
    """A tag without the zero byte at its end."""
    text = decoded(tag)
    last = text.rpartition(" ")[2]
    is_count = last.isascii() and last.isdigit() and len(last) < 20
    kind = _BY_TAG.get(text.rstrip("0123456789 "))
    return Tag(text, kind, int(last) if is_count else None)


def as_completed(statement: Recognised, tag: Tag) -> Recognised:
    """The statement as its tag tells that it went: what COMMIT did, whether a row was written."""
    _, kind, count = tag
    if kind is _ROLLBACK and statement.kind in {_COMMIT, _PREPARE}:
        return statement._replace(kind=kind)
    if statement.kind is _UNKNOWN and kind is not None:
        unseen = kind in {Kind.INSERT, Kind.UPDATE, Kind.DELETE, Kind.MERGE}
        return UNKNOWN if unseen and count != 0 else statement._replace(kind=kind)
    if count == 0 and len(statement.writes) == 1:
        return statement._replace(writes=())
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
