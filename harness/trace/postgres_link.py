"""A PostgreSQL connection as frames: statements, commits and their answers, and replication."""

from collections.abc import Callable
from typing import Any

from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.ledger import Link
from harness.trace.link import DIRECTIONS, LONGEST_NAME, lost
from harness.trace.replication_link import ReplicationReader
from harness.trace.state import State
from harness.trace.transaction_keys import NOTED, TransactionKeys
from harness.wire import postgres_events as events
from harness.wire.postgres import Event, PostgresConnection
from harness.wire.sql import Kind, Write
from harness.wire.stream import LostSync

_MOST_DETAILS = 1024


class PostgresReader:
    """One connection. With `terse`, what changes nothing is not told: statements that only read,
    the end of each statement, that the server is ready. Effects are the same."""

    __slots__ = (
        "__weakref__",
        "_commits",
        "_connection",
        "_keys",
        "_link",
        "_replication",
        "_state",
    )

    def __init__(self, link: Link, state: State, *, terse: bool = False) -> None:
        self._link = link
        self._state = state
        self._connection = PostgresConnection(terse=terse)
        self._keys = TransactionKeys(state)
        self._replication = ReplicationReader(link, state)
        self._commits: dict[int, Effect] = {}
        """By the number of the request, those without an answer."""

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        if direction is FROM_CLIENT or direction == FROM_CLIENT:
            found = self._connection.feed_client(data)
        else:
            found = self._connection.feed_server(data)
        return self._told(found) if found else []

    def boundary(self, direction: str) -> int:
        return self._connection.forwardable(DIRECTIONS[direction])

    def close(self, delivered: int | None = None) -> None:
        self._commits.clear()
        self._state.ledger.close(self._link, delivered)

    def forget(self) -> None:
        self._commits.clear()

    def _told(self, found: list[Event]) -> list[Frame]:
        """One frame for each message, whatever it says; one more for each further effect."""
        frames: list[Frame] = []
        for event in found:
            if isinstance(event, events.Completed):
                frames.append(Frame(FROM_SERVER, event.first, event.end, "completed", event.tag))
            elif isinstance(event, events.Ready):
                frames.append(Frame(FROM_SERVER, event.first, event.end, "ready", event.status))
            else:
                tell = _FRAMES.get(type(event), PostgresReader._streamed)
                frame = tell(self, event, frames)
                if frame is not None:
                    frames.append(frame)
        return frames

    # Each of these makes a frame, or, where the event is of the same message as the last frame,
    # changes that one and returns None.

    def _statement(self, event: events.Statement, frames: list[Frame]) -> Frame | None:
        sql, kind = event.sql, event.kind
        if len(sql) > LONGEST_NAME:
            sql = sql[:LONGEST_NAME]
        frame = Frame(FROM_CLIENT, event.first, event.end, "statement", sql)
        if event.writes or kind in NOTED:
            frame.keys = self._keys.note(event)
            if kind is Kind.REPLICATE:
                self._replication.asked(event.sql)
        if frames and frames[-1].first == event.first and frames[-1].kind == "statement":
            _join(frames[-1], frame)
            return None
        return frame

    def _commit(self, event: events.CommitRequested, frames: list[Frame]) -> Frame | None:
        keys = self._keys.end(event.writes)
        frame, made = frames[-1] if frames else None, None
        if frame is None or frame.first != event.first:
            frame = made = Frame(FROM_CLIENT, event.first, event.end, "commit")
        frame.kind, frame.keys = "commit", keys
        if not frame.name:
            frame.name = "; ".join(event.statements)[:LONGEST_NAME]
        if event.writes:
            effect = self._state.ledger.ask(
                self._link, event.end, EffectKind.COMMIT, detail(event.writes), keys
            )
            frame.effect, frame.outcome = effect, Outcome.REQUESTED
            self._commits[event.number] = effect
        return made

    def _ended(
        self, event: events.CommitAcknowledged | events.RolledBack, frames: list[Frame]
    ) -> Frame | None:
        """The answer to a commit, with the CommandComplete, ReadyForQuery or error that it is."""
        if isinstance(event, events.CommitAcknowledged):
            kind, outcome = "commit-acknowledged", Outcome.ACKNOWLEDGED
            said = "" if event.is_complete else "wrote what no statement says"
        else:
            kind, outcome, said = "rolled-back", Outcome.FAILED, ""
        effect = None if event.number is None else self._commits.pop(event.number, None)
        frame, made = frames[-1] if frames else None, None
        if frame is None or frame.first != event.first or frame.effect is not None:
            frame = made = Frame(FROM_SERVER, event.first, event.end, kind)
        frame.kind = kind
        if said:
            frame.name = f"{frame.name}: {said}" if frame.name else said
        if effect is not None:
            self._state.ledger.settle(effect, outcome)
            frame.effect, frame.outcome, frame.keys = effect, outcome, effect.keys
        return made

    def _prepared(self, event: events.TransactionPrepared, frames: list[Frame]) -> Frame | None:
        """The first of two phases is durable, and no commit yet."""
        if frames and frames[-1].first == event.first:
            frames[-1].kind = "prepared"
            return None
        return Frame(FROM_SERVER, event.first, event.end, "prepared", event.name or "")

    def _failed(self, event: events.Failed, _: list[Frame]) -> Frame:
        name = f"{event.severity}: {event.message}"[:LONGEST_NAME]
        return Frame(FROM_SERVER, event.first, event.end, "failed", name, error=event.sqlstate)

    def _streamed(self, event: events.FromClient | events.FromServer, _: list[Frame]) -> Frame:
        return self._replication.frame(event)

    def _lost(self, event: LostSync, _: list[Frame]) -> Frame:
        return lost(event)

    def _other(self, event: events.FromClient | events.FromServer, _: list[Frame]) -> Frame:
        kind, name = _OTHERS[type(event)]
        return Frame(
            event.direction.value, event.first, event.end, kind, name(event)[:LONGEST_NAME]
        )


