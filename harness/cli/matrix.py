"""From what the user named to the scenarios of a run."""

from collections.abc import Sequence
from pathlib import Path

import faults
from harness.environments import compose
from harness.errors import DeclarationError
from harness.model.scenario import Pattern, Scenario
from harness.model.suite import Suite
from harness.model.system import System


def system_of(suite: Suite, pattern: Pattern) -> System:
    """The part of the compose file that one pattern starts, its variables filled in."""
    return compose.read(suite.compose, environ=pattern.environment).under_profile(pattern.name)


def union_of(suite: Suite, patterns: Sequence[Pattern]) -> System:
    """Every node that any of the patterns starts, in file order."""
    whole = compose.read(suite.compose, environ=patterns[0].environment)
    wanted = {n.name for p in patterns for n in whole.under_profile(p.name).nodes}
    kept = tuple(node for node in whole.nodes if node.name in wanted)
    return System(name=whole.name, path=whole.path, nodes=kept, extension=whole.extension)


def scenarios_of(
    suite: Suite, patterns: Sequence[str], named_faults: Sequence[str], seed: int
) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they are run. Raises DeclarationError for a name that
    there is not and for a fault that fits none of the patterns."""
    for name in patterns:
        _known_pattern(suite, name)
    for name in named_faults:
        if name != faults.NONE:
            faults.find(name)
    chosen = tuple(dict.fromkeys(patterns)) or tuple(p.name for p in suite.patterns)
    pairs = [
        (pattern, fault)
        for pattern in chosen
        for fault in (tuple(dict.fromkeys(named_faults)) or _default_faults(suite, pattern))
        if _fits(suite, pattern, fault)
    ]
    for fault in named_faults:
        if not any(fault == taken for _, taken in pairs):
            needs = faults.find(fault).needs
            raise DeclarationError(
                f"--fault {fault}: no chosen pattern has a {needs.value if needs else ''} node; "
                f"chosen: {', '.join(chosen)}"
            )
    return tuple(
        Scenario(
            suite=suite.name,
            pattern=pattern,
            fault=fault,
            seed=seed,
            control=suite.pattern(pattern).controls.get(fault),
        )
        for pattern, fault in pairs
    )


def _known_pattern(suite: Suite, name: str) -> None:
    try:
        suite.pattern(name)
    except KeyError:
        known = ", ".join(p.name for p in suite.patterns)
        raise DeclarationError(
            f"--pattern {name}: suite {suite.name} has no such pattern; there are {known}"
        ) from None


def _default_faults(suite: Suite, pattern: str) -> tuple[str, ...]:
    return tuple(fault for name, fault in suite.default_matrix if name == pattern)


def _fits(suite: Suite, pattern: str, fault: str) -> bool:
    if fault == faults.NONE:
        return True
    return faults.find(fault).fits(system_of(suite, suite.pattern(pattern)))


def results_root(out: Path | None) -> Path:
    """Where runs are kept: the option, else `results` under the current folder."""
    return (out or Path("results")).resolve()
