"""Questions to the running system's stores, as a suite declares them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreQuery:
    """A question to one database of the running system."""

    name: str
    node: str
    database: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedChanges:
    """The committed transactions that changed a table, by their ids, as the server's write-ahead
    log has them: what a query can't tell, because rows go and are written over."""

    name: str
    node: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Events that must be in a topic before the system is at rest: those `events`
    names.

    For a publisher that gives no other sign of being behind, such as a connector whose producer
    is waiting to dial a broker again.
    """

    events: StoreQuery | LoggedChanges
    """SELECT of one column: the events' ids; or the transactions that are to be told of."""
    topic: str
    header: str | None = None
    """The record header that holds the id; None: the record key does."""
