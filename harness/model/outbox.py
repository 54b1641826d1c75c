"""An outbox, as a suite declares it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """A table whose rows are events to be published, written in the transaction of their change."""

    node: str
    """The database server."""
    table: str
    sent: str | None = None
    """The column that is set when a row is published; None: any update of a row says so, as
    deleting it always does."""
