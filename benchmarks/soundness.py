"""Every pattern under every fault, over many seeds: are sound patterns silent, and controls caught?

    python benchmarks/soundness.py [--seeds 20] [--each N] [--pattern P]… [--fault F]… [--minutes M]
                                   [--out FILE] [--keep DIR]

Every seed takes every fault, or `--each N` of them in turn; faults that fit the same patterns share
an `aftershock run` with all of these. Each scenario is a line of the file, and what the file has
already is not run again, so that it can be stopped and gone on with at any time. Runs are kept where
`--keep` says. Prints a table pattern × fault, and every scenario that did not come out as expected.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import runs
from runs import Row

_RUN_S, _LIST_S = 3600.0, 60.0


def main() -> None:
    """Run what is missing, then tell. Exit code 1 where anything was not as expected."""
    options = _options()
    patterns = options.pattern or [row["name"] for row in _listed("patterns")]
    named = [row["name"] for row in _listed("faults") if ":" not in row["name"]]
    faults = options.fault or [name for name in named if "=" not in name]
    fits = {row["name"]: row["patterns"] for row in _listed("faults")}
    ends_at = time.monotonic() + 60 * options.minutes
    done = {(r["pattern"], r["fault"], r["seed"]) for r in runs.rows(options.out)}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for fault in _of_seed(seed, faults, options.each):
            missing = tuple(
                pattern
                for pattern in patterns
                if pattern in fits.get(fault, patterns) and (pattern, fault, seed) not in done
            )
            together[missing].append(fault)
        for missing, those in together.items():
            if missing and time.monotonic() < ends_at:
                _run(missing, those, seed, options)
    rows = [r for r in runs.rows(options.out) if r["pattern"] in patterns and r["fault"] in faults]
    _print(rows, patterns, faults)
    sys.exit(not all(row["as_expected"] for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Verdicts of every pattern under every fault.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--each", type=int, help="faults a seed, in turn (all of them)")
    parser.add_argument("--pattern", action="append")
    parser.add_argument("--fault", action="append")
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--out", type=Path, default=Path("results/soundness.jsonl"))
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


def _listed(kind: str) -> list[Row]:
    told = subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", "list", kind, "--json"],
        capture_output=True, text=True, timeout=_LIST_S, check=False,
    )  # fmt: skip
    if not told.stdout:
        raise SystemExit(f"list {kind}: {told.stderr[-2000:]}")
    rows: list[Row] = json.loads(told.stdout)
    return rows


def _of_seed(seed: int, faults: list[str], each: int | None) -> list[str]:
    """The faults that are the seed's, which starts where the seed before it ended."""
    count = len(faults) if each is None else min(each, len(faults))
    return [faults[((seed - 1) * count + n) % len(faults)] for n in range(count)]


def _run(
    patterns: Iterable[str], faults: Iterable[str], seed: int, options: argparse.Namespace
) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        document = runs.run(
            options.keep or Path(folder), *runs.options_of("--pattern", patterns),
            *runs.options_of("--fault", faults), "--seed", str(seed), timeout_s=_RUN_S,
        )  # fmt: skip
    runs.keep(options.out, [_row(scenario, seed) for scenario in document["scenarios"]])
    said = Counter(scenario["verdict"] for scenario in document["scenarios"])
    took = time.monotonic() - began
    told = f"seed {seed} {', '.join(faults)}: {dict(said)} in {took:.0f} s"
    print(told, file=sys.stderr, flush=True)


def _row(scenario: Row, seed: int) -> Row:
    return {
        "pattern": scenario["pattern"],
        "fault": scenario["fault"],
        "seed": seed,
        "verdict": scenario["verdict"],
        "as_expected": scenario["as_expected"],
        "control": scenario.get("control"),
        "reason": scenario["reason"],
    }


def _print(rows: list[Row], patterns: list[str], faults: list[str]) -> None:
    counted: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        said = "control caught" if row["control"] and row["as_expected"] else row["verdict"]
        counted[row["pattern"], row["fault"]][said] += 1
    used = [fault for fault in faults if any((p, fault) in counted for p in patterns)]
    print("| pattern | " + " | ".join(used) + " |")
    print("| --- |" + " --- |" * len(used))
    for pattern in patterns:
        cells = [_cell(counted.get((pattern, fault))) for fault in used]
        print(f"| {pattern} | " + " | ".join(cells) + " |")
    print(f"\n{len(rows)} scenarios, {len({row['seed'] for row in rows})} seeds")
    for row in rows:
        if not row["as_expected"]:
            print(f"- {row['pattern']} × {row['fault']}, seed {row['seed']}: "
                  f"{row['verdict']}: {row['reason']}")  # fmt: skip


def _cell(said: Counter[str] | None) -> str:
    return "" if said is None else ", ".join(f"{n} {word}" for word, n in sorted(said.items()))


if __name__ == "__main__":
    main()
