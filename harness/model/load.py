"""How much of a workload: for how long, and how many requests begin a second, where asked for."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import DeclarationError
from harness.model.request import Request

if TYPE_CHECKING:
    from random import Random

    from harness.model.scenario import Plan

_MOST = 1_000_000
"""Requests of one scenario: more are a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """None: as the workload has it."""

    duration_s: float | None = None
    rate_per_s: float | None = None

    def __post_init__(self) -> None:
        for option, value in (("--duration", self.duration_s), ("--rate", self.rate_per_s)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise DeclarationError(f"{option} {value:g}: must be a positive number")

    @property
    def options(self) -> tuple[str, ...]:
        """The command's, those that were given."""
        given = (("--duration", self.duration_s), ("--rate", self.rate_per_s))
        return tuple(t for name, value in given if value is not None for t in (name, f"{value:g}"))


AS_DECLARED = Load()
"""What nobody has asked to be more or less."""


def scales(plan: "Plan") -> bool:
    """Whether the workload can be asked for more or less: it then takes, after the stream of
    chance, how many of its flows to begin and how many a second, both with defaults."""
    return len(_defaults(plan)) >= 2


def drawn(plan: "Plan", rng: "Random", load: Load) -> Sequence[Request]:
    """The workload's requests under a load. Raises DeclarationError where it can't be scaled."""
    if load == AS_DECLARED:
        return plan(rng)
    if not scales(plan):
        raise DeclarationError(
            f"{load.options[0]}: this workload has one size; to be scaled its plan must take, after "
            "the stream of chance, how many to begin and how many a second, both with defaults"
        )
    count, rate_per_s = _defaults(plan)[:2]
    if load.rate_per_s is not None:
        rate_per_s = load.rate_per_s
    if load.duration_s is not None:
        count = max(1, round(load.duration_s * rate_per_s))
    if count > _MOST:
        raise DeclarationError(f"{count:,} are more than {_MOST:,} requests")
    return plan(rng, count, rate_per_s)  # type: ignore[call-arg] # asked above


def _defaults(plan: "Plan") -> list[float]:
    """Defaults of what the plan takes besides the stream of chance, in order, numbers alone."""
    parameters = list(inspect.signature(plan).parameters.values())[1:]
    return [p.default for p in parameters if isinstance(p.default, int | float)]
