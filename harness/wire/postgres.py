"""One PostgreSQL connection (protocol 3.0 to 3.2), told as events while its bytes pass.

Feed each direction's bytes in the order in which they came, a request before its answer. How
they are cut into chunks makes no difference, nothing raises, and memory does not grow with
messages. What can't be PostgreSQL in the clear is told once as `LostSync`; from there on bytes
are only counted.
"""

from typing import TypeAlias

from harness.wire import postgres_backend, postgres_frontend
from harness.wire.postgres_events import (
    EncryptionAnswered,
    EncryptionRequested,
    FromClient,
    FromServer,
    Started,
)
from harness.wire.postgres_framing import (
    ANSWER,
    UNTYPED,
    Frame,
    Framing,
    NotAMessage,
    Phase,
    framed,
)
from harness.wire.postgres_session import Session
from harness.wire.postgres_startup import first_message
from harness.wire.stream import Direction, LostSync

Event: TypeAlias = FromClient | FromServer | LostSync

_ROW = ord("d")


class PostgresConnection:
    """A parser of one connection, both directions.

    With `terse` nothing is told of what changes nothing: no Statement that only reads, sets or
    begins, no Completed, no Ready.
    """

    __slots__ = ("_backend", "_client", "_events", "_frontend", "_lost_at", "_server")

    def __init__(self, *, terse: bool = False) -> None:
        self._events: list[Event] = []
        session, tell = Session(), self._events.append
        self._frontend = postgres_frontend.Frontend(session, tell, terse=terse)
        self._backend = postgres_backend.Backend(session, tell, self._switch_rows, terse=terse)
        self._client = Framing(
            {**self._frontend.readers, UNTYPED: framed(UNTYPED, self._start)},
            postgres_frontend.SKIMMED,
            Phase.UNTYPED,
        )
        answer = framed(ANSWER, self._answer)
        self._server = Framing(
            {**self._backend.readers, ANSWER: answer, UNTYPED: answer},
            postgres_backend.SKIMMED,
            Phase.TYPED,
        )
        self._lost_at: int | None = None

    def feed_client(self, data: bytes) -> list[Event]:
        """What the messages say that end in these bytes of the client."""
        try:
            self._client.feed(data)
        except NotAMessage as reason:
            self._lose(Direction.CLIENT, reason.from_byte, str(reason), self._server.fed)
        return self._told() if self._events else []

    def feed_server(self, data: bytes) -> list[Event]:
        """What the messages say that end in these bytes of the server."""
        try:
            self._server.feed(data)
        except NotAMessage as reason:
            self._lose(Direction.SERVER, reason.from_byte, str(reason), self._client.fed)
        return self._told() if self._events else []

    def forwardable(self, direction: Direction) -> int:
        """Bytes of a direction that a tap may forward without regret, whatever comes next.

        Up to the message that has begun and is not all here; of one that is too big to be held,
        all but its last byte.
        """
        framing = self._client if direction is Direction.CLIENT else self._server
        return framing.fed if framing.between else framing.forwardable

    @property
    def unparsed(self) -> int:
        """Bytes of both directions that passed after the loss of sync."""
        if self._lost_at is None:
            return 0
        return self._client.fed + self._server.fed - self._lost_at

    def _told(self) -> list[Event]:
        """What was told, in a list of the caller's own: the readers keep theirs."""
        events = self._events.copy()
        self._events.clear()
        return events

    def _lose(self, direction: Direction, from_byte: int, reason: str, other: int) -> None:
        self._lost_at = from_byte + other
        self._client.stop()
        self._server.stop()
        self._events.append(LostSync(direction=direction, from_byte=from_byte, reason=reason))

    def _start(self, frame: Frame) -> None:
        event = first_message(frame)
        self._events.append(event)
        if isinstance(event, EncryptionRequested):
            self._server.phase = Phase.ANSWER
        elif isinstance(event, Started):
            self._client.phase = Phase.TYPED

    def _answer(self, frame: Frame) -> None:
        """The one byte after a request for encryption; a server that has none of it may fail."""
        self._server.phase = Phase.TYPED
        answer = frame.body[:1] if frame.kind == ANSWER else b""
        if answer in {b"S", b"G", b"N"}:
            accepted = answer != b"N"
            self._events.append(
                EncryptionAnswered(first=frame.first, end=frame.end, accepted=accepted)
            )
            if accepted:
                self._lose(Direction.SERVER, frame.end, "encrypted from here", self._client.fed)
        elif answer != b"E":
            raise NotAMessage(frame.first, "no answer to a request for encryption")

    def _switch_rows(self, read: bool) -> None:
        """Rows of a COPY are only read while they are a replication stream."""
        for framing, reader in (
            (self._client, self._frontend.read_row),
            (self._server, self._backend.read_row),
        ):
            framing.readers[_ROW] = framed(_ROW, reader) if read else None
