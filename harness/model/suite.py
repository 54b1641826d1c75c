"""A suite's declaration: a system with its patterns, workload, evidence and quiet conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from harness.model.outbox import Outbox
from harness.model.request import Request
from harness.model.scenario import Hop, Pattern


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is run and how it is judged. Paths are absolute."""

    name: str
    about: str
    compose: Path
    invariants: Path
    """The folder of the suite's .sql files."""
    patterns: Sequence[Pattern]
    default_matrix: Sequence[tuple[str, str]]
    """(pattern, fault) pairs that a run without arguments takes, in order."""
    hops: Mapping[str, Sequence[Hop]]
    """pattern → where an entity leaves its traces, in the order of travel."""
    committed: StoreQuery
    """SQL of the business keys that are committed and, in a second column where a key can change
    more than once, how many changes of it: each is an event."""
    entry: tuple[str, int]
    """(node, port) that the workload's requests go to."""
    plan: Callable[[Random], Sequence[Request]]
    quiet: Mapping[str, Sequence[StoreQuery]] = field(default_factory=dict)
    """pattern → counts that must be 0 when the system has come to rest."""
    published: Mapping[str, Sequence[Published]] = field(default_factory=dict)
    """pattern → events that must have arrived in a topic by then."""
    key_columns: frozenset[str] = frozenset()
    """Names of the columns that hold the business key, wherever they appear."""
    outboxes: Sequence[Outbox] = ()
    """Tables through which events leave, for the rules that tell hazards."""
    request_timeout_s: float = 10.0

    def pattern(self, name: str) -> Pattern:
        """The pattern of that name. Raises KeyError."""
        for pattern in self.patterns:
            if pattern.name == name:
                return pattern
        raise KeyError(name)
