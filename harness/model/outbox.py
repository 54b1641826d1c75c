"""Where events come from, as a suite declares it: an outbox, or the business table itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.declaration import require, require_names
from harness.model.topic import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """A table whose rows are events to be published, written in the transaction of their change.

    Node and table are enough for the rules that tell hazards; with `id` and `topics` its rows are
    held against the records.
    """

    node: str
    """The database server."""
    table: str
    sent: str | None = None
    """The column that is set when a row is published; None: any update of a row says so, as
    deleting it always does."""
    id: str | None = None
    """The column with the event's id."""
    key: str | None = None
    """The column with the business key, which is the record's key."""
    version: str | None = None
    """The column with the number of the change in its key's history."""
    payload: str | None = None
    """The column whose JSON is the record's value."""
    topics: Sequence[Topic] = ()
    """Where a row's event goes: into one of these."""
    kept: bool = False
    """Rows are never deleted, so that the table tells all even where the server's log cannot."""

    def __post_init__(self) -> None:
        require_names(
            self,
            node=self.node,
            table=self.table,
            sent=self.sent,
            id=self.id,
            key=self.key,
            version=self.version,
            payload=self.payload,
        )
        require(
            not self.topics or self.id is not None,
            self,
            f"{self.table}: rows are found in topics by their event's id: name its column (id=…)",
        )
        require(
            bool(self.topics) or not (self.payload or self.version),
            self,
            f"{self.table}: payload and version are held against records: name the topics",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A business table every committed change of whose rows is told by an event.

    For what publishes without an outbox, or captures the table itself. With `version`, changes are
    told apart by it, on both sides; without, they are counted: every committed insert and update
    of a row is one.
    """

    node: str
    table: str
    key: str
    """The column with the business key, which is the record's key."""
    topics: Sequence[Topic]
    version: str | None = None
    """The column with the number of the row's last change: 1, 2, …"""

    def __post_init__(self) -> None:
        require_names(self, node=self.node, table=self.table, key=self.key, version=self.version)
        require(bool(self.topics), self, f"{self.table}: its changes are told in no topic")
        require(
            self.version is None or all(topic.version for topic in self.topics),
            self,
            f"{self.table} has a version, and a topic has none (Topic.version)",
        )
