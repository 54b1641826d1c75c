"""How often a kill between commit and publish hits, in four client stacks (tests/clients).

    python benchmarks/clients.py [KILLS]

Each stack's writer runs with taps and is killed so many times (20), each time right after the
server has acknowledged a commit and before anything else leaves the process. What a hit is, the
stores say: the order and its lines are there, its record is not, neither while the writer is down
nor at the end, and every other order has its record. Prints a table and exits with 1 where any
kill missed.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.testing import isolated
from tests.clients import build
from tests.clients.flow import STACKS, with_taps

_SECONDS_A_KILL = 15.0
"""At most, on a machine with much else to do."""


def main() -> int:
    """Run and print the table."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    build.commands()  # there is no network where the stacks run
    with tempfile.TemporaryDirectory() as directory:
        limit_s = 60.0 + _SECONDS_A_KILL * kills * len(STACKS)
        told = isolated(with_taps, directory, kills, timeout_s=limit_s)
    print("stack     kills  hit  committed  published  lost by others  seconds a kill (median)")
    rows = [_row(stack, told[stack]) for stack in STACKS]
    return 0 if all(rows) else 1


def _row(stack: str, told: dict[str, Any]) -> bool:
    """Print one stack's; whether all of its kills hit."""
    kills = told["kills"]
    killed = {kill["key"] for kill in kills}
    published = set(told["records"])
    hit = sum(k["hit"] and k["committed"] and not k["published"] for k in kills)
    late = len(killed & published)
    # The newest may have been under way.
    others = [order for order in told["orders"][:-1] if order not in killed | published]
    took_s = statistics.median(kill["took_s"] for kill in kills)
    print(
        f"{stack:<9} {len(kills):>5} {hit:>4} {sum(k['committed'] for k in kills):>10}"
        f" {late:>10} {len(others):>15} {took_s:>15.2f}"
    )
    return hit == len(killed) == len(kills) and not late and not others


if __name__ == "__main__":
    sys.exit(main())
