"""What the client of a PostgreSQL connection says, and which of its messages will commit."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from harness.wire.fields import EndOfFields, Fields, decoded
from harness.wire.postgres_events import (
    CancelRequested,
    CommitRequested,
    CopyEnded,
    EncryptionRequested,
    FromClient,
    Started,
    Statement,
    Terminated,
)
from harness.wire.postgres_framing import Frame, NotAMessage
from harness.wire.postgres_session import (
    MOST_PENDING,
    Asked,
    Pending,
    Portal,
    Session,
    remember,
    shortened,
)
from harness.wire.postgres_transaction import End, Outcome
from harness.wire.sql import UNKNOWN, Kind, Recognised, recognise, recognise_one

TYPES = b"BCDEFHPQSXcdfp"
SKIMMED = frozenset(b"DHdp")
"""Describe, Flush, rows of a COPY, and passwords, which are never kept."""

# protocol.sgml, "Message Formats"
_CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104
_LONGEST_PARAM = 1024
_MOST_PARAMETERS = 64
_MOST_PENDING_QUERIES = 1024
"""With many statements each."""


class Frontend:
    """Reads the client's messages into events and into the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, frame: Frame) -> Iterator[FromClient]:
        """One typed message. What is malformed is no message."""
        try:
            reader = _READERS.get(frame.kind)
            if reader is not None:
                yield from reader(self, frame)
        except EndOfFields:
            if frame.whole:
                reason = f"a malformed message of type {chr(frame.kind)}"
                raise NotAMessage(frame.first, reason) from None
            self._misread(frame)
        self._check_memory(frame)

    def _check_memory(self, frame: Frame) -> None:
        """Whoever never waits for an answer is not followed for ever."""
        pending = self._session.pending
        most = MOST_PENDING
        if pending and len(pending[-1].statements) > 1:
            most = _MOST_PENDING_QUERIES
        if len(pending) > most:
            raise NotAMessage(frame.end, f"more than {most} messages await an answer")

    def read_untyped(self, frame: Frame) -> FromClient:
        """The first message, and each until the start."""
        fields = Fields(frame.body)
        try:
            return _first_message(frame, fields)
        except EndOfFields:
            raise NotAMessage(frame.first, "a malformed start-up message") from None

    def _misread(self, frame: Frame) -> None:
        """A message whose names are too long to be kept still has an answer."""
        if frame.kind == ord("E"):
            self._session.pending.append(Pending(asked=Asked.EXECUTE, statements=(UNKNOWN,)))
            self._session.asked.apply(UNKNOWN)

    def _query(self, frame: Frame) -> Iterator[FromClient]:
        text = _text(frame)
        statements = tuple(self._meant(s) for s in recognise(text))
        pending = Pending(asked=Asked.QUERY, statements=tuple(map(shortened, statements)))
        commit: Outcome | None = None
        for statement in statements:
            yield _statement(frame, statement)
            commit = _joined(commit, self._foreseen(statement))
            pending.copies += statement.from_client
        asked = self._session.asked
        if not frame.whole:
            asked.apply(UNKNOWN)
        if not asked.in_block and asked.may_have_written:
            commit = _joined(commit, asked.ended(End.COMMITTED))
        self._session.pending.append(pending)
        if pending.copies:
            pending.commit, self._session.copying = commit, pending
        elif commit is not None:
            yield self._commit(frame, pending, commit)

    def _call(self, frame: Frame) -> Iterator[FromClient]:
        """FunctionCall: what it does is not in it."""
        pending = Pending(asked=Asked.QUERY, statements=(replace(UNKNOWN, kind=Kind.CALL),))
        self._session.pending.append(pending)
        asked = self._session.asked
        yield _statement(frame, pending.statements[0])
        asked.apply(pending.statements[0])
        if not asked.in_block:
            yield self._commit(frame, pending, asked.ended(End.COMMITTED))

    def _parse(self, frame: Frame) -> Iterator[FromClient]:
        fields = Fields(frame.body)
        name = fields.text()
        try:
            text = fields.text()
        except EndOfFields:
            if frame.whole:
                raise
            text = decoded(fields.rest())
        statement = recognise_one(text)
        session = self._session
        session.pending.append(
            Pending(
                asked=Asked.PARSE,
                name=name,
                statements=(statement,),
                replaced=session.prepared.get(name),
            )
        )
        remember(session.prepared, name, statement)
        return iter(())

    def _bind(self, frame: Frame) -> Iterator[FromClient]:
        fields = Fields(frame.body)
        portal, name = fields.text(), fields.text()
        params = tuple(_params(fields, frame))
        statement = self._session.prepared.get(name, UNKNOWN)
        remember(self._session.portals, portal, Portal(statement=statement, params=params))
        return iter(())

    def _close(self, frame: Frame) -> Iterator[FromClient]:
        fields = Fields(frame.body)
        what, name = fields.byte(), fields.text()
        pending = Pending(asked=Asked.CLOSE, name=name)
        if what == ord("S"):
            pending.replaced = self._session.prepared.pop(name, None)
        else:
            self._session.portals.pop(name, None)
        self._session.pending.append(pending)
        return iter(())

    def _execute(self, frame: Frame) -> Iterator[FromClient]:
        name = Fields(frame.body).text()
        portal = self._session.portals.get(name) or Portal(statement=UNKNOWN)
        statement = self._meant(portal.statement)
        yield _statement(frame, statement, portal.params)
        pending = Pending(asked=Asked.EXECUTE, statements=(statement,))
        self._session.pending.append(pending)
        if statement.from_client:
            pending.copies, self._session.copying = 1, pending
        commit = self._foreseen(statement)
        if commit is not None:
            yield self._commit(frame, pending, commit)

    def _sync(self, frame: Frame) -> Iterator[FromClient]:
        session, copying = self._session, self._session.copying
        if copying is not None and copying.is_copying:
            return
        pending = Pending(asked=Asked.SYNC, is_tentative=copying is not None)
        session.pending.append(pending)
        asked = session.asked
        if copying is None and not asked.in_block and asked.may_have_written:
            yield self._commit(frame, pending, asked.ended(End.COMMITTED))

    def _copy_data(self, frame: Frame) -> Iterator[FromClient]:
        replication = self._session.replication
        return iter(()) if replication is None else replication.client(frame)

    def _copy_done(self, frame: Frame) -> Iterator[FromClient]:
        yield CopyEnded(first=frame.first, end=frame.end, failed=False)
        copying = self._session.copying
        if copying is None:
            return
        copying.copies -= 1
        copying.is_copying = False
        self._session.forget_tentative(copying)
        if copying.copies == 0:
            self._session.copying = None
            if copying.commit is not None:
                yield self._commit(frame, copying, copying.commit)

    def _copy_fail(self, frame: Frame) -> Iterator[FromClient]:
        yield CopyEnded(first=frame.first, end=frame.end, failed=True)
        copying = self._session.copying
        if copying is not None:
            self._session.forget_tentative(copying)
            self._session.copying = None

    def _terminate(self, frame: Frame) -> Iterator[FromClient]:
        yield Terminated(first=frame.first, end=frame.end)

    def _meant(self, statement: Recognised) -> Recognised:
        """EXECUTE is what was prepared under the name; PREPARE is remembered."""
        name = statement.name or ""
        if statement.kind is Kind.PREPARE and statement.inner is not None:
            remember(self._session.sql_prepared, name, statement.inner)
        if statement.kind is Kind.EXECUTE and name in self._session.sql_prepared:
            inner = self._session.sql_prepared[name]
            return replace(statement, kind=inner.kind, writes=inner.writes)
        return statement

    def _foreseen(self, statement: Recognised) -> Outcome | None:
        """The commit that this statement will be, if all goes well."""
        outcome = self._session.asked.apply(statement)
        return outcome if outcome is not None and outcome.end is End.COMMITTED else None

    def _commit(self, frame: Frame, pending: Pending, commit: Outcome) -> CommitRequested:
        pending.number = self._session.next_number()
        return CommitRequested(
            first=frame.first,
            end=frame.end,
            number=pending.number,
            writes=commit.writes,
            is_implicit=commit.is_implicit,
            statements=commit.statements,
        )


