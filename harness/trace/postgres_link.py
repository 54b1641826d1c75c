"""A PostgreSQL connection as frames: statements, commits and their answers, and replication."""

from collections.abc import Callable
from typing import Any

from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.ledger import Asked, Link
from harness.trace.link import DIRECTIONS, LONGEST_NAME, lost
from harness.trace.replication_link import ReplicationReader
from harness.trace.state import State
from harness.trace.transaction_keys import TransactionKeys
from harness.wire import postgres_events as events
from harness.wire.postgres import Event, PostgresConnection
from harness.wire.sql import Write
from harness.wire.stream import LostSync

_MOST_DETAILS = 1024


class PostgresReader:
    """One connection."""

    __slots__ = (
        "__weakref__",
        "_commits",
        "_connection",
        "_keys",
        "_link",
        "_replication",
        "_state",
    )

    def __init__(self, link: Link, state: State) -> None:
        self._link = link
        self._state = state
        self._connection = PostgresConnection()
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
        last: Frame | None = None
        for event in found:
            tell = _FRAMES.get(type(event), PostgresReader._streamed)
            frame = tell(self, event, last)
            if frame is not None:
                frames.append(frame)
                last = frame
        return frames

    # Each of these makes a frame, or, where the event is of the same message as the last frame,
    # changes that one and returns None.

    def _statement(self, event: events.Statement, last: Frame | None) -> Frame | None:
        sql = event.sql
        name = sql if len(sql) <= LONGEST_NAME else sql[:LONGEST_NAME]
        keys = self._keys.note(event) if event.writes or event.kind in TransactionKeys.KINDS else ()
        if event.kind is TransactionKeys.REPLICATE:
            self._replication.asked(sql)
        if last is not None and last.first == event.first and last.kind == "statement":
            last.name = f"{last.name}; {name}"[:LONGEST_NAME]
            if keys:
                last.keys = tuple(sorted({*last.keys, *keys}))
            return None
        return Frame(
            direction=FROM_CLIENT,
            first=event.first,
            end=event.end,
            kind="statement",
            name=name,
            keys=keys,
        )

    def _commit(self, event: events.CommitRequested, last: Frame | None) -> Frame | None:
        keys = self._keys.end(event.writes)
        frame = last if last is not None and last.first == event.first else None
        made = None
        if frame is None:
            name = "; ".join(event.statements)[:LONGEST_NAME]
            frame = made = Frame(
                direction=FROM_CLIENT, first=event.first, end=event.end, kind="commit", name=name
            )
        frame.kind, frame.keys = "commit", keys
        if event.writes:
            asked = Asked(
                kind=EffectKind.COMMIT, detail=detail(event.writes), keys=keys, end=event.end
            )
            effect = self._state.ledger.ask(self._link, asked)
            frame.effect, frame.outcome = effect, Outcome.REQUESTED
            self._commits[event.number] = effect
        return made

    def _ended(
        self, event: events.CommitAcknowledged | events.RolledBack, last: Frame | None
    ) -> Frame | None:
        """The answer to a commit, with the CommandComplete, ReadyForQuery or error that it is."""
        acknowledged = type(event) is events.CommitAcknowledged
        kind = "commit-acknowledged" if acknowledged else "rolled-back"
        outcome = Outcome.ACKNOWLEDGED if acknowledged else Outcome.FAILED
        effect = self._commits.pop(event.number, None) if event.number is not None else None
        if effect is not None:
            self._state.ledger.settle(effect, outcome)
        frame, made = last, None
        if frame is None or frame.first != event.first or frame.effect is not None:
            frame = made = Frame(direction=FROM_SERVER, first=event.first, end=event.end, kind=kind)
        frame.kind = kind
        if effect is not None:
            frame.effect, frame.outcome, frame.keys = effect, outcome, effect.keys
        if isinstance(event, events.CommitAcknowledged) and not event.is_complete:
            frame.name = f"{frame.name} (wrote what no statement says)"
        return made

    def _completed(self, event: events.Completed, _: Frame | None) -> Frame:
        return Frame(
            direction=FROM_SERVER,
            first=event.first,
            end=event.end,
            kind="completed",
            name=event.tag,
        )

    def _ready(self, event: events.Ready, _: Frame | None) -> Frame:
        return Frame(
            direction=FROM_SERVER, first=event.first, end=event.end, kind="ready", name=event.status
        )

    def _failed(self, event: events.Failed, _: Frame | None) -> Frame:
        return Frame(
            direction=FROM_SERVER,
            first=event.first,
            end=event.end,
            kind="failed",
            name=f"{event.severity}: {event.message}"[:LONGEST_NAME],
            error=event.sqlstate,
        )

    def _streamed(self, event: events.FromClient | events.FromServer, _: Frame | None) -> Frame:
        return self._replication.frame(event)

    def _lost(self, event: LostSync, _: Frame | None) -> Frame:
        return lost(event)

    def _other(self, event: events.FromClient | events.FromServer, _: Frame | None) -> Frame:
        kind, name = _OTHERS[type(event)]
        return Frame(
            direction=event.direction.value,
            first=event.first,
            end=event.end,
            kind=kind,
            name=name(event)[:LONGEST_NAME],
        )


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
    events.TransactionPrepared: ("prepared", lambda e: e.name or ""),
    events.Notified: ("notified", lambda e: f"{e.channel}: {e.payload}"),
    events.CopyStarted: ("copy-started", lambda e: e.mode),
    events.CopyEnded: ("copy-ended", lambda e: "failed" if e.failed else ""),
    events.Terminated: ("terminated", lambda _: ""),
}
_FRAMES: dict[type, Callable[[PostgresReader, Any, Frame | None], Frame | None]] = {
    events.Statement: PostgresReader._statement,  # noqa: SLF001 - the table of its own methods
    events.CommitRequested: PostgresReader._commit,  # noqa: SLF001
    events.CommitAcknowledged: PostgresReader._ended,  # noqa: SLF001
    events.RolledBack: PostgresReader._ended,  # noqa: SLF001
    events.Completed: PostgresReader._completed,  # noqa: SLF001
    events.Ready: PostgresReader._ready,  # noqa: SLF001
    events.Failed: PostgresReader._failed,  # noqa: SLF001
    LostSync: PostgresReader._lost,  # noqa: SLF001
    **dict.fromkeys(_OTHERS, PostgresReader._other),  # noqa: SLF001
}
