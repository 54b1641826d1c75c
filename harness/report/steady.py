"""The probes of the steady state as they were measured, read for the page: before, and again after."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one probe said last."""

    holds: bool
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One probe; None where it was not measured."""

    name: str
    wanted: str
    before: Measured | None
    after: Measured | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """All of them, and how long each time it took until all held, or was waited in vain."""

    probes: tuple[Probed, ...] = ()
    before_s: float | None = None
    after_s: float | None = None

    @property
    def held_before(self) -> bool:
        return all(probe.before is not None and probe.before.holds for probe in self.probes)

    @property
    def held_after(self) -> bool:
        return all(probe.after is not None and probe.after.holds for probe in self.probes)


def read_steady(path: Path) -> Steady:
    """Without probes where there is no file that can be read."""
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException):
        return Steady()
    measured = {
        (row["probe"], row["when"]): Measured(holds=row["holds"] is True, value=row["value"] or "")
        for row in rows
    }
    waited = {row["when"]: row["waited_s"] for row in rows}
    return Steady(
        probes=tuple(
            Probed(
                name=name,
                wanted=wanted,
                before=measured.get((name, "before")),
                after=measured.get((name, "after")),
            )
            for name, wanted in {row["probe"]: row["wanted"] for row in rows}.items()
        ),
        before_s=waited.get("before"),
        after_s=waited.get("after"),
    )
