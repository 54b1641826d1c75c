"""What else a suite can promise by declaration: copies, sums, acknowledgements, bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from harness.model.declaration import require, require_names, require_texts
from harness.model.effects import DeadLetters, Effects
from harness.model.outbox import Aggregate
from harness.model.saga import Saga

Values: TypeAlias = Mapping[str, Sequence[str]]
"""Column → the values, as text, that it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a database server."""

    node: str
    name: str

    def __post_init__(self) -> None:
        require_names(self, node=self.node, name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A copy of a table: at rest the same keys, and columns that are equal."""

    source: Table
    copy: Table
    key: str
    """The column with the key, in both."""
    columns: Sequence[str] | Mapping[str, str]
    """Columns that are equal; with other names in the copy: source's column → copy's."""
    only: Values = field(default_factory=dict)
    """Rows of the source that are copied, by columns and their values; all others are not."""

    def __post_init__(self) -> None:
        require_names(self, key=self.key)
        require_texts(self, "columns", self.columns)
        require(bool(self.columns), self, f"{self.copy.name}: no column has to be equal")
        for name in self.renamed.values():
            require_names(self, columns=name)
        _require_values(self, "only", self.only)

    @property
    def renamed(self) -> Mapping[str, str]:
        """Source's column → copy's."""
        if isinstance(self.columns, Mapping):
            return self.columns
        return {column: column for column in self.columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A column's sum, over a table or for each value of another column."""

    node: str
    table: str
    column: str
    by: str | None = None
    """The column with what the sums are for: a product, an account."""
    sign: int = 1
    """-1: it is taken off."""
    least: int | None = None
    """No row may ever have less, as far as the server's log tells; None: any amount."""

    def __post_init__(self) -> None:
        require_names(self, node=self.node, table=self.table, column=self.column, by=self.by)
        require(self.sign in {1, -1}, self, f"{self.column}: sign={self.sign} is neither 1 nor -1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conserved:
    """Sums that make the same together, whatever happens."""

    name: str
    sums: Sequence[Sum]
    total: int = 0
    """What they make."""

    def __post_init__(self) -> None:
        require_names(self, name=self.name)
        require(bool(self.sums), self, f"{self.name}: nothing is summed")
        require(
            len({one.by is None for one in self.sums}) == 1,
            self,
            f"{self.name}: either all of its sums are by a column or none is",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Requests whose acknowledgement promises a row."""

    f: str
    """The workload's name of the request."""
    node: str
    table: str
    key: str
    """The column with the request's key."""
    states: Values = field(default_factory=dict)
    """Columns of the row and the values that they may have after an acknowledgement."""
    refused: bool = True
    """A key that was only ever refused has no such row."""

    def __post_init__(self) -> None:
        require_names(self, f=self.f, node=self.node, table=self.table, key=self.key)
        _require_values(self, "states", self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """A column that counts attempts, and how many there may be at most, at any time."""

    node: str
    table: str
    key: str
    column: str
    at_most: int

    def __post_init__(self) -> None:
        require_names(self, node=self.node, table=self.table, key=self.key, column=self.column)
        require(self.at_most >= 0, self, f"at_most={self.at_most} is below 0")


Guarantee: TypeAlias = (
    Acknowledged | Aggregate | Conserved | DeadLetters | Effects | Replica | Retries | Saga
)
"""What `Suite.guarantees` and `Pattern.guarantees` hold; outboxes stand in `Pattern.outboxes`."""


def _require_values(of: object, field: str, told: Values) -> None:
    for name, values in told.items():
        require_names(of, **{field: name})
        require_texts(of, f"{field}[{name!r}]", values)
