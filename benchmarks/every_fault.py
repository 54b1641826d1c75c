"""Every fault that there is, in both environments: proved, healed, or refused by name.

    python benchmarks/every_fault.py [--seed 1] [--backend B]… [--out FILE]

Each named fault, each kind of outage, each toxic and each action at a point is run once in each
environment, under a pattern that it fits. A scenario is a line of the file, and what the file has
already is not run again. Prints a table; exit code 1 where a fault was neither proved and healed nor
refused by name.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import runs
from runs import BACKENDS, Row

import faults
from faults.outage import Ill
from faults.point import Action
from faults.toxic import Ail

_RUN_S = 1500.0
_PRODUCE = "relay/kafka-1/produce(order.events)"
_COMMIT = "order/order-db/commit(orders,*)"

FAULTS: Mapping[str, Sequence[str]] = {
    "rest-sync": (
        "answer-lost", "kill-before-commit", "kill", "down=1:review", "hang=1:review",
        "errors=503,1:*/review",
    ),
    "outbox-polling": (
        "kill-between-commit-and-publish", "kill-between-publish-and-mark",
        "kill-between-effect-and-offset-commit", "broker-partition",
        f"kill:relay:after:{_PRODUCE}", f"pause=1:relay:after:{_PRODUCE}",
        f"cut=1:relay:before:{_PRODUCE}", f"reset:relay:before:{_PRODUCE}",
        f"hold=1:relay:before:{_PRODUCE}", f"swallow:relay:after:{_PRODUCE}",
        f"error=40001:order:before:{_COMMIT}",
    ),
    "outbox-cdc": (
        "kill-connect-before-offset-flush", "connector-restart", "connect-kill",
        *(f"{ail.value},1:inventory/kafka-1" for ail in Ail),
    ),
}  # fmt: skip


def main() -> None:
    """Run what is missing, then tell."""
    options = _options()
    _refuse_gaps()
    for backend in options.backend or BACKENDS:
        for pattern, names in FAULTS.items():
            done = {r["fault"] for r in runs.rows(options.out) if r["backend"] == backend}
            missing = [name for name in names if name not in done]
            if missing:
                _run(options, backend, pattern, missing)
    sys.exit(not _told(list(runs.rows(options.out))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every fault in both environments.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--out", type=Path, default=Path("results/every_fault.jsonl"))
    return parser.parse_args()


def _refuse_gaps() -> None:
    """A fault that is new must not be left out unnoticed."""
    given = [name for names in FAULTS.values() for name in names]
    words = {name.partition(":")[0].partition("=")[0].partition(",")[0] for name in given}
    there = {*faults.CATALOGUE, *(kind.value for kinds in (Ill, Ail, Action) for kind in kinds)}
    if there - words:
        raise SystemExit(f"no scenario for {', '.join(sorted(there - words))}")


def _run(options: argparse.Namespace, backend: str, pattern: str, names: Sequence[str]) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            document = runs.run(
                Path(folder), "--pattern", pattern, *runs.options_of("--fault", names),
                "--seed", str(options.seed), "--backend", backend, timeout_s=_RUN_S,
            )  # fmt: skip
    except runs.Refused as refused:
        if len(names) > 1:
            for name in names:  # one of them was refused: each by itself
                _run(options, backend, pattern, [name])
            return
        rows: list[Row] = [{"fault": names[0], "refused": str(refused)}]
    else:
        rows = [_row(scenario) for scenario in document["scenarios"]]
    runs.keep(options.out, [{"pattern": pattern, **row, "backend": backend} for row in rows])


def _row(scenario: Row) -> Row:
    (fault,) = scenario["faults"] or ({"proved": False, "evidence": {}},)
    probes = {step: fault["evidence"].get(step) or {} for step in ("during", "after")}
    return {
        "fault": scenario["fault"],
        "verdict": scenario["verdict"],
        "reason": scenario["reason"],
        "proved": bool(fault["proved"]),
        "healed": bool(probes["after"].get("shown")),
        "says": probes["during"].get("says", ""),
    }


def _told(rows: Sequence[Row]) -> bool:
    found = {(row["fault"], row["backend"]): row for row in rows}
    good = True
    print("| fault | under | namespaces | Docker |")
    print("| --- | --- | --- | --- |")
    for pattern, names in FAULTS.items():
        for name in names:
            cells = [found.get((name, backend)) for backend in BACKENDS]
            good = good and all(cell is not None and _is_good(cell) for cell in cells)
            print(f"| `{name}` | {pattern} | {' | '.join(map(_cell, cells))} |")
    return good


def _is_good(row: Row) -> bool:
    return "refused" in row or (row["proved"] and row["healed"])


def _cell(row: Row | None) -> str:
    if row is None:
        return "not run"
    if "refused" in row:
        return f"refused: {row['refused']}"
    words = [
        "proved" if row["proved"] else "not proved",
        "healed" if row["healed"] else "not healed",
    ]
    return f"{', '.join(words)}, {row['verdict']}" + ("" if _is_good(row) else f": {row['reason']}")


if __name__ == "__main__":
    main()
