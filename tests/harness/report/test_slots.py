"""Samples of slots as what is drawn: how long each speaks for, and what of them is told."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.model.snapshot import SLOT_SAMPLES_SCHEMA
from harness.report.slots import SlotHistory, read_slots


def sampled(
    tmp_path: Path, *samples: tuple[float, int | None], slot: str = "s", active: bool = True
) -> tuple[SlotHistory, ...]:
    """Read back after (moment, bytes held) each."""
    path = tmp_path / "slot_samples.parquet"
    rows = [
        {
            "at_s": at_s, "node": "db", "slot": slot, "active": active, "wal_status": "reserved",
            "held_bytes": held, "unconfirmed_bytes": None if held is None else held // 2,
        }
        for at_s, held in samples
    ]  # fmt: skip
    kept = pq.read_table(path).to_pylist() if path.exists() else []
    pq.write_table(pa.Table.from_pylist([*kept, *rows], schema=SLOT_SAMPLES_SCHEMA), path)
    return read_slots(path)


def test_a_sample_speaks_until_the_next(tmp_path: Path) -> None:
    """The last one for as long as they usually do, and so does one before a hole."""
    (history,) = sampled(tmp_path, (1.0, 10), (1.5, 20), (2.0, 40), (7.0, 80))
    assert [(h.start_s, h.end_s, h.held, h.unconfirmed) for h in history.samples] == [
        (1.0, 1.5, 10, 5),
        (1.5, 2.0, 20, 10),
        (2.0, 2.5, 40, 20),
        (7.0, 7.5, 80, 40),
    ]
    assert (history.node, history.slot, history.most) == ("db", "s", 80)


def test_a_single_sample_is_shown(tmp_path: Path) -> None:
    """For half a second."""
    (history,) = sampled(tmp_path, (3.0, 7))
    assert [(h.start_s, h.end_s) for h in history.samples] == [(3.0, 3.5)]


def test_a_slot_whose_log_is_gone_holds_nothing(tmp_path: Path) -> None:
    """PostgreSQL has no position for it."""
    (history,) = sampled(tmp_path, (1.0, None))
    assert (history.samples[0].held, history.samples[0].unconfirmed) == (0, 0)


def test_long_runs_are_drawn_by_their_peaks(tmp_path: Path) -> None:
    """The whole time, and the highest of each group."""
    (history,) = sampled(tmp_path, *((n / 2, 900 if n == 501 else n % 7) for n in range(1000)))
    assert len(history.samples) == 200
    assert history.samples[0].start_s == 0.0
    assert history.samples[-1].end_s == 500.0
    assert history.most == 900


def test_of_many_slots_those_that_held_most_are_shown(tmp_path: Path) -> None:
    """By name."""
    for n in range(9):
        found = sampled(tmp_path, (1.0, n), slot=f"s{n}")
    assert [history.slot for history in found] == ["s3", "s4", "s5", "s6", "s7", "s8"]


def test_a_file_that_is_not_there_or_cut_off_shows_nothing(tmp_path: Path) -> None:
    """As where there is no connector."""
    assert read_slots(tmp_path / "none.parquet") == ()
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    assert read_slots(tmp_path / "cut.parquet") == ()
