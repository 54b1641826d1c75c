"""A service as a process: how it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[4] / "compose" / "services"

WORKING = """
from shop.process import log, run_until, stop_on_signal
stop = stop_on_signal()
log("ready")
run_until(stop, lambda: {work})
"""


def started(work: str) -> subprocess.Popen[str]:
    """A process that does `work`, once it listens to signals."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING.format(work=work)],
        cwd=SERVICES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().endswith("ready\n")
    return process


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what else it printed."""
    # Not communicate(): it passes by what readline() has already buffered.
    with process:
        assert process.stdout is not None
        said = process.stdout.read()
        return process.wait(10), said


def test_sigterm_ends_it_in_good_order() -> None:
    """Exit code 0, as soon as the work has returned."""
    process = started("stop.wait()")
    process.send_signal(signal.SIGTERM)
    code, said = end(process)
    assert code == 0
    assert said.endswith("stopped\n")


def test_work_that_does_not_return_is_left_behind() -> None:
    """Asked to stop, it is gone within a second or so, whatever hangs."""
    process = started("__import__('time').sleep(60)")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, _ = end(process)
    assert code == 0
    assert time.monotonic() - began < 5


def test_work_that_fails_is_a_crash() -> None:
    """Exit code 1 and the traceback, so that it is restarted and one sees why."""
    code, said = end(started("1 / 0"))
    assert code == 1
    assert "ZeroDivisionError" in said
    assert said.endswith("crashed\n")
