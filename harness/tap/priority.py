"""The tap's place among processes: every round trip of the system waits for it, at least twice."""

import contextlib
import os
from pathlib import Path

NICE = -15
"""So that it runs when there is something for it, however busy the machine is."""
_AUTOGROUP = Path("/proc/self/autogroup")


def go_ahead() -> None:
    """Run before what is served, from now on, where this process may."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
        # Where sessions are scheduled as groups (sched(7)), the number above counts within one.
        _AUTOGROUP.write_text(str(NICE), encoding="ascii")
