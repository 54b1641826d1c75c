"""A scenario: one suite, one pattern, one fault, one seed; and what a pattern declares."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from harness.model.guarantees import Guarantee
from harness.model.load import AS_DECLARED, Load
from harness.model.outbox import Outbox
from harness.model.request import Request
from harness.model.steady import Probes
from harness.model.store_query import Published, StoreQuery

Plan = Callable[[Random], Sequence[Request]]
"""A workload: what customers do, drawn from a seeded stream."""

ANY_FAULT = "*"
"""In a pattern's `controls`: whatever the fault."""
_PATTERN_LENGTH, _FAULT_LENGTH = 30, 68
"""Together with what stands between them at most 100 characters."""
_DIGEST_LENGTH = 8
_TAIL_LENGTH = 16
"""Of a name that is cut in the middle: business key and occurrence stand at a point's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is to be run. `control`: the invariant that must be violated, else None."""

    suite: str
    pattern: str
    fault: str
    seed: int
    control: str | None = None
    load: Load = AS_DECLARED

    @property
    def slug(self) -> str:
        """A name for directories and anchors: at most 100 characters of `A-Za-z0-9._-`, another
        one for another pattern or fault."""
        return f"{_named(self.pattern, _PATTERN_LENGTH)}--{fault_slug(self.fault)}"


def fault_slug(fault: str) -> str:
    """What a fault is called in slugs: its name where that is fit for it, as `kill` is, else as
    much of it as can be read, and a digest of the whole."""
    return _named(fault, _FAULT_LENGTH)


def _named(text: str, length: int) -> str:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_.")
    if readable == text and len(text) <= length:
        return text
    room = length - _DIGEST_LENGTH - 1
    if len(readable) > room:
        head, tail = readable[: room - _TAIL_LENGTH - 1], readable[-_TAIL_LENGTH:]
        readable = f"{head}.{tail}"
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{readable}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One place where an entity leaves a trace, in the order in which it travels.

    `query` is SQL over the snapshot's tables that returns the entity's rows for `$key`. A row in
    which a column `missing` is true stands for one that should be there and is not.
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
    """fault → the invariant that this pattern must violate under it; `ANY_FAULT` stands for all
    that are not named, `none` among them."""
    points: Mapping[str, str] = field(default_factory=dict)
    """A fault's short form → the point that it stands for under this pattern, as in
    `kill:order:after:order/order-db/commit(orders,*)`."""
    faults: Sequence[str] = ("none",)
    """What it is run under when nothing else is asked for, in order."""
    hops: Sequence[Hop] = ()
    """Where an entity leaves its traces, in the order of travel."""
    outboxes: Sequence[Outbox] = ()
    """Tables through which events leave: for the rules that tell hazards, and, where they say in
    which topics, for the built-in guarantees about events."""
    guarantees: Sequence[Guarantee] = ()
    """What else is promised by declaration, besides what the suite promises for every pattern."""
    quiet: Sequence[StoreQuery] = ()
    """Counts that must be 0 when the system has come to rest."""
    published: Sequence[Published] = ()
    """Events that must have arrived in a topic by then."""
    invariants: Sequence[str] = ()
    """Folders under the suite's `invariants` whose files hold for this pattern, and single files
    without `.sql` (`events/effects`), besides those in `invariants` itself."""
    steady: Probes = ()
    """Probes of the steady state besides the suite's."""
    plan: Plan | None = None
    """Its own workload, where the suite's does not fit."""
    clock_s: float = 0.0
    """What its services do by the wall clock they do at multiples of so many seconds, as a job of
    every full minute does: the workload begins at one, so that each run meets them alike. 0: at once."""
    committed: StoreQuery | None = None
    """Its own business keys, where the suite's do not fit."""
    stored_as: Mapping[str, str] = field(default_factory=dict)
    """Database node → the node that it stands in for: its tables are stored under that one's
    name, so that the invariants of other patterns hold for it, too."""

    def control_under(self, fault: str) -> str | None:
        """The invariant that it must violate under that fault, None where it need not."""
        return self.controls.get(fault, self.controls.get(ANY_FAULT))
