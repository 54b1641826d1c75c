"""A saga, as a suite declares it: where its state is, and which rows show its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.declaration import require, require_names, require_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A participant's ledger, in which a row says that a step was done, another that it was undone.

    One row each: a step with several rows for one saga was done several times.
    """

    name: str
    node: str
    table: str
    key: str
    """The column with the saga's key."""
    kind: str | None = None
    """The column that says what a row is. None: every row is a step done."""
    done: Sequence[str] = ()
    """What `kind` holds where the step was done."""
    undone: Sequence[str] = ()
    """What it holds where it was undone; none: the step cannot be undone."""
    at: str | None = None
    """The column with the moment of the row."""

    def __post_init__(self) -> None:
        require_names(
            self,
            name=self.name,
            node=self.node,
            table=self.table,
            key=self.key,
            kind=self.kind,
            at=self.at,
        )
        require_texts(self, "done", self.done)
        require_texts(self, "undone", self.undone)
        require(
            (self.kind is not None) == bool(self.done),
            self,
            f"{self.name}: kind and done go together",
        )
        require(
            self.kind is not None or not self.undone,
            self,
            f"{self.name}: what tells rows that undo from rows that do? name the column (kind=…)",
        )
        both = sorted({*self.done} & {*self.undone})
        require(not both, self, f"{self.name}: {', '.join(both)} cannot be done and undone at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """A table with one row a saga. Without steps it is any thing with a life of its own: an order,
    a shipment."""

    name: str
    node: str
    table: str
    key: str
    state: str
    """The column with its state."""
    terminal: Sequence[str]
    """States at which it may end and which it never leaves."""
    completed: Sequence[str] = ()
    """Those of them in which every step stays done; in all others every step is undone."""
    steps: Sequence[Step] = ()
    at: str | None = None
    """The column with the moment of the last change of state. With `Step.at`: nothing is done for
    a saga after its end."""

    def __post_init__(self) -> None:
        require_names(
            self,
            name=self.name,
            node=self.node,
            table=self.table,
            key=self.key,
            state=self.state,
            at=self.at,
        )
        require_texts(self, "terminal", self.terminal)
        require_texts(self, "completed", self.completed)
        require(bool(self.terminal), self, f"{self.name}: no state is terminal")
        others = sorted({*self.completed} - {*self.terminal})
        require(not others, self, f"{self.name}: {', '.join(others)} is completed, not terminal")
        require(
            not self.steps or bool(self.completed),
            self,
            f"{self.name}: in which states do its steps stay done? (completed=…)",
        )
        names = [step.name for step in self.steps]
        require(len(names) == len({*names}), self, f"{self.name}: two steps of one name")
