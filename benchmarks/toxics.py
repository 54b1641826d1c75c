"""Each toxic on a service's link to Kafka and on Debezium's to its database: proved, healed, PASS?

    python benchmarks/toxics.py [--seeds 5] [--pattern outbox-cdc] [--toxic T]… [--link C/S]…
                                [--seconds 1] [--backend namespaces] [--out FILE]

Every seed is one `aftershock run` a link with each toxic on it, as much of it as there is by default,
held for so many seconds after the effect has been measured. A scenario is a
line of the file, and what the file has already is not run again. Prints a table toxic × link: how
often the toxic was shown, how often the link was well again, how many verdicts were PASS, and what
the probe measured on the link before, during and after.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import runs
from runs import BACKENDS, Row

from faults.toxic import Ail

LINKS = ("inventory/kafka-1", "connect/order-db")
_RUN_S = 1500.0
_SHOWN = {
    Ail.LATENCY: ("median_ms", "ms a round trip"),
    Ail.BANDWIDTH: ("down_kb_per_s", "kB/s from the server"),
    Ail.SLICER: ("pieces", "pieces of one answer"),
    Ail.LIMIT_DATA: ("bytes", "bytes that came"),
    Ail.RESET_PEER: ("new", "a new connection"),
    Ail.TIMEOUT: ("bytes", "bytes in a second"),
    Ail.SLOW_CLOSE: ("ms", "ms from the last word to the end"),
}
"""The figure of a probe that tells most."""


def main() -> None:
    """Run what is missing, then tell. Exit code 1 where anything was not proved, healed and PASS."""
    options = _options()
    toxics = options.toxic or [ail.value for ail in Ail]
    links = options.link or list(LINKS)
    held = f",{options.seconds:g}"
    faults = [f"{toxic}{held}:{link}" for toxic in toxics for link in links]
    for seed in range(1, options.seeds + 1):
        rows = _rows(options)
        done = {(r["pattern"], r["fault"]) for r in rows if r["seed"] == seed}
        for link in links:
            those = [f"{toxic}{held}:{link}" for toxic in toxics]
            missing = [fault for fault in those if (options.pattern, fault) not in done]
            if missing:
                _run(options, missing, seed)
    rows = [
        row
        for row in _rows(options)
        if row["pattern"] == options.pattern
        and row["fault"] in faults
        and row["seed"] <= options.seeds
    ]
    _print(rows, toxics, links, held)
    sys.exit(not all(_is_good(row) for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Toxics on links: proved, healed, PASS.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pattern", default="outbox-cdc")
    parser.add_argument("--toxic", action="append", choices=[ail.value for ail in Ail])
    parser.add_argument("--link", action="append", metavar="CLIENT/SERVER")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--backend", default="namespaces", choices=BACKENDS)
    parser.add_argument("--out", type=Path, default=Path("results/toxics.jsonl"))
    return parser.parse_args()


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    """Of the backend; a row without one is of namespaces."""
    for row in runs.rows(options.out):
        if row.get("backend", "namespaces") == options.backend:
            yield row


def _run(options: argparse.Namespace, faults: Sequence[str], seed: int) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        document = runs.run(
            Path(folder), "--pattern", options.pattern, *runs.options_of("--fault", faults),
            "--seed", str(seed), "--backend", options.backend, timeout_s=_RUN_S,
        )  # fmt: skip
    scenarios = document["scenarios"]
    runs.keep(options.out, [{**_row(s, seed), "backend": options.backend} for s in scenarios])
    said = Counter(scenario["verdict"] for scenario in scenarios)
    print(f"seed {seed}: {dict(said)} in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _row(scenario: Row, seed: int) -> Row:
    (fault,) = scenario["faults"] or ({"proved": False, "evidence": {}},)
    return {
        "pattern": scenario["pattern"],
        "fault": scenario["fault"],
        "seed": seed,
        "verdict": scenario["verdict"],
        "reason": scenario["reason"],
        "proved": fault["proved"],
        "probes": {step: fault["evidence"].get(step) for step in ("before", "during", "after")},
    }


def _is_good(row: Row) -> bool:
    return bool(row["proved"]) and row["verdict"] == "PASS"


def _print(rows: Sequence[Row], toxics: Sequence[str], links: Sequence[str], held: str) -> None:
    print("| toxic | link | shown | healed | PASS | measured | before | during | after |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for toxic in toxics:
        figure, unit = _SHOWN[Ail(toxic)]
        for link in links:
            those = [row for row in rows if row["fault"] == f"{toxic}{held}:{link}"]
            cells = [
                _share(those, lambda row: _shown(row, "during")),
                _share(those, lambda row: _shown(row, "after")),
                _share(those, lambda row: row["verdict"] == "PASS"),
                unit,
                *(_figures(those, step, figure) for step in ("before", "during", "after")),
            ]
            print(f"| `{toxic}` | {link.replace('/', '→')} | {' | '.join(cells)} |")
    print(f"\n{len(rows)} scenarios, {sum(map(_is_good, rows))} proved, healed and PASS")
    for row in rows:
        if not _is_good(row):
            print(f"- {row['fault']}, seed {row['seed']}: {row['verdict']}: {row['reason']}")


def _share(rows: Sequence[Row], is_so: Any) -> str:
    return f"{sum(map(bool, map(is_so, rows)))} of {len(rows)}"


def _shown(row: Row, step: str) -> bool:
    probe: Mapping[str, Any] | None = row["probes"][step]
    return probe is not None and bool(probe["shown"])


def _figures(rows: Sequence[Row], step: str, name: str) -> str:
    """The median and the range of a figure, or how often each word came."""
    probes = [row["probes"][step] for row in rows if row["probes"][step] is not None]
    found = [probe["measured"].get(name, probe["measured"].get("ending")) for probe in probes]
    numbers = [value for value in found if isinstance(value, int | float)]
    if numbers:
        low, high = min(numbers), max(numbers)
        return f"{median(numbers):g}" + (f" ({low:g} to {high:g})" if low < high else "")
    words = Counter("answered" if value is None else str(value) for value in found)
    return ", ".join(f"{count} × {word}" for word, count in words.items())


if __name__ == "__main__":
    main()
