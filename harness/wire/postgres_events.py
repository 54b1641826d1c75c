"""What is told of a PostgreSQL connection: values with their place in the stream."""

from typing import ClassVar

from harness.wire.sql import Kind, Write
from harness.wire.stream import Direction, event


@event
class FromClient:
    """Read from the message at [first, end) of what the client sent."""

    direction: ClassVar[Direction] = Direction.CLIENT
    first: int
    end: int


@event
class FromServer:
    """Read from the message at [first, end) of what the server sent."""

    direction: ClassVar[Direction] = Direction.SERVER
    first: int
    end: int


@event
class EncryptionRequested(FromClient):
    """`ssl` or `gss`, asked for before the start."""

    method: str


@event
class EncryptionAnswered(FromServer):
    """After a yes nothing can be read any more."""

    accepted: bool


@event
class CancelRequested(FromClient):
    """On a connection of its own, for the backend that told `BackendStarted` this id."""

    backend: int


@event
class Started(FromClient):
    """The start-up message. Version as (major, minor)."""

    version: tuple[int, int]
    parameters: tuple[tuple[str, str], ...]

    def parameter(self, name: str) -> str | None:
        """A parameter's value, such as `application_name`'s or `replication`'s."""
        return next((value for key, value in self.parameters if key == name), None)


@event
class VersionNegotiated(FromServer):
    """The server speaks an older version than was asked for, or does not know some options."""

    minor: int
    unknown: tuple[str, ...]


@event
class BackendStarted(FromServer):
    """The process that serves this connection."""

    backend: int


@event
class Statement(FromClient):
    """One statement asked for: of a Query as many as it has, of an Execute one."""

    sql: str
    """As far as it was kept; empty if its text was never seen."""
    kind: Kind
    writes: tuple[Write, ...] = ()
    params: tuple[str | bytes | None, ...] = ()
    """Text-format values as text; binary ones as text if a Parse said that they are integers,
    UUIDs or strings, else as bytes. At most 16 KiB of each."""


@event
class CommitRequested(FromClient):
    """If this message reaches the server and nothing fails, the transaction will be committed.

    Until it does, no later than at this message's first byte, nothing is. Exactly one
    `CommitAcknowledged` or `RolledBack` with the same number follows, or the connection ends; a
    query that commits twice has one request and two answers, the second without a number. Where
    the text of a statement was not seen the request is a guess, and a wrong one has no answer.
    """

    number: int
    writes: frozenset[Write]
    is_implicit: bool
    """No COMMIT was sent: the statements commit by themselves."""
    statements: tuple[str, ...] = ()


@event
class CommitAcknowledged(FromServer):
    """The transaction is committed, and with this message the client knows it."""

    number: int | None
    """Of the request; None if none was recognised."""
    writes: frozenset[Write]
    is_implicit: bool
    is_complete: bool
    """Whether `writes` is all: False if the text of a statement that wrote was not seen."""
    statements: tuple[str, ...] = ()


@event
class RolledBack(FromServer):
    """The transaction came to nothing, whoever wanted that."""

    number: int | None
    writes: frozenset[Write]
    """What it would have written."""


@event
class TransactionPrepared(FromServer):
    """PREPARE TRANSACTION: durable, and not visible before COMMIT PREPARED."""

    name: str | None
    writes: frozenset[Write]


@event
class Completed(FromServer):
    """A statement came to its end; in an implicit transaction it is not committed yet."""

    tag: str
    rows: int | None


@event
class Failed(FromServer):
    """ErrorResponse."""

    severity: str
    sqlstate: str
    message: str


@event
class Ready(FromServer):
    """ReadyForQuery: `I` idle, `T` in a transaction, `E` in a failed one."""

    status: str


@event
class Notified(FromServer):
    """NotificationResponse, from the backend that sent NOTIFY."""

    backend: int
    channel: str
    payload: str


@event
class CopyStarted(FromServer):
    """`in`, `out` or `both`, as the server sees it."""

    mode: str


@event
class CopyEnded(FromClient):
    """The client has sent all rows, or has given up."""

    failed: bool


@event
class Terminated(FromClient):
    """The client says good-bye."""
