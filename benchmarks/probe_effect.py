"""What the taps change: the same scenarios with and without them, in turn, over many seeds.

    python benchmarks/probe_effect.py [--seeds 20] [--pattern P]… [--fault none --fault kill]…

For each seed `aftershock run` is called twice, once with `--no-taps` (whose turn is first changes
with the seed). Prints whether every scenario came out the same, and, side by side, operations that
succeeded each second of the workload and how long they took, as medians over all runs.
"""

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import runs

WAYS = ("with taps", "without")


def main() -> None:
    """Run, compare, print. Exit code 1 where a verdict differs."""
    parser = argparse.ArgumentParser(description="Verdicts, rates and latencies with and without.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--fault", action="append", default=[])
    given = parser.parse_args()
    chosen = runs.options_of("--pattern", given.pattern)
    chosen += runs.options_of("--fault", given.fault or ("none", "kill"))
    verdicts: dict[str, dict[tuple[int, str], str]] = {way: {} for way in WAYS}
    figures: dict[str, dict[str, list[float]]] = {way: defaultdict(list) for way in WAYS}
    with tempfile.TemporaryDirectory() as out:
        for seed in range(1, given.seeds + 1):
            for way in WAYS if seed % 2 else WAYS[::-1]:
                document = _run(seed, way, chosen, Path(out))
                for scenario in document["scenarios"]:
                    name = f"{scenario['pattern']} × {scenario['fault']}"
                    verdicts[way][seed, name] = scenario["verdict"]
                    if scenario["fault"] == "none":
                        where = Path(document["run_dir"]) / scenario["dir"]
                        for figure, value in _figures(where).items():
                            figures[way][figure].append(value)
            print(f"seed {seed}: {_differing(verdicts, seed) or 'the same verdicts'}", flush=True)
    differing = [one for seed in range(1, given.seeds + 1) for one in _differing(verdicts, seed)]
    counted = len(verdicts[WAYS[0]])
    print(
        f"\n{counted - len(differing)} of {counted} scenarios came out the same, {given.seeds} seeds"
    )
    print("\n| without a fault, median of the runs | with taps | without | ratio |")
    print("| --- | --- | --- | --- |")
    for figure in figures[WAYS[0]]:
        on, off = (statistics.median(figures[way][figure]) for way in WAYS)
        print(f"| {figure} | {on:.2f} | {off:.2f} | {on / off:.2f} |")
    sys.exit(bool(differing))


def _run(seed: int, way: str, chosen: list[str], out: Path) -> runs.Row:
    untapped = ["--no-taps"] if way == WAYS[1] else []
    return runs.run(out, *chosen, "--seed", str(seed), *untapped, timeout_s=600)


def _figures(scenario: Path) -> dict[str, float]:
    """Of the operations that succeeded."""
    history = pq.read_table(scenario / "history.parquet").to_pylist()
    begun: dict[str, float] = {}
    took: list[float] = []
    ends: list[float] = []
    for op in history:
        if op["type"] == "invoke":
            begun[op["process"]] = op["time_s"]
        elif op["type"] == "ok" and op["process"] in begun:
            took.append(1000 * (op["time_s"] - begun[op["process"]]))
            ends.append(op["time_s"])
    quantiles = statistics.quantiles(took, n=100)
    return {
        "operations a second": len(took) / (max(ends) - min(begun.values())),
        "latency p50 (ms)": quantiles[49],
        "latency p90 (ms)": quantiles[89],
        "latency p99 (ms)": quantiles[98],
    }


def _differing(verdicts: dict[str, dict[tuple[int, str], str]], seed: int) -> list[str]:
    one, other = (verdicts[way] for way in WAYS)
    return [
        f"{name}: {one[key]} with taps, {other.get(key)} without"
        for key, name in ((key, key[1]) for key in one)
        if key[0] == seed and one[key] != other.get(key)
    ]


if __name__ == "__main__":
    main()
