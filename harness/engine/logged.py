"""Which transaction of the write-ahead log a commit on the wire was.

The wire knows who committed and when, the log under which number and where; they are matched by
server, business key and the tables that were written. Where there are fewer or more of a kind in
the log than on the wire (a statement that changed nothing, a commit whose answer never came) no
number is guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from harness.model.effect import EffectKind, Outcome

Row = Mapping[str, Any]
Alike = tuple[str, str, frozenset[str]]
"""Server, key and tables."""


def with_transactions(effects: pa.Table, transactions: pa.Table) -> pa.Table:
    """The effects, those commits with `xid` and `lsn` of which the log tells."""
    logged = _logged(transactions.to_pylist())
    rows = effects.to_pylist()
    for alike, commits in _commits(rows).items():
        found = logged.get(alike, [])
        for told in (commits, [c for c in commits if c["outcome"] == Outcome.ACKNOWLEDGED.value]):
            if len(told) == len(found):
                for commit, (xid, lsn) in zip(told, found, strict=True):
                    commit["xid"], commit["lsn"] = xid, lsn
                break
    return pa.Table.from_pylist(rows, schema=effects.schema)


def _commits(rows: Iterable[dict[str, Any]]) -> Mapping[Alike, list[dict[str, Any]]]:
    """Commits that were not refused, in the order in which they were asked for."""
    found = defaultdict(list)
    for row in rows:
        refused = row["outcome"] == Outcome.FAILED.value
        if row["kind"] == EffectKind.COMMIT.value and row["key"] is not None and not refused:
            tables = frozenset(part.split(":")[0] for part in row["detail"].split(","))
            found[row["server"], row["key"], tables].append(row)
    return found


def _logged(rows: Iterable[Row]) -> Mapping[Alike, list[tuple[int, str]]]:
    """Number and place of each transaction, in the order of the log."""
    tables: dict[tuple[str, str, str, int, str], set[str]] = defaultdict(set)
    for row in rows:
        if row["key"] is not None:
            place = (row["node"], row["key"], row["database"], row["xid"], row["lsn"])
            tables[place].add(row["table"])
    found = defaultdict(list)
    for (node, key, _, xid, lsn), written in tables.items():
        found[node, key, frozenset(written)].append((xid, lsn))
    return found
