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
class Published:
    """Events that must be in a topic before the system is at rest: those the query names.

    For a publisher that gives no other sign of being behind, such as a connector whose producer
    is waiting to dial a broker again.
    """

    events: StoreQuery
    """SELECT of one column: the events' ids."""
    topic: str
    header: str | None = None
    """The record header that holds the id; None: the record key does."""
