"""Namespaces and Docker side by side: the same verdicts and violated keys, and what each costs.

    python benchmarks/environments.py [--seeds 10] [--pattern P]… [--fault F]… [--rate 150]
                                      [--backend B]… [--only WHAT]… [--minutes M] [--out FILE]

For every seed and both environments one `aftershock run` of the default matrix (or of what is
named), and two under about as much load as two cores bear, with taps and without; which environment
is first changes with the seed. Each run is a line of the file, and what the file has already is not
run again, so that it can be stopped and gone on with, and two of it, each with a `--backend`, may
fill one file side by side. Prints each seed's verdicts, what was struck and keys where they differ,
and the costs, as medians over all seeds.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import runs
from runs import BACKENDS, Row

MATRIX, TAPPED, UNTAPPED = "matrix", "load with taps", "load without taps"
PARTS = (MATRIX, TAPPED, UNTAPPED)
_LOADED = "dual-write"
_LOAD_S = 5.0
_RUN_S = 1800.0


def main() -> None:
    """Run what is missing, then tell. Exit code 1 where a verdict differs or was not expected."""
    options = _options()
    ends_at = time.monotonic() + 60 * options.minutes
    for seed in range(1, options.seeds + 1):
        for backend in BACKENDS if seed % 2 else BACKENDS[::-1]:
            if backend not in options.backend:
                continue
            done = {(r["seed"], r["backend"], r["what"]) for r in runs.rows(options.out)}
            for what in options.only:
                if (seed, backend, what) not in done and time.monotonic() < ends_at:
                    _keep(options.out, _run(options, seed, backend, what))
    rows = [row for row in runs.rows(options.out) if row["seed"] <= options.seeds]
    sys.exit(not _compared(rows) or not _as_expected(rows) or not _costs(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The same runs in both environments.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--rate", type=float, default=150.0, help="flows a second under load")
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--out", type=Path, default=Path("results/environments.jsonl"))
    options = parser.parse_args()
    options.backend = options.backend or BACKENDS
    options.only = options.only or PARTS
    return options


def _keep(path: Path, row: Row) -> None:
    runs.keep(path, [row])
    print(f"seed {row['seed']}, {row['backend']}, {row['what']}: {row['seconds']:.0f} s",
          file=sys.stderr, flush=True)  # fmt: skip


# --- running --------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, seed: int, backend: str, what: str) -> Row:
    chosen = ["--seed", str(seed), "--backend", backend]
    if what == MATRIX:
        chosen += runs.options_of("--pattern", options.pattern)
        chosen += runs.options_of("--fault", options.fault)
    else:
        chosen += ["--pattern", _LOADED, "--fault", "none", "--rate", str(options.rate)]
        chosen += ["--duration", str(_LOAD_S), *(["--no-taps"] if what == UNTAPPED else [])]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        document = runs.run(Path(folder), *chosen, timeout_s=_RUN_S)
        seconds = time.monotonic() - began
        at = Path(document["run_dir"])
        scenarios = [_scenario(s, at / s["dir"]) for s in document["scenarios"]]
        load = {} if what == MATRIX else _load(at / document["scenarios"][0]["dir"])
    return {
        "seed": seed,
        "backend": backend,
        "what": what,
        "seconds": round(seconds, 1),
        "ready_s": document["timings"]["ready_s"],
        "scenarios": scenarios,
        **load,
    }


def _scenario(scenario: Row, place: Path) -> Row:
    record = json.loads((place / "scenario.json").read_text(encoding="utf-8"))
    phases = {phase["name"]: phase for phase in record["phases"]}
    start = phases["start"]
    return {
        "name": f"{scenario['pattern']} × {scenario['fault']}",
        "verdict": scenario["verdict"],
        "as_expected": scenario["as_expected"],
        "reason": scenario["reason"],
        "violated": {v["invariant"]: sorted(v["keys"]) for v in scenario["violations"]},
        "struck": [
            fault["evidence"].get("intended_cut", {}).get("address") for fault in scenario["faults"]
        ],
        "start_s": round(start["end_s"] - start["start_s"], 3),
        "seconds": scenario["duration_s"],
    }


def _load(place: Path) -> Row:
    """Operations that succeeded each second, and how long they took."""
    begun: dict[str, float] = {}
    took, ends = list[float](), list[float]()
    for op in pq.read_table(place / "history.parquet").to_pylist():
        if op["type"] == "invoke":
            begun[op["process"]] = op["time_s"]
        elif op["type"] == "ok" and op["process"] in begun:
            took.append(1000 * (op["time_s"] - begun[op["process"]]))
            ends.append(op["time_s"])
    return {
        "ops_per_s": round(len(took) / (max(ends) - min(begun.values())), 1),
        "p50_ms": round(statistics.median(took), 1),
    }


# --- telling --------------------------------------------------------------------------------------


def _compared(rows: Sequence[Row]) -> bool:
    """Print where the environments differ, by seed. Whether all verdicts, violated invariants and
    their keys are the same. What a fault struck may be another where that is a race, and is told."""
    found = {(r["seed"], r["backend"]): r for r in rows if r["what"] == MATRIX}
    seeds = sorted(seed for seed, backend in found if backend == BACKENDS[0])
    both = [seed for seed in seeds if (seed, BACKENDS[1]) in found]
    print(
        "| seed | scenarios | same verdict | same invariants violated | same keys | struck the same |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    differ, same = list[str](), True
    for seed in both:
        one, other = (
            {s["name"]: s for s in found[seed, backend]["scenarios"]} for backend in BACKENDS
        )
        views: tuple[Callable[[Row], Any], ...] = (
            lambda s: s["verdict"], lambda s: sorted(s["violated"]), lambda s: s["violated"],
            lambda s: s.get("struck"),
        )  # fmt: skip
        counts = [_equal(one, other, view) for view in views]
        print(f"| {seed} | {len(one)} | {' | '.join(map(str, counts))} |")
        same = same and counts[:3] == [len(one)] * 3 and one.keys() == other.keys()
        differ += [
            f"- seed {seed}, {name}: {_said(one[name])} in namespaces, {_said(other[name])} in Docker"
            for name in one
            if name in other and one[name]["violated"] != other[name]["violated"]
        ]
    print("\n" + "\n".join(differ) + "\n" if differ else "")
    return same


def _equal(one: Mapping[str, Row], other: Mapping[str, Row], view: Callable[[Row], Any]) -> int:
    return sum(view(one[name]) == view(other[name]) for name in one if name in other)


def _said(scenario: Row) -> str:
    keys = "; ".join(f"{name} of {', '.join(k)}" for name, k in scenario["violated"].items())
    return f"{scenario['verdict']} ({keys or scenario['reason']})"


def _as_expected(rows: Sequence[Row]) -> bool:
    wrong = [
        f"- seed {row['seed']}, {row['backend']}, {s['name']}: {s['verdict']}: {s['reason']}"
        for row in rows
        if row["what"] == MATRIX
        for s in row["scenarios"]
        if not s["as_expected"]
    ]
    print("\n".join(wrong) if wrong else "every scenario came out as expected")
    return not wrong


def _costs(rows: Sequence[Row]) -> bool:
    """Print the figures side by side. Whether there are any."""
    figures: dict[str, Callable[[str], list[float]]] = {
        "the whole matrix (s)": lambda b: [r["seconds"] for r in _of(rows, b, MATRIX)],
        "servers ready (s)": lambda b: [r["ready_s"] for r in _of(rows, b, MATRIX)],
        "reset and services started, from one scenario to the next (s)": lambda b: [
            s["start_s"] for r in _of(rows, b, MATRIX) for s in r["scenarios"][1:]
        ],
        "one scenario (s)": lambda b: [
            s["seconds"] for r in _of(rows, b, MATRIX) for s in r["scenarios"]
        ],
        "operations a second, with taps": lambda b: [
            r["ops_per_s"] for r in _of(rows, b, TAPPED)
        ],
        "operations a second, without": lambda b: [
            r["ops_per_s"] for r in _of(rows, b, UNTAPPED)
        ],
        "latency p50 under that load, with taps (ms)": lambda b: [
            r["p50_ms"] for r in _of(rows, b, TAPPED)
        ],
        "latency p50 under that load, without (ms)": lambda b: [
            r["p50_ms"] for r in _of(rows, b, UNTAPPED)
        ],
    }  # fmt: skip
    print("\n| median (least to most) | namespaces | Docker | ratio |")
    print("| --- | --- | --- | --- |")
    for name, values in figures.items():
        sides = [values(backend) for backend in BACKENDS]
        if all(sides):
            ratio = statistics.median(sides[1]) / statistics.median(sides[0])
            print(f"| {name} | {' | '.join(map(_range, sides))} | {ratio:.2f} |")
    for backend in BACKENDS:
        pairs = [values(backend) for name, values in figures.items() if "operations" in name]
        if all(pairs):
            share = 100 * (1 - statistics.median(pairs[0]) / statistics.median(pairs[1]))
            print(f"\nthe taps take {share:.0f} % of the operations a second in {backend}")
    return bool(rows)


def _of(rows: Sequence[Row], backend: str, what: str) -> list[Row]:
    return [row for row in rows if row["backend"] == backend and row["what"] == what]


def _range(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
