"""Faults as data: what was asked for, and what is known of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One measurement of a fault's effect. `shown` says whether it is what that phase expects:
    before, that the thing works; during, that it is broken in the way meant; after, that it works
    again."""

    shown: bool
    says: str
    """One sentence for people: `order→kafka-1: connect timed out, 4 packets dropped`."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """JSON-serialisable figures behind the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """One fault of a scenario as it went. Times are monotonic seconds since the scenario began;
    None where the step was not reached."""

    name: str
    target: str
    before: Probe | None = None
    during: Probe | None = None
    after: Probe | None = None
    injected_at: float | None = None
    proved_at: float | None = None
    healed_at: float | None = None
    recovered_at: float | None = None
    """When the probe after the heal first showed the target working again."""
    fired: bool = False
    """Whether the trigger's moment came."""
    achieved: Mapping[str, Any] = field(default_factory=dict)
    """What the fault did in the system's own terms, e.g. {"cut_keys": ["17"]}."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Of a fault at a point: `intended_cut` and `achieved_cut`."""
    misfired: str | None = None
    """Where it struck beside the point that was meant: one sentence with both cuts."""
    error: str | None = None

    @property
    def proved(self) -> bool:
        """Shown before, during and after; anything less is no proof."""
        return all(p is not None and p.shown for p in (self.before, self.during, self.after))
