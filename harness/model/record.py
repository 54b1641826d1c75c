"""A run as it is stored and read back: what was run, how it went, what it was judged to be.

All times ending in `_s` or `_at` are monotonic seconds since the scenario began; `started_at` is
ISO 8601 in UTC. Everything has a default but its identity, because a run may die at any moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.fault import FaultRecord
from harness.model.hazard import Hazard, Watch
from harness.model.op import OpCounts
from harness.model.outbox import Outbox
from harness.model.scenario import Hop, Scenario
from harness.model.verdict import Judgement, Verdict

SCHEMA = 1
"""Of run.json, scenario.json and results.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node as the scenario had it."""

    name: str
    role: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A phase of the scenario. `end_s` None: it did not end."""

    name: str
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What the wire and the write-ahead log know of a row, in words."""

    kind: str
    """`commit`, `produce`, `offset-commit`, `flush`, or `last` for the last thing seen of a key
    where its way broke."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One hop of an evidence chain and what was found there."""

    hop: str
    node: str
    says: str
    state: str
    """`found`, `missing`, or `absent` where the pattern has no such place."""
    rows: tuple[Mapping[str, Any], ...] = ()
    traces: tuple[Traced, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where one key left its traces, in the order of travel."""

    links: tuple[ChainLink, ...]
    broke_at: str | None
    """The first hop missing after one that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judgement, whether it is the expected one, and the evidence: invariant → key → chain."""

    judgement: Judgement
    as_expected: bool
    evidence: Mapping[str, Mapping[str, Chain]] = field(default_factory=dict)
    watches: tuple[Watch, ...] = ()
    """The rules for hazards that were applied; none where nothing was traced."""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return tuple(hazard for watch in self.watches for hazard in watch.hazards)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRecord:
    """One scenario as it went. `dir` holds its snapshot, history, invariants and logs."""

    dir: Path
    scenario: Scenario
    promises: str = ""
    started_at: str = ""
    nodes: tuple[NodeRecord, ...] = ()
    phases: tuple[Phase, ...] = ()
    ops: OpCounts = field(default_factory=OpCounts)
    faults: tuple[FaultRecord, ...] = ()
    hops: tuple[Hop, ...] = ()
    outboxes: tuple[Outbox, ...] = ()
    problems: tuple[str, ...] = ()
    """What went wrong with the rig; any makes the scenario INCONCLUSIVE."""
    collected: bool = False
    """Whether the snapshot is complete."""
    duration_s: float = 0.0
    peak_memory_mib: float | None = None
    judged: Judged | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run directory. `planned` are the slugs it set out to run, `scenarios` those it began."""

    dir: Path
    suite: str
    seed: int
    command: tuple[str, ...] = ()
    backend: str = ""
    started_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    scenarios: tuple[ScenarioRecord, ...] = ()
