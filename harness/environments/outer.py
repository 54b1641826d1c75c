"""The one outer namespace of a run: everything of a run lives and dies in it.

The command's own process stays outside as a *keeper*: it waits, passes signals on, and owns
sockets on the host where something is published. The harness runs as PID 1 of a new PID
namespace, in new network, mount, UTS and IPC namespaces (and, for an ordinary user, a new user
namespace). When it ends in any way, or the keeper is killed, the kernel ends every process
inside, and with the last of them every interface, rule and mount is gone.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

from harness.environments import kernel
from harness.errors import HarnessBug, MachineUnfit

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_inside(main: Callable[[], int]) -> int:
    """Run `main` as PID 1 of a new outer namespace and return its exit code.

    Must be called from a single-threaded process. Raises MachineUnfit where the kernel refuses.
    """
    uid, gid = os.geteuid(), os.getegid()
    sys.stdout.flush()
    sys.stderr.flush()
    error_read, error_write = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(error_read)
        os._exit(_middle(main, uid, gid, error_write))
    os.close(error_write)
    return _keep(middle, error_read)


def _keep(child: int, error_read: int) -> int:
    previous = {s: signal.signal(s, _passer(child)) for s in _SIGNALS}
    try:
        with os.fdopen(error_read, encoding="utf-8") as pipe:
            refusal = pipe.read()
        _, status = os.waitpid(child, 0)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if refusal:
        raise MachineUnfit(refusal)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        raise HarnessBug(f"the harness was ended by signal {-code}")
    return code


def _passer(child: int) -> Callable[[int, FrameType | None], None]:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(child, number)
        except ProcessLookupError:
            return

    return pass_on


def _middle(main: Callable[[], int], uid: int, gid: int, error_write: int) -> int:
    """Make the namespaces, then fork: a PID namespace begins with the next child."""
    kernel.die_with_parent()
    try:
        os.setsid()
        flags = (
            kernel.CLONE_NEWNET
            | kernel.CLONE_NEWNS
            | kernel.CLONE_NEWPID
            | kernel.CLONE_NEWUTS
            | kernel.CLONE_NEWIPC
        )
        if uid != 0:
            kernel.unshare(kernel.CLONE_NEWUSER)
            kernel.map_own_ids(inside=0, uid=uid, gid=gid)
        kernel.unshare(flags)
    except OSError as error:
        os.write(error_write, _refusal(error).encode())
        return 1
    child = os.fork()
    if child == 0:
        os._exit(_first(main, error_write))
    os.close(error_write)
    for number in _SIGNALS:
        signal.signal(number, _passer(child))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 255


def _refusal(error: OSError) -> str:
    return (
        f"this machine refuses the namespaces that a run lives in ({error.strerror}); "
        "`aftershock doctor` says why and what mends it"
    )


def _first(main: Callable[[], int], error_write: int) -> int:
    """PID 1: its own /proc, no mount that leaves, then the harness."""
    kernel.die_with_parent()
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount(
            "proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        )
    except OSError as error:
        os.write(error_write, _refusal(error).encode())
        return 1
    os.close(error_write)
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        return main()
    except BaseException:  # noqa: BLE001 (the last frame of this process: report, never unwind)
        traceback.print_exc()
        return 255
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
