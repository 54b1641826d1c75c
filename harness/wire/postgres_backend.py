"""What the server of a PostgreSQL connection answers, and what that says of transactions.

An explicit COMMIT is acknowledged by its CommandComplete. A statement outside a block is not: in
the extended protocol its CommandComplete is sent before the commit, so only ReadyForQuery counts.
"""

from collections.abc import Callable

from harness.wire.fields import EndOfFields, Fields
from harness.wire.postgres_events import (
    BackendStarted,
    CommitAcknowledged,
    Completed,
    CopyStarted,
    Failed,
    FromServer,
    Notified,
    Ready,
    RolledBack,
    TransactionPrepared,
    VersionNegotiated,
)
from harness.wire.postgres_framing import Frame, NotAMessage, Reader, framed
from harness.wire.postgres_session import (
    PLAIN_EXECUTE,
    PLAIN_QUERY,
    PLAIN_QUERY_ANSWERED,
    Asked,
    Pending,
    Session,
    remember,
)
from harness.wire.postgres_transaction import End, Outcome, Tag, as_completed, read_tag
from harness.wire.replication import Replication
from harness.wire.sql import UNKNOWN, Kind, Recognised

SKIMMED = b"2DNRSTcdnt"
"""Rows, their descriptions, notices, parameters of the server."""

_MOST_OPTIONS = 64
_NUL = b"\0"
_IDLE, _IN_BLOCK, _FAILED = b"ITE"
_STATUS = {_IDLE: "I", _IN_BLOCK: "T", _FAILED: "E"}
# An enum's member is slow to look up.
_QUERY, _PARSE, _EXECUTE, _CLOSE, _SYNC = Asked
_COMMITTED, _ROLLED_BACK, _PREPARED = End
_REPLICATE = Kind.REPLICATE


