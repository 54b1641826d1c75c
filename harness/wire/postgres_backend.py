"""What the server of a PostgreSQL connection answers, and what that says of transactions.

An explicit COMMIT is acknowledged by its CommandComplete. A statement outside a block is not: in
the extended protocol its CommandComplete is sent before the commit, so only ReadyForQuery counts.
"""

from collections.abc import Callable, Iterator

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
from harness.wire.postgres_framing import Frame, NotAMessage
from harness.wire.postgres_session import Asked, Pending, Session, remember
from harness.wire.postgres_transaction import End, Outcome, as_completed, rows
from harness.wire.replication import Replication
from harness.wire.sql import UNKNOWN, Kind, Recognised

TYPES = b"123ACDEGHIKNRSTVWZcdnstv"
SKIMMED = frozenset(b"2DNRSTcdnt")
"""Rows, their descriptions, notices, parameters of the server."""

_MOST_OPTIONS = 64


class Backend:
    """Reads the server's messages into events and into the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, frame: Frame) -> Iterator[FromServer]:
        """One message. What is malformed is no message."""
        reader = _READERS.get(frame.kind)
        if reader is None:
            return
        try:
            yield from reader(self, frame)
        except EndOfFields:
            reason = f"a malformed message of type {chr(frame.kind)}"
            raise NotAMessage(frame.first, reason) from None

    def _complete(self, frame: Frame) -> Iterator[FromServer]:
        tag = Fields(frame.body).text()
        yield Completed(first=frame.first, end=frame.end, tag=tag, rows=rows(tag))
        yield from self._succeeded(frame, tag)

    def _succeeded(self, frame: Frame, tag: str) -> Iterator[FromServer]:
        """The statement that is being answered came to its end."""
        pending, statement = self._answered()
        outcome = self._session.done.apply(as_completed(statement, tag))
        if outcome is not None:
            yield _told(frame, outcome, self._take_number(pending))
            if outcome.end is End.PREPARED:
                remember(self._session.two_phase, outcome.name or "", outcome.writes)
            elif outcome.name is not None:
                self._session.two_phase.pop(outcome.name, None)
        if statement.kind is Kind.REPLICATE:
            self._session.replication = None

    def _answered(self) -> tuple[Pending | None, Recognised]:
        """The request that is being answered, and which of its statements."""
        pending = self._head()
        if pending is None or pending.asked is Asked.SYNC:
            return None, UNKNOWN
        at, pending.answered = pending.answered, pending.answered + 1
        if pending.asked is Asked.EXECUTE:
            self._session.pending.popleft()
        if at < len(pending.statements):
            return pending, pending.statements[at]
        # A replication stream is completed twice: as a COPY and as a command.
        ended = pending.statements[-1:]
        return pending, ended[0] if ended and ended[0].kind is Kind.REPLICATE else UNKNOWN

    def _head(self) -> Pending | None:
        """The first request that a statement's end can answer."""
        pending = self._session.pending
        while pending and pending[0].asked in {Asked.PARSE, Asked.CLOSE}:
            pending.popleft()
        return pending[0] if pending else None

    def _empty(self, _frame: Frame) -> Iterator[FromServer]:
        head = self._head()
        if head is not None and head.asked is Asked.EXECUTE:
            self._session.pending.popleft()
        return iter(())

    def _suspended(self, frame: Frame) -> Iterator[FromServer]:
        return self._succeeded(frame, "")

    def _acknowledged(self, frame: Frame) -> Iterator[FromServer]:
        """ParseComplete, CloseComplete."""
        pending = self._session.pending
        expected = Asked.PARSE if frame.kind == ord("1") else Asked.CLOSE
        if pending and pending[0].asked is expected:
            pending.popleft()
        return iter(())

    def _failed(self, frame: Frame) -> Iterator[FromServer]:
        fields = _error_fields(Fields(frame.body), whole=frame.whole)
        yield Failed(
            first=frame.first,
            end=frame.end,
            severity=fields.get("V", fields.get("S", "")),
            sqlstate=fields.get("C", ""),
            message=fields.get("M", ""),
        )
        session = self._session
        session.copying = None
        session.done.failed = True
        head = session.pending[0] if session.pending else None
        if head is None or head.asked in {Asked.QUERY, Asked.SYNC}:
            return
        for skipped in session.skip_to_sync():
            if skipped.number is not None:
                yield RolledBack(
                    first=frame.first, end=frame.end, number=skipped.number, writes=frozenset()
                )

    def _ready(self, frame: Frame) -> Iterator[FromServer]:
        status = chr(Fields(frame.body).byte())
        if status not in "ITE":
            raise NotAMessage(frame.first, "a transaction status that is none")
        yield Ready(first=frame.first, end=frame.end, status=status)
        session = self._session
        number = self._take_number(self._pop_batch())
        if status == "I":
            yield from self._idle(frame, number)
        else:
            session.done.in_block = True
            session.done.failed = status == "E"
            if number is not None and status == "E":
                yield RolledBack(
                    first=frame.first, end=frame.end, number=number, writes=frozenset()
                )
        if not session.pending:
            session.asked.follow(session.done)
            if status == "I":
                session.portals.clear()

    def _idle(self, frame: Frame, number: int | None) -> Iterator[FromServer]:
        """The transaction that no statement ended has ended now."""
        done = self._session.done
        if done.may_have_written or number is not None:
            end = End.ROLLED_BACK if done.failed else End.COMMITTED
            yield _told(frame, done.ended(end), number)
        done.reset()

    def _pop_batch(self) -> Pending | None:
        """What a ReadyForQuery answers: a Query or a Sync, and all before it."""
        pending = self._session.pending
        while pending:
            found = pending.popleft()
            if found is self._session.copying:
                self._session.copying = None
            if found.asked in {Asked.QUERY, Asked.SYNC}:
                return found
        return None

    @staticmethod
    def _take_number(pending: Pending | None) -> int | None:
        """The number of the commit that the request asks for; it is answered once."""
        if pending is None:
            return None
        number, pending.number = pending.number, None
        return number

    def _copy(self, frame: Frame) -> Iterator[FromServer]:
        mode = {ord("G"): "in", ord("H"): "out"}.get(frame.kind, "both")
        yield CopyStarted(first=frame.first, end=frame.end, mode=mode)
        copying, session = self._session.copying, self._session
        if mode == "in" and copying is not None and copying is self._head():
            copying.is_copying = True
            session.forget_tentative(copying)
        if mode == "both":
            session.replication = self._replication()

    def _replication(self) -> Replication:
        """The stream that the running START_REPLICATION asked for."""
        head = self._head()
        asked = head.statements[0] if head is not None and head.statements else UNKNOWN
        is_pgoutput = "logical" in asked.options and "proto_version" in asked.options
        return Replication(slot=asked.name or "", is_pgoutput=is_pgoutput)

    def _copy_data(self, frame: Frame) -> Iterator[FromServer]:
        replication = self._session.replication
        return iter(()) if replication is None else replication.server(frame)

    def _called(self, frame: Frame) -> Iterator[FromServer]:
        return self._succeeded(frame, "")

    def _notified(self, frame: Frame) -> Iterator[FromServer]:
        fields = Fields(frame.body)
        yield Notified(
            first=frame.first,
            end=frame.end,
            backend=fields.uint32(),
            channel=fields.text(),
            payload=fields.text(),
        )

    def _key(self, frame: Frame) -> Iterator[FromServer]:
        backend = Fields(frame.body).uint32()
        yield BackendStarted(first=frame.first, end=frame.end, backend=backend)

    def _negotiated(self, frame: Frame) -> Iterator[FromServer]:
        fields = Fields(frame.body)
        minor, count = fields.int32() & 0xFFFF, fields.int32()
        unknown = tuple(fields.text() for _ in range(min(count, _MOST_OPTIONS)))
        yield VersionNegotiated(first=frame.first, end=frame.end, minor=minor, unknown=unknown)


