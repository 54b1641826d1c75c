"""`aftershock list points`: every effect of a run without a fault, by its address.

Under the same seed a run with a fault sees the same addresses up to its fault, but for those that
hang on time, such as offsets that are committed again and again.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

import faults
from harness.cli import suites
from harness.cli.listing import POINTS, Row, print_rows
from harness.cli.matrix import POINTS_SEED, known_pattern
from harness.cli.run import Request, run
from harness.errors import DeclarationError
from harness.lifecycle import Phase
from harness.model.record import ScenarioRecord
from harness.model.verdict import ExitCode
from harness.store import open_run

_COLUMNS = ("address", "node", "link", "kind", "key", "occurrence")


def show(
    suite: str,
    pattern: str | None,
    *,
    seed: int | None,
    as_json: bool,
    offline: bool,
    backend: str = "auto",
) -> int:
    """Run the pattern without a fault, print what it did on the wire since the workload began, and
    return the run's exit code. Raises DeclarationError for a pattern that there is not."""
    declared = suites.load(suite)
    if pattern is None:
        known = ", ".join(p.name for p in declared.patterns)
        raise DeclarationError(f"list {POINTS}: --pattern is wanted; there are {known}")
    known_pattern(declared, pattern)
    with TemporaryDirectory(prefix="aftershock-points-") as place:
        request = Request(
            suite=suite, patterns=(pattern,), faults=(faults.NONE,), out=Path(place),
            seed=POINTS_SEED if seed is None else seed, offline=offline, silent=True,
            backend=backend,
        )  # fmt: skip
        code = run(request)
        record = open_run(Path(place) / declared.name / "latest").scenarios
        rows = points_of(record[0]) if record else []
    if code != ExitCode.AS_EXPECTED.value:
        reason = record[0].judged.judgement.reason if record and record[0].judged else "it died"
        print(f"aftershock: the run without a fault is no good: {reason}", file=sys.stderr)
    if rows or code == ExitCode.AS_EXPECTED.value:
        print_rows(rows, as_json=as_json)
    return code


def points_of(record: ScenarioRecord) -> list[Row]:
    """The effects of a stored scenario since its workload began, in the order of the wire: what
    came before can't be aimed at."""
    path = record.dir / "snapshot" / "effects.parquet"
    began = [phase.start_s for phase in record.phases if phase.name == Phase.WORKLOAD.value]
    if not path.is_file() or not began:
        return []
    effects = pq.read_table(path, columns=["effect", "at_s", *_COLUMNS]).sort_by("effect")
    return [
        {name: row[name] for name in _COLUMNS}
        for row in effects.to_pylist()
        if row["at_s"] >= began[0]
    ]
