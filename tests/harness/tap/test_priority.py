import os
import subprocess
import sys

from harness.tap.priority import NICE

PROGRAM = """
import os
from harness.tap.priority import go_ahead
go_ahead()
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


def nice_after(before: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", before + PROGRAM],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return int(done.stdout)


def test_it_runs_ahead_where_it_may_and_as_ever_where_not() -> None:
    """Who may is asked of the kernel by trying: root in a user namespace may not."""
    lower = "import os\nos.setpriority(os.PRIO_PROCESS, 0, 5)\n"
    assert nice_after(lower) == (NICE if _may() else 5)


def _may() -> bool:
    asked = "import os; os.setpriority(os.PRIO_PROCESS, 0, -1)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False)
    return done.returncode == 0


def test_nobody_else_is_touched() -> None:
    nice_after("")
    assert os.getpriority(os.PRIO_PROCESS, 0) != NICE