class Backend:
    """Reads the server's messages into events and into the session. `switch_rows` is told whether
    the rows of a COPY are to be read. With `terse`, Completed and Ready are not told."""

    __slots__ = ("_done", "_pending", "_session", "_switch_rows", "_tell", "_terse", "readers")

    def __init__(
        self,
        session: Session,
        tell: Callable[[FromServer], None],
        switch_rows: Callable[[bool], None],
        *,
        terse: bool,
    ) -> None:
        self._session = session
        self._done = session.done
        self._pending = session.pending
        self._tell = tell
        self._switch_rows = switch_rows
        self._terse = terse
        rare: dict[str, Callable[[Frame], None]] = {
            "3": self._closed,
            "A": self._notified,
            "E": self._failed,
            "G": self._copy,
            "H": self._copy,
            "I": self._empty,
            "K": self._key,
            "V": self._called,
            "W": self._copy,
            "s": self._suspended,
            "v": self._negotiated,
        }
        self.readers: dict[int, Reader] = {
            ord(kind): _guarded(kind, read) for kind, read in rare.items()
        }
        self.readers |= {
            ord("1"): self._parsed,
            ord("C"): self._complete,
            ord("Z"): self._ready,
        }
        """By type byte."""

    def read_row(self, frame: Frame) -> None:
        """A CopyData message, which is only read while the COPY is a replication stream."""
        replication = self._session.replication
        event = None if replication is None else replication.server(frame)
        if event is not None:
            self._tell(event)

    def _complete(
        self, data: bytes, at: int, after: int, first: int, end: int, _whole: bool
    ) -> None:
        stop = data.find(_NUL, at, after)
        if stop < 0:
            raise _malformed("C", first)
        pending = self._pending
        head = pending[0] if pending and self._terse else None
        if head is PLAIN_EXECUTE:
            pending.popleft()
        elif head is PLAIN_QUERY:
            pending[0] = PLAIN_QUERY_ANSWERED
        else:
            tag = read_tag(data[at:stop])
            if not self._terse:
                self._tell(Completed(first=first, end=end, tag=tag.text, rows=tag.rows))
            self._succeeded(first, end, tag)

    def _succeeded(self, first: int, end: int, tag: Tag) -> None:
        """The statement that is being answered came to its end."""
        session = self._session
        pending, statement = self._answered()
        outcome = self._done.apply(as_completed(statement, tag))
        if outcome is not None:
            self._tell(_told(first, end, outcome, self._take_number(pending)))
            if outcome.end is _PREPARED:
                remember(session.two_phase, outcome.name or "", outcome.writes)
            elif outcome.name is not None:
                session.two_phase.pop(outcome.name, None)
        if statement.kind is _REPLICATE:
            session.replication = None
            self._switch_rows(False)

    def _answered(self) -> tuple[Pending | None, Recognised]:
        """The request that is being answered, and which of its statements."""
        pending = self._head()
        if pending is None or pending.asked is _SYNC:
            return None, UNKNOWN
        if pending is PLAIN_QUERY:
            self._pending[0] = PLAIN_QUERY_ANSWERED
            return pending, pending.statements[0]
        at = pending.answered
        if pending.asked is _EXECUTE:
            self._pending.popleft()
        elif at < len(pending.statements):
            pending.answered = at + 1
        if at < len(pending.statements):
            return pending, pending.statements[at]
        # A replication stream is completed twice: as a COPY and as a command.
        ended = pending.statements[-1:]
        return pending, ended[0] if ended and ended[0].kind is _REPLICATE else UNKNOWN

    def _head(self) -> Pending | None:
        """The first request that a statement's end can answer."""
        pending = self._pending
        while pending and pending[0].asked in {_PARSE, _CLOSE}:
            pending.popleft()
        return pending[0] if pending else None

    def _empty(self, _frame: Frame) -> None:
        head = self._head()
        if head is not None and head.asked is _EXECUTE:
            self._pending.popleft()

    def _suspended(self, frame: Frame) -> None:
        self._succeeded(frame.first, frame.end, _NO_TAG)

    def _parsed(
        self, _data: bytes, _at: int, _after: int, _first: int, _end: int, _whole: bool
    ) -> None:
        pending = self._pending
        if pending and pending[0].asked is _PARSE:
            pending.popleft()

    def _closed(self, _frame: Frame) -> None:
        pending = self._pending
        if pending and pending[0].asked is _CLOSE:
            pending.popleft()

    def _failed(self, frame: Frame) -> None:
        fields = _error_fields(Fields(frame.body), whole=frame.whole)
        self._tell(
            Failed(
                first=frame.first,
                end=frame.end,
                severity=fields.get("V", fields.get("S", "")),
                sqlstate=fields.get("C", ""),
                message=fields.get("M", ""),
            )
        )
        session = self._session
        session.copying = None
        self._done.failed = True
        head = session.pending[0] if session.pending else None
        if head is None or head.asked in {_QUERY, _SYNC}:
            return
        for skipped in session.skip_to_sync():
            if skipped.number is not None:
                self._roll_back(frame.first, frame.end, skipped.number)

    def _roll_back(self, first: int, end: int, number: int) -> None:
        self._tell(RolledBack(first=first, end=end, number=number, writes=frozenset()))

    def _ready(self, data: bytes, at: int, after: int, first: int, end: int, _whole: bool) -> None:
        if after <= at:
            raise _malformed("Z", first)
        status = data[at]
        if status not in _STATUS:
            raise NotAMessage(first, "a transaction status that is none")
        if not self._terse:
            self._tell(Ready(first=first, end=end, status=_STATUS[status]))
        session, done, pending = self._session, self._done, self._pending
        number = self._end_batch()
        if status != _IDLE:
            done.in_block = True
            done.failed = status == _FAILED
            if number is not None and done.failed:
                self._roll_back(first, end, number)
        elif done.may_have_written or number is not None:
            how = _ROLLED_BACK if done.failed else _COMMITTED
            self._tell(_told(first, end, done.ended(how), number))
        elif done.in_block or done.failed or done.savepoints:
            done.reset()
        if not pending:
            session.asked.follow(done)
            if status == _IDLE and session.portals:
                session.portals.clear()

    def _end_batch(self) -> int | None:
        """Takes away what a ReadyForQuery answers: a Query or a Sync, and all before it. Returns
        the number of the commit that it asks for."""
        pending, session = self._pending, self._session
        while pending:
            found = pending.popleft()
            if found is session.copying:
                session.copying = None
            if found.asked in _ENDS_BATCH:
                return found.number
        return None

    @staticmethod
    def _take_number(pending: Pending | None) -> int | None:
        """The number of the commit that the request asks for; it is answered once."""
        if pending is None or pending.number is None:
            return None
        number, pending.number = pending.number, None
        return number

    def _copy(self, frame: Frame) -> None:
        mode = {ord("G"): "in", ord("H"): "out"}.get(frame.kind, "both")
        self._tell(CopyStarted(first=frame.first, end=frame.end, mode=mode))
        copying, session = self._session.copying, self._session
        if mode == "in" and copying is not None and copying is self._head():
            copying.is_copying = True
            session.forget_tentative(copying)
        if mode == "both":
            session.replication = self._replication()
            self._switch_rows(True)

    def _replication(self) -> Replication:
        """The stream that the running START_REPLICATION asked for."""
        head = self._head()
        asked = head.statements[0] if head is not None and head.statements else UNKNOWN
        is_pgoutput = "logical" in asked.options and "proto_version" in asked.options
        return Replication(slot=asked.name or "", is_pgoutput=is_pgoutput)

    def _called(self, frame: Frame) -> None:
        self._succeeded(frame.first, frame.end, _NO_TAG)

    def _notified(self, frame: Frame) -> None:
        fields = Fields(frame.body)
        self._tell(
            Notified(
                first=frame.first,
                end=frame.end,
                backend=fields.uint32(),
                channel=fields.text(),
                payload=fields.text(),
            )
        )

    def _key(self, frame: Frame) -> None:
        backend = Fields(frame.body).uint32()
        self._tell(BackendStarted(first=frame.first, end=frame.end, backend=backend))

    def _negotiated(self, frame: Frame) -> None:
        fields = Fields(frame.body)
        minor, count = fields.int32() & 0xFFFF, fields.int32()
        unknown = tuple(fields.text() for _ in range(min(count, _MOST_OPTIONS)))
        self._tell(
            VersionNegotiated(first=frame.first, end=frame.end, minor=minor, unknown=unknown)
        )


