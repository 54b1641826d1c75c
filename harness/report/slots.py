"""What replication slots held back while a scenario went on, read for drawing.

A sample speaks for the time until the next one; where that is long in coming, because the server
did not answer, for no longer than samples usually take.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

_MOST_SLOTS = 6
_MOST_SAMPLES = 240
"""Of one slot; neighbours are taken together beyond these, at their highest."""
_ALONE_S = 0.5
"""How long a sample without a neighbour speaks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bytes of log that a slot kept on its server's disk, and those of them that its reader had
    not confirmed."""

    start_s: float
    end_s: float
    held: int
    unconfirmed: int
    is_read: bool
    status: str
    """As PostgreSQL has it: `reserved`, `extended`, `unreserved` or `lost`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotHistory:
    """One slot's samples, in their order; at least one."""

    node: str
    slot: str
    samples: tuple[Held, ...]

    @property
    def most(self) -> int:
        return max(sample.held for sample in self.samples)


def read_slots(path: Path) -> tuple[SlotHistory, ...]:
    """By node and slot, those that held most where there are many; empty where there is no file
    that can be read."""
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException):
        return ()
    by_slot: dict[tuple[str, str], list[Held]] = {}
    for row in sorted(rows, key=lambda r: r["at_s"]):
        by_slot.setdefault((row["node"], row["slot"]), []).append(
            Held(
                start_s=row["at_s"],
                end_s=row["at_s"],
                held=max(row["held_bytes"] or 0, 0),
                unconfirmed=max(row["unconfirmed_bytes"] or 0, 0),
                is_read=row["active"] is True,
                status=row["wal_status"] or "unknown",
            )
        )
    found = [
        SlotHistory(node=node, slot=slot, samples=tuple(_together(_lasting(samples))))
        for (node, slot), samples in by_slot.items()
    ]
    kept = sorted(found, key=lambda history: -history.most)[:_MOST_SLOTS]
    return tuple(sorted(kept, key=lambda history: (history.node, history.slot)))


def _lasting(samples: Sequence[Held]) -> list[Held]:
    """Each until the next."""
    gaps = [after.start_s - before.start_s for before, after in pairwise(samples)]
    usual_s = median(gaps) if gaps else _ALONE_S
    lasting = [gap if gap <= 3 * usual_s else usual_s for gap in gaps]
    return [
        _spanning([sample], sample.start_s + length_s)
        for sample, length_s in zip(samples, [*lasting, usual_s], strict=True)
    ]


def _together(samples: Sequence[Held]) -> Iterable[Held]:
    size = -(-len(samples) // _MOST_SAMPLES)
    for start in range(0, len(samples), size):
        group = samples[start : start + size]
        yield _spanning(group, group[-1].end_s)


def _spanning(group: Sequence[Held], end_s: float) -> Held:
    return Held(
        start_s=group[0].start_s,
        end_s=end_s,
        held=max(sample.held for sample in group),
        unconfirmed=max(sample.unconfirmed for sample in group),
        is_read=all(sample.is_read for sample in group),
        status=group[-1].status,
    )
