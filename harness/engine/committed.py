"""Committed transactions by business key, and which of them the wire has not told of.

The log knows changes, the wire knows statements, and the two differ in places: INSERT … ON
CONFLICT updates, a statement that meets no row leaves nothing, triggers and foreign keys write
what no statement names. So transactions are not looked up but accounted for: whatever the wire
has shown done is taken off the log, the best likeness first, and what is left is the effect.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from harness.drivers.wal import Committed
from harness.trace.aliases import Aliases, is_unique_id
from harness.trace.values import LONGEST
from harness.wire.test_decoding import Change

Detail = tuple[str, ...]
"""`table:operation`, each, as addresses have it."""

_AS_LOGGED: Mapping[str, frozenset[str]] = {
    "insert": frozenset({"insert", "update"}),
    "merge": frozenset({"insert", "update", "delete"}),
}
"""What else than itself the log has of a statement."""


class BusinessKeys:
    """Which keys changes are about: values of key columns, or of unique ids seen beside one."""

    def __init__(self, key_columns: frozenset[str]) -> None:
        self.aliases = Aliases()
        self._columns = key_columns

    def learn(self, committed: Iterable[Committed]) -> None:
        """Take note of unique ids that stand in a row with one key."""
        for one in committed:
            for change in one.transaction.changes:
                keys, others = self._values(change)
                if len(keys) == 1:
                    self.aliases.learn(next(iter(keys)), others)

    def same(self, key: str) -> str:
        """The key by which it goes here: what it stands for, or itself."""
        if is_unique_id(key):
            return self.aliases.key(key) or key.lower()
        return key

    def of_change(self, change: Change) -> frozenset[str]:
        """The keys of a row."""
        keys, others = self._values(change)
        return frozenset(keys or self.aliases.keys(others))

    def of(self, committed: Committed) -> frozenset[str]:
        """The keys of a transaction."""
        return frozenset().union(*map(self.of_change, committed.transaction.changes))

    def _values(self, change: Change) -> tuple[set[str], list[str]]:
        keys: set[str] = set()
        others: list[str] = []
        for columns in (change.columns, change.old_key):
            for name, value in columns.items():
                if value and name in self._columns:
                    keys.add(value.lower() if is_unique_id(value) else value[:LONGEST])
                elif value:
                    others.append(value)
        return keys, others


def detail_of(committed: Committed) -> Detail:
    """What it wrote, as an address would say it."""
    writes = committed.transaction.writes
    return tuple(sorted(f"{write.table}:{write.operation.value}" for write in writes))


class Likeness(IntEnum):
    """How far what was logged is what statements said."""

    NONE = 0
    POSSIBLE = 1
    """An insertion may have become this update; so may another transaction have made it."""
    PART = 2
    """A part of it is."""
    WHOLE = 3
    """Each part of the one has its counterpart in the other."""


def likeness(told: Detail, found: Detail) -> Likeness:
    """How alike they are."""
    covered = all(any(_shows(t, f) for f in found) for t in told)
    if not {*told} & {*found}:
        return Likeness.POSSIBLE if covered else Likeness.NONE
    if covered and all(any(_shows(t, f) for t in told) for f in found):
        return Likeness.WHOLE
    return Likeness.PART


def unaccounted(
    logged: Sequence[Detail], detail: Detail, earlier: int, others: Mapping[Detail, int]
) -> list[int]:
    """Places in `logged`, details of transactions in the order of their commits, that are the
    most like `detail` of those that no other commit explains: `earlier` ones of the same detail,
    and `others`."""
    wire = {**others, detail: earlier}
    pairs = sorted(
        (_closeness(told, found), -place, told)
        for told in wire
        for place, found in enumerate(logged)
        # What is clearly the effect's is not explained by what merely has a part of it.
        if likeness(told, found) > Likeness.NONE
        and (told == detail or likeness(told, found) >= likeness(detail, found))
    )
    left = dict(enumerate(logged))
    for _, place, told in reversed(pairs):
        if wire[told] and -place in left:
            wire[told] -= 1
            del left[-place]
    alike = {place: likeness(detail, found) for place, found in left.items()}
    best = max(alike.values(), default=Likeness.NONE)
    return [place for place, like in alike.items() if like is best and like > Likeness.NONE]


def _closeness(told: Detail, found: Detail) -> tuple[int, int, int]:
    """The larger, the more alike, by and within likeness."""
    return likeness(told, found), len({*told} & {*found}), -len({*told} ^ {*found})


def _shows(told: str, found: str) -> bool:
    """Whether a statement's `table:operation` may have come out as the log's."""
    if told == found:
        return True
    table, _, operation = told.rpartition(":")
    of_found, _, logged = found.rpartition(":")
    return table == of_found and logged in _AS_LOGGED.get(operation, ())


def rows_of(committed: Iterable[Committed], keys: BusinessKeys) -> list[dict[str, Any]]:
    """The rows of the snapshot's table `transactions`. A row without a key of its own has that of
    its transaction, if there is one only."""
    rows: list[dict[str, Any]] = []
    for one in committed:
        transaction = one.transaction
        every = keys.of(one)
        for position, change in enumerate(transaction.changes, 1):
            own = keys.of_change(change) or every
            rows.append(
                {
                    "node": one.node,
                    "database": one.database,
                    "xid": transaction.xid,
                    "lsn": transaction.lsn,
                    "position": position,
                    "table": change.table,
                    "operation": change.operation.value,
                    "key": next(iter(own)) if len(own) == 1 else None,
                    "columns": json.dumps(dict(change.columns), ensure_ascii=False),
                }
            )
    return rows
