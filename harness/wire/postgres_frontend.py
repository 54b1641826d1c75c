"""What the client of a PostgreSQL connection says, and which of its messages will commit.

Messages that change nothing (`SELECT 1` and its like) take a short way: they leave a mark among
what awaits an answer, and no more.
"""

from collections.abc import Callable

from harness.wire.fields import EndOfFields, Fields, decoded
from harness.wire.postgres_events import (
    CommitRequested,
    CopyEnded,
    FromClient,
    Statement,
    Terminated,
)
from harness.wire.postgres_extended import check, params, parse
from harness.wire.postgres_framing import Frame, NotAMessage, Reader, framed
from harness.wire.postgres_session import (
    MOST_PENDING,
    PLAIN,
    PLAIN_EXECUTE,
    PLAIN_PARSE,
    PLAIN_QUERY,
    PLAIN_SYNC,
    Asked,
    Pending,
    Portal,
    Session,
    remember,
    shortened,
)
from harness.wire.postgres_transaction import End, Outcome
from harness.wire.sql import CHANGES_NOTHING, UNKNOWN, Kind, Recognised, recognise
from harness.wire.sql_seen import seen

SKIMMED = b"DHdp"
"""Describe, Flush, rows of a COPY, and passwords, which are never kept."""

_MOST_PENDING_QUERIES = 1024
"""With many statements each."""
_NUL = b"\0"

# An enum's member is slow to look up.
_QUERY, _PARSE, _EXECUTED, _CLOSE, _SYNC = Asked
_PREPARE, _EXECUTE, _COMMITTED = Kind.PREPARE, Kind.EXECUTE, End.COMMITTED


_UNTOLD = CHANGES_NOTHING | {Kind.BEGIN}