_NO_TAG = read_tag(b"")
_ENDS_BATCH = frozenset({_QUERY, _SYNC})


def _guarded(kind: str, read: Callable[[Frame], None]) -> Reader:
    """A reader of messages that are seldom sent. What is malformed is no message."""

    def guarded(frame: Frame) -> None:
        try:
            read(frame)
        except EndOfFields:
            raise _malformed(kind, frame.first) from None

    return framed(ord(kind), guarded)


def _malformed(kind: str, first: int) -> NotAMessage:
    return NotAMessage(first, f"a malformed message of type {kind}")


def _told(first: int, end: int, outcome: Outcome, number: int | None) -> FromServer:
    if outcome.end is _COMMITTED:
        return CommitAcknowledged(
            first=first,
            end=end,
            number=number,
            writes=outcome.writes,
            is_implicit=outcome.is_implicit,
            is_complete=outcome.is_complete,
            statements=outcome.statements,
        )
    if outcome.end is _ROLLED_BACK:
        return RolledBack(first=first, end=end, number=number, writes=outcome.writes)
    return TransactionPrepared(first=first, end=end, name=outcome.name, writes=outcome.writes)


def _error_fields(fields: Fields, *, whole: bool) -> dict[str, str]:
    """Code → value, of ErrorResponse; a part of them if it was too long to be kept."""
    found: dict[str, str] = {}
    try:
        while code := fields.byte():
            found[chr(code)] = fields.text()
    except EndOfFields:
        if whole:
            raise
    return found
