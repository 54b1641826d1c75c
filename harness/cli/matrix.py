"""From what the user named to the scenarios of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import faults
from harness.environments import compose
from harness.errors import DeclarationError
from harness.model.load import AS_DECLARED, Load, scales
from harness.model.scenario import Pattern, Scenario
from harness.model.suite import Suite
from harness.model.system import System

POINTS_SEED = 1
"""The seed of `list points` where none is given, and so of a fault at one of its addresses."""

_OUTLASTS = 2.5
"""A fault begins in the first 45 % of the workload: so many times its length leave room for it."""


def system_of(suite: Suite, pattern: Pattern) -> System:
    """The part of the compose file that one pattern starts, its variables filled in."""
    return compose.read(suite.compose, environ=pattern.environment).under_profile(pattern.name)


def union_of(suite: Suite, patterns: Sequence[Pattern]) -> System:
    """Every node that any of the patterns starts, in file order."""
    whole = compose.read(suite.compose, environ=patterns[0].environment)
    wanted = {n.name for p in patterns for n in whole.under_profile(p.name).nodes}
    kept = tuple(node for node in whole.nodes if node.name in wanted)
    return replace(whole, nodes=kept)


def scenarios_of(
    suite: Suite,
    patterns: Sequence[str],
    named_faults: Sequence[str],
    seed: int,
    *,
    taps: bool = True,
    load: Load = AS_DECLARED,
) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they are run. Raises DeclarationError for a name that
    there is not, for a fault that fits none of the patterns, and, without taps, for one at a
    point; what the default matrix has of these is left out."""
    for name in patterns:
        known_pattern(suite, name)
    for name in named_faults:
        if not taps and _needs_taps(suite, name):
            raise DeclarationError(
                f"--fault {name}: it strikes on the wire, which only taps can see; leave out --no-taps"
            )
    chosen = tuple(dict.fromkeys(patterns)) or tuple(p.name for p in suite.patterns)
    systems = {name: system_of(suite, suite.pattern(name)) for name in chosen}
    pairs = [
        (pattern, fault)
        for pattern in chosen
        for fault in (
            tuple(dict.fromkeys(named_faults))
            or _default_faults(suite, pattern, taps, named=bool(patterns))
        )
        if _unfit(suite, suite.pattern(pattern), systems[pattern], fault) is None
    ]
    for fault in named_faults:
        if not any(fault == taken for _, taken in pairs):
            told = _why_nowhere(suite, systems, fault)
            raise DeclarationError(f"--fault {fault}: fits none of the chosen patterns ({told})")
    if not pairs:
        raise DeclarationError(
            f"suite {suite.name} has no fault by default for {', '.join(chosen)}; name one with "
            "--fault"
        )
    return tuple(
        Scenario(
            suite=suite.name,
            pattern=pattern,
            fault=fault,
            seed=seed,
            control=suite.pattern(pattern).control_under(fault),
            load=_load(suite, pattern, fault, load),
        )
        for pattern, fault in pairs
    )


def seeded_faults(suite: Suite, scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """The faults that strike at one effect which another seed may not have."""
    named = (
        s.fault
        for s in scenarios
        if s.fault != faults.NONE
        and faults.find(s.fault, suite.named_faults).names_one(suite.pattern(s.pattern))
    )
    return tuple(dict.fromkeys(named))


def known_pattern(suite: Suite, name: str) -> Pattern:
    """The pattern of that name. Raises DeclarationError with the names there are."""
    try:
        return suite.pattern(name)
    except KeyError:
        known = ", ".join(p.name for p in suite.patterns)
        raise DeclarationError(
            f"--pattern {name}: suite {suite.name} has no such pattern; there are {known}"
        ) from None


def _default_faults(suite: Suite, pattern: str, taps: bool, *, named: bool) -> tuple[str, ...]:
    """A pattern that is not in the default matrix is run without a fault where it is named."""
    if named and not suite.pattern(pattern).faults:
        return (faults.NONE,)
    mine = (fault for name, fault in suite.default_matrix if name == pattern)
    return tuple(fault for fault in mine if taps or not _needs_taps(suite, fault))


def _needs_taps(suite: Suite, fault: str) -> bool:
    """Raises DeclarationError where there is no such fault."""
    return fault != faults.NONE and faults.find(fault, suite.named_faults).needs_taps


def _load(suite: Suite, pattern: str, fault: str, asked: Load) -> Load:
    """What was asked for; what is away, or ails, for a while wants a workload that outlasts it, with
    time before and after."""
    kind = None if fault == faults.NONE else faults.find(fault, suite.named_faults)
    if kind is None or kind.lasts_s is None or asked.duration_s is not None:
        return asked
    if not scales(suite.plan_under(suite.pattern(pattern))):
        return asked
    return replace(asked, duration_s=round(_OUTLASTS * kind.lasts_s, 3))


def _unfit(suite: Suite, pattern: Pattern, system: System, fault: str) -> str | None:
    if fault == faults.NONE:
        return None
    return faults.find(fault, suite.named_faults).unfit(pattern, system)


def _why_nowhere(suite: Suite, systems: Mapping[str, System], fault: str) -> str:
    """What keeps a fault from each of the patterns, those with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, system in systems.items():
        why = _unfit(suite, suite.pattern(name), system, fault) or ""
        by_reason.setdefault(why, []).append(name)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())


def results_root(out: Path | None) -> Path:
    """Where runs are kept: the option, else `results` under the current folder."""
    return (out or Path("results")).resolve()