def _join(frame: Frame, other: Frame) -> None:
    """Statements of one message."""
    frame.name = f"{frame.name}; {other.name}"[:LONGEST_NAME]
    if other.keys:
        frame.keys = tuple(sorted({*frame.keys, *other.keys}))


_details: dict[frozenset[Write], tuple[str, ...]] = {}


def detail(writes: frozenset[Write]) -> tuple[str, ...]:
    """What was written, as addresses have it: `orders:insert`, each."""
    found = _details.get(writes)
    if found is None:
        found = tuple(sorted(f"{write.table}:{write.operation.value}" for write in writes))
        if len(_details) >= _MOST_DETAILS:
            _details.clear()
        _details[writes] = found
    return found


_OTHERS: dict[type, tuple[str, Callable[[Any], str]]] = {
    events.Started: ("started", lambda e: " ".join(f"{k}={v}" for k, v in e.parameters)),
    events.BackendStarted: ("backend-started", lambda e: str(e.backend)),
    events.EncryptionRequested: ("encryption-requested", lambda e: e.method),
    events.EncryptionAnswered: ("encryption-answered", lambda e: "yes" if e.accepted else "no"),
    events.CancelRequested: ("cancel-requested", lambda e: str(e.backend)),
    events.VersionNegotiated: ("version-negotiated", lambda e: f"3.{e.minor}"),
    events.Notified: ("notified", lambda e: f"{e.channel}: {e.payload}"),
    events.CopyStarted: ("copy-started", lambda e: e.mode),
    events.CopyEnded: ("copy-ended", lambda e: "failed" if e.failed else ""),
    events.Terminated: ("terminated", lambda _: ""),
}
_FRAMES: dict[type, Callable[[PostgresReader, Any, list[Frame]], Frame | None]] = {
    events.Statement: PostgresReader._statement,  # noqa: SLF001 - the table of its own methods
    events.CommitRequested: PostgresReader._commit,  # noqa: SLF001
    events.CommitAcknowledged: PostgresReader._ended,  # noqa: SLF001
    events.RolledBack: PostgresReader._ended,  # noqa: SLF001
    events.TransactionPrepared: PostgresReader._prepared,  # noqa: SLF001
    events.Failed: PostgresReader._failed,  # noqa: SLF001
    LostSync: PostgresReader._lost,  # noqa: SLF001
    **dict.fromkeys(_OTHERS, PostgresReader._other),  # noqa: SLF001
}
