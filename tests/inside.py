"""A Python that begins in an outer namespace of its own: what a parallel session's workers run in.

    pytest --dist loadfile --tx '2*popen//python=python tests/inside.py'

Only a process with one thread can enter, and pytest-xdist's workers have more by the time that a
test is thought of. So each is started by this, which enters first and becomes the worker after.
"""

import os
import sys

from pyroute2 import IPRoute

from harness.environments.outer import enter
from harness.errors import AftershockError

INSIDE = "AFTERSHOCK_TESTS_INSIDE"
"""Set in a session that has entered, for the sessions that its tests start."""
REFUSED = "AFTERSHOCK_TESTS_REFUSED"
"""Why a worker could not enter, for its tests to fail with."""


def go_inside() -> None:
    """Go on as PID 1 of a new outer namespace, with its loopback interface up.
    Raises MachineUnfit where the kernel refuses."""
    enter()
    os.environ[INSIDE] = "1"
    with IPRoute() as ip:
        ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")


if __name__ == "__main__":
    try:
        go_inside()
    except AftershockError as reason:
        os.environ[REFUSED] = str(reason)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
