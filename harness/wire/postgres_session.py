"""What both directions of a connection know together: what was asked and is not answered yet.

Answers name no request; they come in order, and an error swallows all until the next Sync.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar

from harness.wire.postgres_transaction import LONGEST_STATEMENT, Outcome, Transaction
from harness.wire.replication import Replication
from harness.wire.sql import Kind, Recognised, Write

K = TypeVar("K")
V = TypeVar("V")

MOST_PENDING = 65_536
_MOST_NAMES = 1024


class Asked(Enum):
    """What awaits an answer."""

    __hash__ = object.__hash__  # each is one object; Enum's own hash is a call of Python's

    QUERY = "query"
    PARSE = "parse"
    EXECUTE = "execute"
    CLOSE = "close"
    SYNC = "sync"


class Pending:
    """One request that awaits its answer.

    What few requests have stands in the class until it is set: one is made for most messages.
    """

    answered = 0
    """Statements of a query that have come to their end."""
    number: int | None = None
    """Of the commit that it asks for, until that is answered."""
    commit: Outcome | None = None
    """The commit that it will ask for when all rows of its COPY are sent."""
    copies = 0
    """COPY … FROM STDIN in it whose rows are not all sent."""
    is_copying = False
    is_tentative = False
    """A Sync that the server ignores, should the COPY before it begin."""

    def __init__(
        self,
        asked: Asked,
        statements: tuple[Recognised, ...] = (),
        name: bytes = b"",
        replaced: Recognised | None = None,
        *,
        is_tentative: bool = False,
    ) -> None:
        self.asked = asked
        self.statements = statements
        self.name = name
        self.replaced = replaced
        """What the name meant before a Parse or Close."""
        if is_tentative:
            self.is_tentative = True


PLAIN = Recognised("", Kind.READ, is_plain=True)
"""Stands for every statement that changes nothing, where nobody asks for its text."""
PLAIN_QUERY = Pending(Asked.QUERY, (PLAIN,))
"""A Query of one statement that changes nothing. Shared, as the others here, and never changed."""
PLAIN_QUERY_ANSWERED = Pending(Asked.QUERY)
PLAIN_PARSE = Pending(Asked.PARSE)
"""Its name means what it meant before."""
PLAIN_EXECUTE = Pending(Asked.EXECUTE, (PLAIN,))
PLAIN_SYNC = Pending(Asked.SYNC)
"""It commits nothing."""


Portal: TypeAlias = tuple[Recognised, tuple[str | bytes | None, ...]]
"""A statement with its parameters."""


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One connection, from its first byte."""

    pending: deque[Pending] = field(default_factory=deque)
    prepared: dict[bytes, Recognised] = field(default_factory=dict)
    portals: dict[bytes, Portal] = field(default_factory=dict)
    sql_prepared: dict[str, Recognised] = field(default_factory=dict)
    two_phase: dict[str, frozenset[Write]] = field(default_factory=dict)
    replication: Replication | None = None
    copying: Pending | None = None
    """The request whose COPY awaits rows of the client."""
    numbers: int = 0
    asked: Transaction = field(init=False)
    done: Transaction = field(init=False)

    def __post_init__(self) -> None:
        self.asked = Transaction(self.two_phase)
        self.done = Transaction(self.two_phase)

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def skip_to_sync(self) -> Iterator[Pending]:
        """What an error leaves unanswered: all before the next Sync."""
        while self.pending and self.pending[0].asked is not Asked.SYNC:
            skipped = self.pending.popleft()
            self._undo(skipped)
            yield skipped

    def forget_tentative(self, after: Pending) -> None:
        """The COPY has begun: a Sync that was sent before its rows is ignored."""
        is_after = False
        kept: list[Pending] = []
        for pending in self.pending:
            if not (is_after and pending.is_tentative):
                kept.append(pending)
            is_after |= pending is after
        self.pending.clear()
        self.pending.extend(kept)

    def _undo(self, skipped: Pending) -> None:
        """A Parse or Close that never happened."""
        if skipped.asked is Asked.PARSE and skipped.statements:
            if self.prepared.get(skipped.name) is not skipped.statements[0]:
                return
            if skipped.replaced is None:
                del self.prepared[skipped.name]
                return
        elif skipped.asked is not Asked.CLOSE or skipped.name in self.prepared:
            return
        if skipped.replaced is not None:
            self.prepared[skipped.name] = skipped.replaced


def shortened(statement: Recognised) -> Recognised:
    """The statement with as much of its text as a transaction remembers."""
    if len(statement.sql) <= LONGEST_STATEMENT:
        return statement
    return statement._replace(sql=statement.sql[:LONGEST_STATEMENT])


def remember(names: dict[K, V], name: K, value: V) -> None:
    """Set a name; of too many the oldest is forgotten."""
    names[name] = value
    if len(names) > _MOST_NAMES:
        del names[next(iter(names))]
