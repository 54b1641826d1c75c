"""Whether an engine stands where the harness does: among the same processes and the same networks.

Nodes are reached at their own addresses, and whether one is dead or frozen is read from /proc; of
an engine elsewhere neither could be had, so that no fault in it could be proved.
"""

import errno
import os
import socket
from pathlib import Path

PROC = Path("/proc")


def elsewhere(pid: int | None, *, proc: Path = PROC) -> str | None:
    """Why the engine whose process that is (as `Answer.peer` tells it) cannot be used from here;
    None where nothing speaks against it. What this user may not read is not held against it."""
    if pid is None:
        return None
    if pid == 0 or _depth(pid, proc) > 1:
        return (
            "its processes are not to be seen from here (it is in a container or a virtual "
            "machine, or the harness is)"
        )
    if _network(str(pid), proc) not in {None, _network("self", proc)}:
        return "its networks are not this machine's own (it is in another network namespace)"
    return None


def is_local(address: str) -> bool:
    """Whether an IPv4 address is one of this network namespace's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            return False
    return True


def _depth(pid: int, proc: Path) -> int:
    """In how many process namespaces from here on it has a number (proc(5), NSpid)."""
    try:
        lines = (proc / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((len(line.split()) - 1 for line in lines if line.startswith("NSpid:")), 0)


def _network(process: str, proc: Path) -> str | None:
    try:
        return os.readlink(proc / process / "ns" / "net")
    except OSError:
        return None
