"""`aftershock list`: what there is to choose from."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import faults
from faults import toxic
from faults.outage import FORMS, PROOF, SAYS
from faults.point import FORM, Action, form_of
from harness.checkers.demanded import invariants_of
from harness.checkers.invariant import Invariant
from harness.cli import suites
from harness.cli.matrix import system_of
from harness.errors import DeclarationError

Row = Mapping[str, Any]
POINTS = "points"
_ACTIONS = [form_of(action) for action in Action]


def _suites(_suite: str) -> list[Row]:
    found = (suites.load(name) for name in suites.names())
    return [
        {"name": s.name, "about": s.about, "patterns": [p.name for p in s.patterns]} for s in found
    ]


def _patterns(name: str) -> list[Row]:
    return [
        {
            "name": pattern.name,
            "promises": pattern.promises,
            "control": pattern.control or bool(pattern.controls),
            "controls": dict(pattern.controls),
        }
        for pattern in suites.load(name).patterns
    ]


def _faults(name: str) -> list[Row]:
    suite = suites.load(name)
    systems = {p.name: system_of(suite, p) for p in suite.patterns}
    nothing = {
        "name": faults.NONE, "says": "nothing is disturbed", "proof": "", "patterns": [*systems]
    }  # fmt: skip
    kinds = [
        {
            "name": kind.name,
            "says": kind.says,
            "proof": kind.proof,
            "patterns": [p.name for p in suite.patterns if not kind.unfit(p, systems[p.name])],
        }
        for kind in (
            *faults.CATALOGUE.values(),
            *(faults.find(name, suite.named_faults) for name in suite.named_faults),
        )
    ]
    outages = [
        {"name": form, "says": SAYS[ill], "proof": PROOF[ill], "patterns": [*systems]}
        for ill, form in FORMS.items()
    ]
    toxics = [
        {
            "name": form,
            "says": toxic.SAYS[ail],
            "proof": toxic.PROOF[ail],
            "patterns": [
                p.name
                for p in suite.patterns
                if not faults.find(ail.value).unfit(p, systems[p.name])
            ],
        }
        for ail, form in toxic.FORMS.items()
    ]
    point = {
        "name": FORM, "says": f"{faults.POINTS_SAY}; ACTION is one of {', '.join(_ACTIONS)}",
        "proof": faults.POINTS_PROOF, "patterns": [*systems],
    }  # fmt: skip
    return [nothing, *kinds, *outages, *toxics, point]


def _invariants(name: str) -> list[Row]:
    suite = suites.load(name)
    by_pattern = {p.name: invariants_of(suite, p).of(p.name) for p in suite.patterns}
    found = {i.id: i for invariants in by_pattern.values() for i in invariants}
    return [
        {
            "id": invariant.id,
            "guarantee": invariant.guarantee,
            "family": invariant.family,
            "patterns": _asking(by_pattern, invariant.id),
        }
        for invariant in sorted(found.values(), key=lambda invariant: invariant.id)
    ]


def _asking(by_pattern: Mapping[str, Sequence[Invariant]], name: str) -> list[str]:
    """The patterns that an invariant of that id is asked of; `all` where it is every one."""
    asking = [pattern for pattern, own in by_pattern.items() if name in {i.id for i in own}]
    return ["all"] if len(asking) == len(by_pattern) else asking


KINDS: Mapping[str, Callable[[str], Sequence[Row]]] = {
    "suites": _suites,
    "patterns": _patterns,
    "faults": _faults,
    "invariants": _invariants,
}


def show(kind: str, suite: str, *, as_json: bool) -> int:
    """Print one list. Raises DeclarationError for a kind that there is not."""
    if kind not in KINDS:
        known = ", ".join((*KINDS, POINTS))
        raise DeclarationError(f"list {kind}: there are lists of {known}")
    print_rows(KINDS[kind](suite), as_json=as_json)
    return 0


def print_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    """As one JSON document, or as a table for people."""
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(show_lines=True)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    Console(highlight=False).print(table)


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else ""
        case list():
            return ", ".join(map(str, value))
        case dict():
            return "; ".join(f"{k}: {v}" for k, v in value.items())
    return str(value)
