"""What consumers do with events, as a suite declares it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.model.declaration import require, require_names, require_texts
from harness.model.topic import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """A table that shows a consumer's effects, one row each: a ledger, or an inbox.

    With `changes` it need not be one: every committed change of the table is an effect, as the
    server's log tells, so that a balance that is only updated shows what was done twice.
    """

    consumer: str
    node: str
    """The database server."""
    table: str
    topics: Sequence[Topic] = ()
    """Topics each of whose events is applied exactly once; none: at most once is all there is."""
    event: str | None = None
    """The column with the event's id."""
    key: str | None = None
    """The column with the business key. None: it is looked for in the row's transaction."""
    version: str | None = None
    """The column with the number of the change that was applied."""
    at: str | None = None
    """The column with the moment of the effect, for where the server's log cannot be read."""
    changes: bool = False
    """Every committed change of the table is an effect, not only every row."""
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Fields of a record's value and the values with which the consumer applies it: it passes over
    all others."""

    def __post_init__(self) -> None:
        require_names(
            self,
            consumer=self.consumer,
            node=self.node,
            table=self.table,
            event=self.event,
            key=self.key,
            version=self.version,
            at=self.at,
        )
        for name, values in self.only.items():
            require_names(self, only=name)
            require_texts(self, f"only[{name!r}]", values)
        require(
            self.event is not None or self.key is not None or self.changes,
            self,
            f"{self.consumer}: effects are told apart by an event's id or a key; name a column",
        )
        require(
            bool(self.topics) or self.event is not None or self.version is not None,
            self,
            f"{self.consumer}: without topics there is nothing to count its effects against; "
            "name them, or the column with the event's id",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """The topic into which a consumer puts what it cannot apply, in place of applying it."""

    consumer: str
    """As in its `Effects`."""
    topic: Topic

    def __post_init__(self) -> None:
        require_names(self, consumer=self.consumer)
