"""The memory of everything of a run, measured on real processes."""

import asyncio
import sys
from pathlib import Path

from harness.environments.memory import MemoryMeter, total_mib
from harness.testing import eventually, isolated

HOLDS = "import sys; kept = b'x' * 2**26; print('up', flush=True); sys.stdin.read()"


async def with_a_child() -> dict[str, float]:
    """Sums before, while and after a child holds 64 MiB, and what a meter makes of it."""
    before = total_mib()
    async with MemoryMeter(period_s=0.01) as meter:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", HOLDS,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        await child.stdout.readline()
        held = total_mib()
        await eventually(lambda: meter.peak_mib > before + 60)
        await child.communicate(b"")
        peak = meter.take()
        await eventually(lambda: meter.peak_mib > 0)
        later = meter.take()
    return {
        "more": held - before, "peak": peak - before, "later": later - before,
        "nothing": meter.take(),
    }  # fmt: skip


def test_every_process_counts() -> None:
    """A child's memory while it is there; a peak is taken once."""
    seen = isolated(with_a_child)
    assert 60 < seen["more"] < 90
    assert 60 < seen["peak"] < 90
    assert seen["later"] < 20
    assert seen["nothing"] == 0


def test_what_cannot_be_read_counts_nothing(tmp_path: Path) -> None:
    """A process that has just ended, one of another user, and what is no process at all."""
    for pid, text in {"1": "Rss: 9 kB\nPss:    2048 kB\n", "2": "Rss: 1 kB\n", "3": None}.items():
        (tmp_path / pid).mkdir()
        if text is not None:
            (tmp_path / pid / "smaps_rollup").write_text(text, encoding="ascii")
    (tmp_path / "self").mkdir()
    assert total_mib(tmp_path) == 2.0


def test_something_else_can_be_sampled() -> None:
    """Where the processes of the machine are not the run's."""

    async def sampled() -> float:
        async with MemoryMeter(period_s=0.01, total=lambda: 7.0) as meter:
            await eventually(lambda: meter.peak_mib > 0)
        return meter.take()

    assert asyncio.run(sampled()) == 7.0
