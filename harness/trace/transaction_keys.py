"""The business keys of a session's transaction, statement by statement, until its commit is asked
for. What a roll-back to a savepoint undoes is not among them."""

from harness.trace.bounded import trim
from harness.trace.state import State
from harness.wire.postgres_events import Statement
from harness.wire.sql import Kind, Write, recognise_one

Keys = tuple[str, ...]
_Noted = list[tuple[tuple[Write, ...], Keys]]

_MOST_NOTED = 4096
_MOST_KEYS = 512
"""Of one commit."""
_MOST_NAMES = 256


NOTED = frozenset(
    {
        Kind.COMMIT,
        Kind.ROLLBACK,
        Kind.SAVEPOINT,
        Kind.ROLLBACK_TO,
        Kind.PREPARE_TRANSACTION,
        Kind.COMMIT_PREPARED,
        Kind.REPLICATE,
    }
)
"""Statements that write nothing, and are to be noted all the same."""


class TransactionKeys:
    """One session."""

    __slots__ = ("_ended", "_ended_at", "_noted", "_prepared", "_savepoints", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._noted: _Noted = []
        self._ended: _Noted = []
        """Of transactions that COMMIT has ended within the message at `_ended_at`, whose request
        is told when all of it was read; never, if there was nothing left to commit."""
        self._ended_at = -1
        self._savepoints: list[tuple[str, int]] = []
        self._prepared: dict[str, _Noted] = {}

    def note(self, statement: Statement) -> Keys:
        """Go on by one statement; returns its own keys, sorted."""
        if self._ended and statement.first != self._ended_at:
            self._ended = []
        keys: Keys = ()
        if statement.writes:
            keys = self._state.statements.keys(statement.sql, statement.params)
            if keys and len(self._noted) < _MOST_NOTED:
                self._noted.append((statement.writes, keys))
        if statement.kind in NOTED:
            self._control(statement)
        return keys

    def end(self, writes: frozenset[Write]) -> Keys:
        """A commit of these writes is asked for: its keys, sorted. The next transaction begins."""
        noted = self._ended + self._noted if self._ended else self._noted
        found: set[str] = set()
        for written, keys in noted:
            if not writes.isdisjoint(written):
                found.update(keys)
        self._ended = []
        self._begin([])
        return tuple(sorted(found)[:_MOST_KEYS])

    def _begin(self, noted: _Noted) -> None:
        self._noted = noted
        self._savepoints.clear()

    def _control(self, statement: Statement) -> None:
        if statement.kind is Kind.COMMIT:
            self._ended, self._ended_at = self._ended + self._noted, statement.first
            self._begin([])
            return
        name = recognise_one(statement.sql).name or ""
        match statement.kind:
            case Kind.ROLLBACK:
                self._begin([])
            case Kind.SAVEPOINT if len(self._savepoints) < _MOST_NAMES:
                self._savepoints.append((name, len(self._noted)))
            case Kind.ROLLBACK_TO:
                self._roll_back_to(name)
            case Kind.PREPARE_TRANSACTION:
                self._prepared[name] = self._noted
                trim(self._prepared, _MOST_NAMES)
                self._begin([])
            case Kind.COMMIT_PREPARED:
                self._begin(self._prepared.pop(name, []))
            case _:
                pass

    def _roll_back_to(self, name: str) -> None:
        """To the innermost savepoint of this name, which stays."""
        for i in reversed(range(len(self._savepoints))):
            if self._savepoints[i][0] == name:
                del self._noted[self._savepoints[i][1] :]
                del self._savepoints[i + 1 :]
                return
