"""Whether somebody waits for a processor is told from the kernel's own count."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tap.processors import Processors
from harness.testing import eventually


@pytest.mark.parametrize(("running", "enough"), [(1, True), (2, True), (3, False), (40, False)])
def test_there_are_enough_as_long_as_no_more_want_to_run(
    tmp_path: Path, running: int, enough: bool
) -> None:
    """Whatever the averages and the number of all tasks say."""
    told = tmp_path / "loadavg"
    told.write_text(f"9.81 7.50 3.57 {running}/99 28139\n", encoding="ascii")
    processors = Processors(2, told)
    assert processors.are_enough() is enough
    told.write_text("0.00 0.00 0.00 1/99 28139\n", encoding="ascii")
    assert processors.are_enough()
    processors.close()


@pytest.mark.parametrize("content", [None, "", "not what the kernel writes"])
def test_where_it_cannot_be_told_there_are_enough(tmp_path: Path, content: str | None) -> None:
    """No file, nothing in it, or something else."""
    told = tmp_path / "loadavg"
    if content is not None:
        told.write_text(content, encoding="ascii")
    processors = Processors(2, told)
    assert processors.are_enough()
    processors.close()
    processors.close()
    assert processors.are_enough()


def test_more_busy_processes_than_processors_are_seen() -> None:
    """As this machine's kernel counts them."""
    processors = Processors()
    count = (os.cpu_count() or 1) + 1
    busy = [
        subprocess.Popen([sys.executable, "-c", "import time\nwhile time.monotonic_ns(): pass"])
        for _ in range(count)
    ]
    try:
        asyncio.run(eventually(lambda: not processors.are_enough(), within_s=30))
    finally:
        for process in busy:
            process.kill()
            process.wait()
        processors.close()
