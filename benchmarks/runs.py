"""`aftershock run … --json` as a benchmark calls it, and files of rows that are gone on with."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
BACKENDS = ("namespaces", "docker")
USAGE = 254
"""Exit code of a run that was refused."""


class Refused(SystemExit):
    """The command refused what it was asked for: its last line, which ends whoever expects none."""


def run(out: Path, *chosen: str, timeout_s: float) -> Row:
    """What a run of the shop into `out` tells of itself. Raises Refused where it was refused for what
    was chosen; ends this program, with the run's own words, where it told nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", "run", "shop",
         *chosen, "--offline", "--json", "--out", str(out)],
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    if done.returncode == USAGE:
        raise Refused(done.stderr.strip().splitlines()[-1])
    if not done.stdout:
        raise SystemExit(f"{' '.join(chosen)}: {done.stderr[-2000:]}")
    document: Row = json.loads(done.stdout)
    return document


def options_of(option: str, values: Iterable[str]) -> list[str]:
    """The option once for each value."""
    return [part for value in values for part in (option, value)]


def rows(path: Path) -> Iterator[Row]:
    """What was kept so far, a row a line."""
    if path.exists():
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def keep(path: Path, those: Sequence[Row]) -> None:
    """Add rows to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in those)