class Frontend:
    """Reads the client's messages into events and into the session. With `terse`, statements that
    change nothing are not told."""

    __slots__ = ("_asked", "_session", "_tell", "_terse", "_waiting", "readers")

    def __init__(
        self, session: Session, tell: Callable[[FromClient], None], *, terse: bool
    ) -> None:
        self._session = session
        self._asked = session.asked
        self._waiting = session.pending
        self._tell = tell
        self._terse = terse
        self.readers: dict[int, Reader] = {
            ord("Q"): self._query,
            ord("P"): self._parse,
            ord("B"): self._bind,
            ord("E"): self._execute,
            ord("S"): self._sync,
            ord("F"): self._framed("F", self._call),
            ord("C"): self._framed("C", self._close),
            ord("c"): self._framed("c", self._copy_done),
            ord("f"): self._framed("f", self._copy_fail),
            ord("X"): self._framed("X", self._terminate),
        }
        """By type byte."""

    def read_row(self, frame: Frame) -> None:
        """A CopyData message, which is only read while the COPY is a replication stream."""
        replication = self._session.replication
        event = None if replication is None else replication.client(frame)
        if event is not None:
            self._tell(event)

    def _framed(self, kind: str, read: Callable[[Frame], None]) -> Reader:
        """A reader of messages that are seldom sent. What is malformed is no message."""

        def guarded(frame: Frame) -> None:
            try:
                read(frame)
            except EndOfFields:
                if frame.whole:
                    raise _malformed(kind, frame.first) from None

        return framed(ord(kind), guarded)

    def _await(self, pending: Pending, end: int) -> None:
        self._waiting.append(pending)
        if len(self._waiting) > _MOST_PENDING_QUERIES:
            self._check_memory(end)

    def _check_memory(self, end: int) -> None:
        """Whoever never waits for an answer is not followed for ever."""
        waiting = self._waiting
        most = MOST_PENDING if len(waiting[-1].statements) <= 1 else _MOST_PENDING_QUERIES
        if len(waiting) > most:
            raise NotAMessage(end, f"more than {most} messages await an answer")

    def _query(self, data: bytes, at: int, after: int, first: int, end: int, whole: bool) -> None:
        if not whole:
            self._steps(first, end, recognise(decoded(data[at:after])), whole=False)
            return
        stop = data.find(_NUL, at, after)
        if stop < 0:
            raise _malformed("Q", first)
        text, asked = data[at:stop], self._asked
        found = seen(text)
        if found is None:
            self._steps(first, end, recognise(decoded(text)), whole=True)
        elif found.statement.is_plain and (asked.in_block or not asked.may_have_written):
            if not self._terse:
                self._tell_statement(first, end, found.of(text))
            self._await(PLAIN_QUERY, end)
        else:
            self._step(first, end, found.of(text))

    def _step(self, first: int, end: int, statement: Recognised) -> None:
        """A Query's only statement."""
        asked = self._asked
        statement = self._meant(statement)
        self._tell_statement(first, end, statement)
        pending = Pending(_QUERY, (shortened(statement),))
        commit = self._foreseen(statement)
        if asked.may_have_written and not asked.in_block:
            commit = _joined(commit, asked.ended(_COMMITTED))
        if statement.from_client:
            pending.copies, pending.commit, self._session.copying = 1, commit, pending
        elif commit is not None:
            self._commit(first, end, pending, commit)
        self._await(pending, end)

    def _steps(
        self, first: int, end: int, statements: tuple[Recognised, ...], *, whole: bool
    ) -> None:
        """A Query's statements, one after the other."""
        asked = self._asked
        statements = tuple([self._meant(statement) for statement in statements])
        pending = Pending(_QUERY, tuple([shortened(statement) for statement in statements]))
        commit: Outcome | None = None
        for statement in statements:
            self._tell_statement(first, end, statement)
            commit = _joined(commit, self._foreseen(statement))
            if statement.from_client:
                pending.copies += 1
        if not whole:
            asked.apply(UNKNOWN)
        if asked.may_have_written and not asked.in_block:
            commit = _joined(commit, asked.ended(_COMMITTED))
        if pending.copies:
            pending.commit, self._session.copying = commit, pending
        elif commit is not None:
            self._commit(first, end, pending, commit)
        self._await(pending, end)

    def _call(self, frame: Frame) -> None:
        """FunctionCall: what it does is not in it."""
        call = UNKNOWN._replace(kind=Kind.CALL)
        pending = Pending(_QUERY, (call,))
        self._tell_statement(frame.first, frame.end, call)
        self._asked.apply(call)
        if not self._asked.in_block:
            commit = self._asked.ended(_COMMITTED)
            self._commit(frame.first, frame.end, pending, commit)
        self._await(pending, frame.end)

    def _parse(self, data: bytes, at: int, after: int, first: int, end: int, whole: bool) -> None:
        try:
            name, statement = parse(data[at:after], whole=whole)
        except EndOfFields:
            if whole:
                raise _malformed("P", first) from None
            return
        prepared = self._session.prepared
        replaced = prepared.get(name)
        if replaced is statement:
            self._await(PLAIN_PARSE, end)
        else:
            remember(prepared, name, statement)
            self._await(Pending(_PARSE, (statement,), name, replaced), end)

    def _bind(self, data: bytes, at: int, after: int, first: int, _end: int, whole: bool) -> None:
        body, session = data[at:after], self._session
        middle = body.find(_NUL)
        stop = body.find(_NUL, middle + 1) if middle >= 0 else -1
        if stop < 0:
            if whole:
                raise _malformed("B", first)
            return
        portal: Portal = _PLAIN_PORTAL
        statement = session.prepared.get(body[middle + 1 : stop], UNKNOWN)
        try:
            if statement.is_plain and self._terse and whole:
                check(body, stop + 1)
            else:
                values = params(body, stop + 1, whole=whole, types=statement.types)
                portal = statement, values
        except EndOfFields:
            raise _malformed("B", first) from None
        remember(session.portals, body[:middle], portal)

    def _close(self, frame: Frame) -> None:
        fields = Fields(frame.body)
        what, name = fields.byte(), fields.zero_ended()
        pending = Pending(_CLOSE, name=name)
        if what == ord("S"):
            pending.replaced = self._session.prepared.pop(name, None)
        else:
            self._session.portals.pop(name, None)
        self._await(pending, frame.end)

    def _execute(self, data: bytes, at: int, after: int, first: int, end: int, whole: bool) -> None:
        stop = data.find(_NUL, at, after)
        if stop < 0:
            self._misread_execute(first, end, whole=whole)
            return
        statement, values = self._session.portals.get(data[at:stop], _NO_PORTAL)
        if statement.is_plain:
            if not self._terse:
                self._tell_statement(first, end, statement, values)
            self._await(PLAIN_EXECUTE, end)
            return
        statement = self._meant(statement)
        self._tell_statement(first, end, statement, values)
        pending = Pending(_EXECUTED, (statement,))
        if statement.from_client:
            pending.copies, self._session.copying = 1, pending
        commit = self._foreseen(statement)
        if commit is not None:
            self._commit(first, end, pending, commit)
        self._await(pending, end)

    def _misread_execute(self, first: int, end: int, *, whole: bool) -> None:
        """One whose portal's name is too long to be kept still has an answer."""
        if whole:
            raise _malformed("E", first)
        self._asked.apply(UNKNOWN)
        self._await(Pending(_EXECUTED, (UNKNOWN,)), end)

    def _sync(
        self, _data: bytes, _at: int, _after: int, first: int, end: int, _whole: bool
    ) -> None:
        asked, copying = self._asked, self._session.copying
        if copying is not None:
            if not copying.is_copying:
                self._await(Pending(_SYNC, is_tentative=True), end)
        elif asked.may_have_written and not asked.in_block:
            pending = Pending(_SYNC)
            self._commit(first, end, pending, asked.ended(_COMMITTED))
            self._await(pending, end)
        else:
            self._await(PLAIN_SYNC, end)

    def _copy_done(self, frame: Frame) -> None:
        self._tell(CopyEnded(first=frame.first, end=frame.end, failed=False))
        copying = self._session.copying
        if copying is None:
            return
        copying.copies -= 1
        copying.is_copying = False
        self._session.forget_tentative(copying)
        if copying.copies == 0:
            self._session.copying = None
            if copying.commit is not None:
                self._commit(frame.first, frame.end, copying, copying.commit)

    def _copy_fail(self, frame: Frame) -> None:
        self._tell(CopyEnded(first=frame.first, end=frame.end, failed=True))
        copying = self._session.copying
        if copying is not None:
            self._session.forget_tentative(copying)
            self._session.copying = None

    def _terminate(self, frame: Frame) -> None:
        self._tell(Terminated(first=frame.first, end=frame.end))

    def _meant(self, statement: Recognised) -> Recognised:
        """EXECUTE is what was prepared under the name; PREPARE is remembered."""
        kind = statement.kind
        if kind is _PREPARE and statement.inner is not None:
            remember(self._session.sql_prepared, statement.name or "", statement.inner)
        elif kind is _EXECUTE:
            inner = self._session.sql_prepared.get(statement.name or "")
            if inner is not None:
                return statement._replace(kind=inner.kind, writes=inner.writes)
        return statement

    def _foreseen(self, statement: Recognised) -> Outcome | None:
        """The commit that this statement will be, if all goes well."""
        outcome = self._asked.apply(statement)
        return outcome if outcome is not None and outcome.end is _COMMITTED else None

    def _tell_statement(
        self,
        first: int,
        end: int,
        statement: Recognised,
        values: tuple[str | bytes | None, ...] = (),
    ) -> None:
        if not self._terse or statement.writes or statement.kind not in _UNTOLD:
            self._tell(
                Statement(
                    first=first,
                    end=end,
                    sql=statement.sql,
                    kind=statement.kind,
                    writes=statement.writes,
                    params=values,
                )
            )

    def _commit(self, first: int, end: int, pending: Pending, commit: Outcome) -> None:
        pending.number = self._session.next_number()
        self._tell(
            CommitRequested(
                first=first,
                end=end,
                number=pending.number,
                writes=commit.writes,
                is_implicit=commit.is_implicit,
                statements=commit.statements,
            )
        )


_NO_PORTAL: Portal = (UNKNOWN, ())
_PLAIN_PORTAL: Portal = (PLAIN, ())


def _malformed(kind: str, first: int) -> NotAMessage:
    return NotAMessage(first, f"a malformed message of type {kind}")


def _joined(one: Outcome | None, other: Outcome | None) -> Outcome | None:
    """Two commits that one message asks for."""
    if one is None or other is None:
        return one or other
    return Outcome(
        end=one.end,
        writes=one.writes | other.writes,
        statements=one.statements + other.statements,
        is_complete=one.is_complete,
        is_implicit=one.is_implicit and other.is_implicit,
        name=one.name,
    )
