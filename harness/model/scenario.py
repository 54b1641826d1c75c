"""A scenario: one suite, one pattern, one fault, one seed; and a suite's declaration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is to be run. `control`: the invariant that must be violated, else None."""

    suite: str
    pattern: str
    fault: str
    seed: int
    control: str | None = None

    @property
    def slug(self) -> str:
        """A name for directories and anchors."""
        return f"{self.pattern}--{self.fault}".replace(":", "_").replace("/", "_").replace(" ", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One place where an entity leaves a trace, in the order in which it travels.

    `query` is SQL over the snapshot's tables that returns the entity's rows for `$key`.
    A table that a pattern does not have makes the hop absent, not broken.
    """

    name: str
    node: str
    query: str
    says: str = ""
    """What a row here means: `the order was committed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way of wiring the same flow. `name` is also the compose profile that starts it."""

    name: str
    promises: str
    writer: str
    """The node that commits the business change."""
    publisher: str
    """The node that publishes its event."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of every node of role `service`."""
    connectors: Sequence[Path] = ()
    """Connector configurations (JSON files with name and config), registered in order."""
    control: bool = False
    controls: Mapping[str, str] = field(default_factory=dict)
    """fault → the invariant that this pattern must violate under it."""
