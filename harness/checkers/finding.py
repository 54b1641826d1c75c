"""One invariant over one snapshot: held, violated, or undecided with the reason."""

from collections.abc import Mapping
from typing import Any

from harness.checkers.invariant import LIVENESS, Invariant
from harness.checkers.keys import in_words, sort_keys
from harness.checkers.snapshot import QueryFailed, Snapshot
from harness.model.record import ScenarioRecord
from harness.model.verdict import Finding, Violation

_FOUND = "aftershock_found"
_ROWS_KEPT = 50


def check(
    invariant: Invariant, snapshot: Snapshot, record: ScenarioRecord, *, at_rest: bool
) -> Finding:
    """Judge one invariant. What goes wrong on the way makes it undecided, never held.

    `at_rest`: whether everything that was waited for came; without it, counterexamples that are
    `pending` count for nothing.
    """
    incomplete = _finding(invariant, undecided="the snapshot is not complete")
    if not record.collected and invariant.family != LIVENESS:
        return incomplete
    try:
        finding = _check(invariant, snapshot, record, at_rest=at_rest)
    except QueryFailed as error:
        return _finding(invariant, undecided=str(error))
    return finding if record.collected or finding.violation is not None else incomplete


def _check(
    invariant: Invariant, snapshot: Snapshot, record: ScenarioRecord, *, at_rest: bool
) -> Finding:
    snapshot.provide(invariant.needs)
    judged = snapshot.number(invariant.scope)
    columns = snapshot.keep(_FOUND, invariant.counterexamples)
    if not {"key", "detail"} <= set(columns):
        raise QueryFailed("the counterexamples need the columns key and detail")
    where = "WHERE NOT coalesce(pending, false)" if "pending" in columns and not at_rest else ""
    keys = sort_keys(
        snapshot.texts(f"SELECT DISTINCT coalesce(key::VARCHAR, 'NULL') FROM {_FOUND} {where}")  # noqa: S608 - a constant
    )
    if keys:
        violation = _violation(invariant, snapshot, record, judged=judged, keys=keys, where=where)
        return _finding(invariant, judged=judged, violation=violation)
    if judged <= 0:
        return _finding(invariant, undecided="judged nothing")
    if where and (waiting := snapshot.number(f"SELECT count(*) FROM {_FOUND}")):  # noqa: S608 - a constant
        reason = f"the system had not come to rest, so {waiting} absences may still be made good"
        return _finding(invariant, judged=judged, undecided=reason)
    return _finding(invariant, judged=judged)


def _violation(
    invariant: Invariant,
    snapshot: Snapshot,
    record: ScenarioRecord,
    *,
    judged: int,
    keys: tuple[str, ...],
    where: str,
) -> Violation:
    rows = _rows(snapshot, keys, where)
    return Violation(
        invariant=invariant.id,
        family=invariant.family,
        guarantee=invariant.guarantee,
        count=len(keys),
        keys=keys,
        summary=_summary(invariant, record, judged, keys, rows[0]),
        rows=rows,
    )


def _rows(snapshot: Snapshot, keys: tuple[str, ...], where: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of the first keys, in the keys' order."""
    order = {key: place for place, key in enumerate(keys)}
    listed = ", ".join("'" + key.replace("'", "''") + "'" for key in keys[:_ROWS_KEPT])
    wanted = f"coalesce(key::VARCHAR, 'NULL') IN ({listed})"
    sql = f"FROM {_FOUND} {f'{where} AND' if where else 'WHERE'} {wanted}"
    found = snapshot.rows(sql, limit=_ROWS_KEPT * 4)
    return tuple(sorted(found, key=lambda row: order.get(_key(row), len(order)))[:_ROWS_KEPT])


def _key(row: Mapping[str, Any]) -> str:
    return "NULL" if row.get("key") is None else str(row["key"])


def _summary(
    invariant: Invariant,
    record: ScenarioRecord,
    judged: int,
    keys: tuple[str, ...],
    first: Mapping[str, Any],
) -> str:
    others = "" if len(keys) == 1 else f"; likewise {in_words(keys[1:])}"
    known = {
        **first,
        "pattern": record.scenario.pattern,
        "fault": record.scenario.fault,
        "count": f"{len(keys):,}",
        "judged": f"{judged:,}",
        "keys": in_words(keys),
        "first_key": keys[0],
        "others": others,
    }
    return invariant.summary.format_map(_Known(known))


class _Known(dict[str, Any]):
    """A name that no column has stays as it was written: a poor sentence is not a lost verdict."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def _finding(
    invariant: Invariant,
    *,
    judged: int = 0,
    violation: Violation | None = None,
    undecided: str | None = None,
) -> Finding:
    return Finding(
        invariant=invariant.id,
        family=invariant.family,
        guarantee=invariant.guarantee,
        judged=judged,
        violation=violation,
        undecided=undecided,
    )
