"""What a part that is away does to orders: patterns side by side, under the same outage.

    python benchmarks/propagation.py [--part review] [--seconds 5] [--seed 1] [--patterns a,b]

Each scenario is an ordinary run of the shop; the figures are those of its report, of placing orders.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from harness.cli import run as running
from harness.model.record import ScenarioRecord
from harness.report.figures import Figures, figures
from harness.store import open_run

PATTERNS = ("rest-sync", "event-driven", "outbox-polling")
ILLS = ("down={s}:{part}", "hang={s}:{part}", "errors=500,{s}:*/{part}")
HEAD = ("outage", "pattern", "stretch", "orders/s", "p50 ms", "p99 ms", "failed", "slowed", "of")


def main() -> int:
    """Run, and print one table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="review")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patterns", default=",".join(PATTERNS))
    asked = parser.parse_args()
    outages = [ill.format(s=f"{asked.seconds:g}", part=asked.part) for ill in ILLS]
    with tempfile.TemporaryDirectory(prefix="aftershock-propagation-") as place:
        code = running.run(
            running.Request(
                suite="shop", patterns=asked.patterns.split(","), faults=outages, seed=asked.seed,
                out=Path(place), offline=True, silent=True,
            )
        )  # fmt: skip
        record = open_run(Path(place) / "shop" / "latest")
        print("\n".join(table(record.scenarios)))
    print(f"exit code of the run: {code}", file=sys.stderr)
    return 0


def table(scenarios: tuple[ScenarioRecord, ...]) -> list[str]:
    """One row for each stretch, the scenarios of an outage together."""
    rows = [HEAD, ("---",) * len(HEAD)]
    for scenario in sorted(scenarios, key=lambda s: s.scenario.fault):
        what = scenario.scenario
        names = f"`{what.fault}`", f"`{what.pattern}`"
        rows += [(*names, *cells(one)) for one in figures(scenario, "place-order")]
    return ["| " + " | ".join(row) + " |" for row in rows]


def cells(one: Figures) -> tuple[str, ...]:
    """A stretch as text."""
    failed = str(one.failed)
    if one.stretch == "before" and one.failed:
        failed += f" ({one.overtaken} under way at the fault)"
    times = ("–" if t is None else f"{t:,.0f}" for t in (one.p50_ms, one.p99_ms))
    return (
        one.stretch, f"{one.done_per_s:.1f}", *times, failed, str(one.slowed),
        str(one.begun),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
