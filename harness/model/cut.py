"""Cuts: where a process was stopped between two of its effects, as meant and as it came out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harness.model.address import Address
from harness.model.effect import Effect, Outcome


class When(Enum):
    """On which side of the effect."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A point on the wire. `address` may be a pattern; with an occurrence the n-th effect of the
    scenario that it covers is meant, without one the next."""

    when: When
    address: Address
    passed: frozenset[str] = frozenset()
    """Business keys whose effects don't count for the first `passed_s` seconds."""
    passed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A point that was reached: the gate is closed, and nothing moves until it is opened."""

    effect: Effect
    address: Address
    """The one of the effect's addresses that the trigger covers."""
    when: When
    outcome: Outcome
    """REQUESTED before; after, what the server answered (REQUESTED where nothing answers)."""
    earlier: int = 0
    """How many like it the wire has shown done before: committed transactions on that server with
    this detail and key, records of this key in the topic; by any client, since the scenario began."""
    doubtful: int = 0
    """How many more may have been done: asked for, and never answered."""
    others: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """Of a commit: detail → how many transactions with another detail than its own, of this key
    and on that server, the wire has shown committed before."""
    unanswered: tuple[Effect, ...] = ()
    """Other effects of the gated node that were under way and stayed without an answer."""
    held_bytes: int = 0
    gated: tuple[str, ...] = ()
    """The nodes whose links stand still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Achieved:
    """What a store says of an effect while its process is stopped."""

    done: bool | None
    """Whether the effect is there; None: the store could not say."""
    says: str
    """`order-db: 1 committed transaction of key 17 wrote orders and outbox (xid 752, 0/1A2B3C4)`"""
    measured: Mapping[str, Any] = field(default_factory=dict)

    def agrees(self, when: When) -> bool | None:
        """Whether this is the cut that was meant."""
        return None if self.done is None else self.done is (when is When.AFTER)
