"""Which changes of an order's row no record tells of: by the database's log, over many stored runs.

    python benchmarks/soundness.py --pattern table-polling --pattern table-cdc --fault none --keep DIR
    python benchmarks/missed.py DIR

An update is written over where another change of its order follows it. Prints a row for each pattern:
how many changes of each kind there were in all its scenarios, how many had no record, and of how many
of the scenarios that is true.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

QUERY = """
    WITH changes AS (
        SELECT
            columns->>'order_id' AS order_id, operation,
            (columns->>'version')::BIGINT + (operation = 'delete')::BIGINT AS version
        FROM '{snapshot}/transactions.parquet'
        WHERE node = 'order-db' AND "table" = 'orders'
    ),
    records AS (
        SELECT DISTINCT
            key AS order_id,
            (value->>'version')::BIGINT + (value->>'__op' = 'd')::BIGINT AS version
        FROM '{snapshot}/kafka.order.table.parquet'
        WHERE committed
    ),
    kinds AS (
        SELECT
            CASE
                WHEN operation = 'delete' THEN 'deletions'
                WHEN version < max(version) OVER (PARTITION BY order_id) THEN operation || 's written over'
                ELSE 'last ' || operation || 's'
            END AS kind,
            (order_id, version) IN (SELECT (order_id, version) FROM records) AS told
        FROM changes
    )
    SELECT kind, count(*), count(*) FILTER (NOT told) FROM kinds GROUP BY kind
"""
KINDS = (
    "deletions", "updates written over", "inserts written over", "last updates", "last inserts",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """Of one kind of change under one pattern."""

    changes: int = 0
    missed: int = 0
    scenarios: int = 0
    """In which at least one was missed."""


def main() -> None:
    """Tell of all runs below the folder."""
    found: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    seeds: dict[str, set[int]] = defaultdict(set)
    for pattern, seed, directory in _scenarios(Path(sys.argv[1])):
        seeds[pattern].add(seed)
        for kind, changes, missed in duckdb.sql(
            QUERY.format(snapshot=directory / "snapshot")
        ).fetchall():
            tally = found[pattern][kind]
            tally.changes += changes
            tally.missed += missed
            tally.scenarios += missed > 0
    print("| pattern | seeds | " + " | ".join(f"{kind}, missed" for kind in KINDS) + " |")
    print("| --- " * (2 + len(KINDS)) + "|")
    for pattern, tallies in found.items():
        cells = [_cell(tallies[kind]) for kind in KINDS]
        print(f"| `{pattern}` | {len(seeds[pattern])} | {' | '.join(cells)} |")


def _scenarios(folder: Path) -> Iterator[tuple[str, int, Path]]:
    for path in sorted(folder.rglob("scenario.json")):
        if not any(part.is_symlink() for part in path.parents):
            told = json.loads(path.read_text(encoding="utf-8"))
            yield told["pattern"], told["seed"], path.parent


def _cell(tally: Tally) -> str:
    told = f"{tally.missed:,} of {tally.changes:,}"
    if not tally.missed:
        return told
    return f"{told}, in {tally.scenarios} scenario{'' if tally.scenarios == 1 else 's'}"


if __name__ == "__main__":
    main()
