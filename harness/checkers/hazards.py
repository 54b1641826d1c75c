"""Hazards: rules over the trace of a scenario that need no crash to be broken.

Each is a file of `hazards/`, read by `query_file`:

    -- rule: dual-write
    -- says: what a crash at the wrong moment does
    -- summary: {node} did it {times}: {detail}{others}
    -- needs: acts
    -- scope:
    SELECT how many things the rule is applied to
    -- hazards:
    SELECT node, key, detail, … one row for each time that a node did not keep it

They are told beside the verdict and never change it. A run without a trace has none. The wire shows
which acts of a node are under way side by side, and not which thread does which: that a connection
stands still meanwhile is what tells it (`publishes.sql`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.checkers.invariant import Invariants
from harness.checkers.keys import in_words, sort_keys
from harness.checkers.query_file import (
    TABLE,
    Derived,
    Form,
    Need,
    QueryFile,
    read_text,
    refuse_twins,
)
from harness.checkers.snapshot import QueryFailed, Snapshot
from harness.model.hazard import Hazard, Watch
from harness.model.outbox import Outbox
from harness.model.record import ScenarioRecord

FOLDER = Path(__file__).parent / "hazards"
_RULE = Form(headers=("rule", "says", "summary", "needs"), sections=("scope", "hazards"))
_TRACED = ("trace", "effects")
_FOUND = "aftershock_hazards"
_ROWS_KEPT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One order of effects that must not be."""

    id: str
    says: str
    summary: str
    needs: tuple[Need, ...]
    scope: str
    hazards: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of them by name, and the tables that they share."""

    all: tuple[Rule, ...]
    tables: tuple[Derived, ...]


@cache
def read_rules(folder: Path = FOLDER) -> Rules:
    """Read every .sql file of the folder. Raises DeclarationError."""
    files = [
        QueryFile(read_text(path), path, (_RULE, TABLE)) for path in sorted(folder.glob("*.sql"))
    ]
    rules = [file for file in files if file.kind == "rule"]
    refuse_twins((file.name("rule"), file.path) for file in rules)
    return Rules(
        all=tuple(
            Rule(
                id=file.name("rule"),
                says=file.header("says"),
                summary=file.template("summary"),
                needs=file.needs,
                scope=file.sql("scope"),
                hazards=file.sql("hazards"),
            )
            for file in rules
        ),
        tables=tuple(file.table() for file in files if file.kind == "table"),
    )


def watch(record: ScenarioRecord, rules: Rules | None = None) -> tuple[Watch, ...]:
    """Apply every rule to a stored scenario; none where nothing was traced."""
    rules = rules or read_rules()
    tables = (*rules.tables, _outboxes(record.outboxes))
    with Snapshot(record, Invariants(all=(), tables=tables)) as snapshot:
        if not snapshot.tables.issuperset(_TRACED):
            return ()
        return tuple(_apply(rule, snapshot) for rule in rules.all)


def _apply(rule: Rule, snapshot: Snapshot) -> Watch:
    try:
        snapshot.provide(rule.needs)
        judged = snapshot.number(rule.scope)
        snapshot.keep(_FOUND, rule.hazards)
        nodes = sort_keys(snapshot.texts(f"SELECT node FROM {_FOUND}"))  # noqa: S608 - a constant
        hazards = tuple(_hazard(rule, snapshot, node, judged) for node in nodes)
    except QueryFailed as error:
        return Watch(rule=rule.id, says=rule.says, judged=0, undecided=str(error))
    return Watch(rule=rule.id, says=rule.says, judged=judged, hazards=hazards)


def _hazard(rule: Rule, snapshot: Snapshot, node: str, judged: int) -> Hazard:
    of_node = f"FROM {_FOUND} WHERE node = '{node.replace(chr(39), chr(39) * 2)}'"
    keys = sort_keys(snapshot.texts(f"SELECT key {of_node}"))
    count = snapshot.number(f"SELECT count(*) {of_node}")
    rows = snapshot.rows(of_node, _ROWS_KEPT)
    return Hazard(
        rule=rule.id,
        says=rule.says,
        node=node,
        summary=_summary(rule, keys, count, judged, rows[0]),
        count=count,
        keys=keys,
        rows=rows,
    )


def _summary(
    rule: Rule, keys: Sequence[str], count: int, judged: int, first: Mapping[str, Any]
) -> str:
    others = [key for key in keys if key != first["key"]]
    known = {
        **first,
        "times": "once" if count == 1 else f"{count:,} times",
        "judged": f"{judged:,}",
        "keys": in_words(keys),
        "others": f"; likewise {in_words(others)}" if others else "",
    }
    return rule.summary.format_map(known)


def _outboxes(declared: Sequence[Outbox]) -> Derived:
    """What the suite declared, as a table."""
    rows = [f"({_text(o.node)}, {_text(o.table)}, {_text(o.sent)})" for o in declared]
    nothing = "(NULL, NULL, NULL)"
    return Derived(
        name="outboxes",
        needs=(),
        rows=f"""
            SELECT node::VARCHAR AS node, "table"::VARCHAR AS "table", sent::VARCHAR AS sent
            FROM (VALUES {", ".join([*rows, nothing])}) AS declared (node, "table", sent)
            WHERE node IS NOT NULL
        """,  # noqa: S608 - quoted
        path=FOLDER,
    )


def _text(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
