"""Frames: what passed on a link, message by message, with what it means."""

from dataclasses import KW_ONLY, dataclass

from harness.model.effect import Effect, Outcome

FROM_CLIENT = "client"
FROM_SERVER = "server"


@dataclass(slots=True)
class Frame:
    """One message, or a change of the connection. Mutable: a tap fills in what only it knows.

    A plain class without freezing, and its first fields by position, because one is made for every
    message that passes: by keyword it takes twice as long.
    """

    direction: str
    """Who sent it: FROM_CLIENT or FROM_SERVER."""
    first: int
    """Where the message begins in its direction's stream of bytes, counted from 0."""
    end: int
    kind: str
    """`commit`, `commit-acknowledged`, `statement`, `produce`, `fetch`, `open`, `lost-sync`, …"""
    name: str = ""
    """For people: the statement, the API and its version, method and path."""
    _: KW_ONLY
    keys: tuple[str, ...] = ()
    effect: Effect | None = None
    """The effect that this asks for, or, in an answer, whose answer it is."""
    outcome: Outcome | None = None
    """What it says of `effect`; REQUESTED in the request itself."""
    xid: int | None = None
    lsn: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    error: str | None = None
    """SQLSTATE, Kafka's error code, the reason why sync was lost."""