def _told(frame: Frame, outcome: Outcome, number: int | None) -> FromServer:
    match outcome.end:
        case End.COMMITTED:
            return CommitAcknowledged(
                first=frame.first,
                end=frame.end,
                number=number,
                writes=outcome.writes,
                is_implicit=outcome.is_implicit,
                is_complete=outcome.is_complete,
                statements=outcome.statements,
            )
        case End.ROLLED_BACK:
            return RolledBack(
                first=frame.first, end=frame.end, number=number, writes=outcome.writes
            )
        case End.PREPARED:
            return TransactionPrepared(
                first=frame.first, end=frame.end, name=outcome.name, writes=outcome.writes
            )


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


_READERS: dict[int, Callable[[Backend, Frame], Iterator[FromServer]]] = {
    ord("1"): Backend._acknowledged,  # noqa: SLF001 - the table of its own methods
    ord("3"): Backend._acknowledged,  # noqa: SLF001
    ord("A"): Backend._notified,  # noqa: SLF001
    ord("C"): Backend._complete,  # noqa: SLF001
    ord("E"): Backend._failed,  # noqa: SLF001
    ord("G"): Backend._copy,  # noqa: SLF001
    ord("H"): Backend._copy,  # noqa: SLF001
    ord("I"): Backend._empty,  # noqa: SLF001
    ord("K"): Backend._key,  # noqa: SLF001
    ord("V"): Backend._called,  # noqa: SLF001
    ord("W"): Backend._copy,  # noqa: SLF001
    ord("Z"): Backend._ready,  # noqa: SLF001
    ord("d"): Backend._copy_data,  # noqa: SLF001
    ord("s"): Backend._suspended,  # noqa: SLF001
    ord("v"): Backend._negotiated,  # noqa: SLF001
}
