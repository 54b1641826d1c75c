"""A fault as a sequence diagram needs it: where it struck, when, and what it kept back."""

import contextlib
import re
from dataclasses import dataclass

from harness.model.address import Address, NoAddress
from harness.model.cut import When
from harness.model.fault import FaultRecord
from harness.report.timeline import targets

_MOST_KEYS = 20
_APART = "⇹"
"""What stands before it is cut off from all that stands behind."""
_ACTION = re.compile(r"(kill|pause|cut|reset|hold|swallow|error)\b")
_LOSING = frozenset({"kill", "cut", "reset", "swallow", "error"})
"""Actions that drop what the gate holds."""
_MOMENTARY = frozenset({"reset", "swallow", "error"})
"""Actions after which nothing is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """A fault that struck."""

    name: str
    nodes: tuple[str, ...]
    at_s: float
    until_s: float | None
    """When the target worked again, None: never."""
    is_link: bool = False
    """Whether what the nodes have between them was struck, and neither of them."""
    address: str = ""
    """Of the effect beside which it struck; empty for a fault that is at no point."""
    when: When = When.AFTER
    loses: bool = False
    """Whether what was held there never arrived."""
    lasts: bool = True
    """Whether its target was down for a while."""
    keys: tuple[str, ...] = ()
    """Business keys that its evidence names."""


def blow_of(fault: FaultRecord) -> Blow | None:
    """Where and when a fault struck; None if it never did."""
    if not fault.fired or fault.injected_at is None:
        return None
    intended = fault.evidence.get("intended_cut") or {}
    address = intended.get("address") or ""
    node = intended.get("node")
    action = _ACTION.match(fault.name)
    cut_off, apart, _ = fault.target.partition(_APART)
    nodes = targets(cut_off) or ({node} if node else set())
    return Blow(
        name=fault.name,
        nodes=tuple(sorted(nodes)),
        at_s=fault.injected_at,
        until_s=fault.recovered_at,
        is_link=len(nodes) == 2 and not apart,
        address=address,
        when=When.BEFORE if intended.get("when") == When.BEFORE.value else When.AFTER,
        loses=action is not None and action[1] in _LOSING,
        lasts=action is None or action[1] not in _MOMENTARY,
        keys=_named_keys(fault, address),
    )


def _named_keys(fault: FaultRecord, address: str) -> tuple[str, ...]:
    found: list[str] = []
    with contextlib.suppress(NoAddress):
        found.append(Address.parse(address).key or "")
    cut_keys = fault.achieved.get("cut_keys")
    if isinstance(cut_keys, list | tuple):
        found += [str(key) for key in cut_keys]
    return tuple(dict.fromkeys(key for key in found if key not in {"", "-"}))[:_MOST_KEYS]
