"""Hazards: orders of effects on the wire that a crash at the wrong moment would turn into a loss,
or into an event of nothing.

They need no crash to be seen, say nothing of what became of anything, and change no verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One rule that one node did not keep."""

    rule: str
    says: str
    """What it means, in one sentence."""
    node: str
    summary: str
    """What was seen, in one sentence."""
    count: int
    """How often."""
    keys: tuple[str, ...]
    """Business keys that were at risk, sorted, all of them."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """The first of what the query returned, JSON-serialisable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One rule over one scenario's trace: what it was applied to and what it found."""

    rule: str
    says: str
    judged: int
    """How many things it could have found fault with; 0: the system does nothing of the kind."""
    hazards: tuple[Hazard, ...] = ()
    """One for each node that did not keep it."""
    undecided: str | None = None
    """Why it could not be applied."""
