"""One PostgreSQL connection (protocol 3.0 to 3.2), told as events while its bytes pass.

Feed each direction's bytes in the order in which they came, a request before its answer. How
they are cut into chunks makes no difference, nothing raises, and memory does not grow with
messages. What can't be PostgreSQL in the clear is told once as `LostSync`; from there on bytes
are only counted.
"""

from collections.abc import Callable
from typing import TypeAlias

from harness.wire import postgres_backend, postgres_frontend
from harness.wire.postgres_events import (
    EncryptionAnswered,
    EncryptionRequested,
    FromClient,
    FromServer,
    Started,
)
from harness.wire.postgres_framing import Frame, Framing, NotAMessage, Phase
from harness.wire.postgres_session import Session
from harness.wire.stream import Direction, LostSync

Event: TypeAlias = FromClient | FromServer | LostSync


class PostgresConnection:
    """A parser of one connection, both directions."""

    __slots__ = ("_backend", "_client", "_events", "_frontend", "_lost_at", "_server", "_session")

    def __init__(self) -> None:
        self._session = Session()
        self._frontend = postgres_frontend.Frontend(self._session)
        self._backend = postgres_backend.Backend(self._session)
        self._client = Framing(known=postgres_frontend.TYPES, phase=Phase.UNTYPED)
        self._server = Framing(known=postgres_backend.TYPES, phase=Phase.TYPED)
        self._client.skimmed = postgres_frontend.SKIMMED
        self._server.skimmed = postgres_backend.SKIMMED
        self._events: list[Event] = []
        self._lost_at: int | None = None

    def feed_client(self, data: bytes) -> list[Event]:
        """What the messages say that end in these bytes of the client."""
        return self._feed(self._client, Direction.CLIENT, data, self._from_client)

    def feed_server(self, data: bytes) -> list[Event]:
        """What the messages say that end in these bytes of the server."""
        return self._feed(self._server, Direction.SERVER, data, self._from_server)

    def forwardable(self, direction: Direction) -> int:
        """Bytes of a direction that a tap may forward without regret, whatever comes next.

        Up to the message that has begun and is not all here; of one that is too big to be held,
        all but its last byte.
        """
        return self._framing(direction).forwardable

    @property
    def unparsed(self) -> int:
        """Bytes of both directions that passed after the loss of sync."""
        if self._lost_at is None:
            return 0
        return self._client.fed + self._server.fed - self._lost_at

    def _framing(self, direction: Direction) -> Framing:
        return self._client if direction is Direction.CLIENT else self._server

    def _feed(
        self, framing: Framing, direction: Direction, data: bytes, tell: Callable[[Frame], None]
    ) -> list[Event]:
        try:
            framing.feed(data, tell)
        except NotAMessage as reason:
            other = self._client.fed + self._server.fed - framing.fed
            self._lose(direction, reason.from_byte, str(reason), other)
        events, self._events = self._events, []
        return events

    def _lose(self, direction: Direction, from_byte: int, reason: str, other: int) -> None:
        self._lost_at = from_byte + other
        self._client.stop()
        self._server.stop()
        self._events.append(LostSync(direction=direction, from_byte=from_byte, reason=reason))

    def _from_client(self, frame: Frame) -> None:
        if frame.kind == 0:
            self._start(self._frontend.read_untyped(frame))
        else:
            self._events.extend(self._frontend.read(frame))

    def _start(self, event: FromClient) -> None:
        self._events.append(event)
        if isinstance(event, EncryptionRequested):
            self._server.phase = Phase.ANSWER
        elif isinstance(event, Started):
            self._client.phase = Phase.TYPED

    def _from_server(self, frame: Frame) -> None:
        if self._server.phase is Phase.ANSWER:
            self._answer(frame)
            return
        self._events.extend(self._backend.read(frame))
        if frame.kind in b"WCE":
            self._follow_replication()

    def _answer(self, frame: Frame) -> None:
        """The one byte after a request for encryption; a server that has none of it may fail."""
        self._server.phase = Phase.TYPED
        answer = chr(frame.kind)
        if answer in "SGN":
            accepted = answer != "N"
            self._events.append(
                EncryptionAnswered(first=frame.first, end=frame.end, accepted=accepted)
            )
            if accepted:
                self._lose(Direction.SERVER, frame.end, "encrypted from here", self._client.fed)
        elif answer != "E":
            raise NotAMessage(frame.first, "no answer to a request for encryption")

    def _follow_replication(self) -> None:
        """Rows of a COPY are only read while they are a replication stream."""
        rows = frozenset(b"d") if self._session.replication is not None else frozenset(b"")
        self._client.skimmed = postgres_frontend.SKIMMED - rows
        self._server.skimmed = postgres_backend.SKIMMED - rows