def _first_message(frame: Frame, fields: Fields) -> FromClient:
    code = fields.int32()
    if code in {_SSL, _GSS}:
        method = "ssl" if code == _SSL else "gss"
        return EncryptionRequested(first=frame.first, end=frame.end, method=method)
    if code == _CANCEL:
        return CancelRequested(first=frame.first, end=frame.end, backend=fields.uint32())
    if code >> 16 != 3:
        reason = f"no PostgreSQL protocol that is known: 0x{code & 0xFFFFFFFF:08x}"
        raise NotAMessage(frame.first, reason)
    parameters: list[tuple[str, str]] = []
    while fields.left > 1 and len(parameters) < _MOST_PARAMETERS:
        parameters.append((fields.text(), fields.text()))
    return Started(
        first=frame.first,
        end=frame.end,
        version=(code >> 16, code & 0xFFFF),
        parameters=tuple(parameters),
    )


def _text(frame: Frame) -> str:
    """A query's text."""
    if not frame.whole:
        return decoded(frame.body)
    return Fields(frame.body).text()


def _params(fields: Fields, frame: Frame) -> Iterator[str | bytes | None]:
    """Parameters of a Bind; those that were not kept are left out."""
    try:
        formats = [fields.int16() for _ in range(fields.int16())]
        for i in range(fields.int16()):
            form = formats[i] if len(formats) > 1 and i < len(formats) else (formats or [0])[0]
            size = fields.int32()
            if size < 0:
                yield None
                continue
            value = fields.take(size)[:_LONGEST_PARAM]
            yield decoded(value) if form == 0 else value
    except EndOfFields:
        if frame.whole:
            raise


def _statement(
    frame: Frame, statement: Recognised, params: tuple[str | bytes | None, ...] = ()
) -> Statement:
    return Statement(
        first=frame.first,
        end=frame.end,
        sql=statement.sql,
        kind=statement.kind,
        writes=statement.writes,
        params=params,
    )


def _joined(one: Outcome | None, other: Outcome | None) -> Outcome | None:
    """Two commits that one message asks for."""
    if one is None or other is None:
        return one or other
    return replace(
        one,
        writes=one.writes | other.writes,
        statements=one.statements + other.statements,
        is_implicit=one.is_implicit and other.is_implicit,
    )


_READERS: dict[int, Callable[[Frontend, Frame], Iterator[FromClient]]] = {
    ord("Q"): Frontend._query,  # noqa: SLF001 - the table of its own methods
    ord("F"): Frontend._call,  # noqa: SLF001
    ord("P"): Frontend._parse,  # noqa: SLF001
    ord("B"): Frontend._bind,  # noqa: SLF001
    ord("C"): Frontend._close,  # noqa: SLF001
    ord("E"): Frontend._execute,  # noqa: SLF001
    ord("S"): Frontend._sync,  # noqa: SLF001
    ord("d"): Frontend._copy_data,  # noqa: SLF001
    ord("c"): Frontend._copy_done,  # noqa: SLF001
    ord("f"): Frontend._copy_fail,  # noqa: SLF001
    ord("X"): Frontend._terminate,  # noqa: SLF001
}
