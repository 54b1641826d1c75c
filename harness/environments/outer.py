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
from dataclasses import dataclass
from typing import NoReturn

from harness.environments import kernel
from harness.errors import HarnessBug, MachineUnfit

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HELD = {*_SIGNALS, signal.SIGCHLD}


def run_inside(main: Callable[[], int]) -> int:
    """Run `main` as PID 1 of a new outer namespace and return its exit code.

    Must be called from a single-threaded process. Raises MachineUnfit where the kernel refuses.
    """
    keeper = _split()
    if keeper is None:
        os._exit(_whole(main))
    code = keeper.keep()
    if code < 0:
        raise HarnessBug(f"the harness was ended by signal {-code}")
    return code


def enter() -> None:
    """Go on as PID 1 of a new outer namespace: what follows the call runs in there, under
    another process id. The process that called stays outside and ends when, and as, the one
    inside does.

    Must be called from a single-threaded process. Raises MachineUnfit, and nothing has changed,
    where the kernel refuses.
    """
    keeper = _split()
    if keeper is None:
        return
    code = keeper.keep()
    os._exit(code if code >= 0 else _SIGNALLED - code)


_SIGNALLED = 128
"""A shell's exit code for a process that signal n ended is this plus n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keeper:
    """The process outside, which waits for `middle`."""

    middle: int
    error_read: int

    def keep(self) -> int:
        """Pass signals on and return the exit code of PID 1, negative where a signal ended it.
        Raises MachineUnfit where there never was one."""
        try:
            status = _attend(self.middle)
            with os.fdopen(self.error_read, encoding="utf-8") as pipe:
                refusal = pipe.read()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        if refusal:
            raise MachineUnfit(refusal)
        return os.waitstatus_to_exitcode(status)


def _attend(child: int) -> int:
    """Pass every signal on to the child until it ends; returns its wait status. The signals are
    held: a handler could miss the one that comes just before it begins to wait."""
    while True:
        number = signal.sigwaitinfo(_HELD).si_signo
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        else:
            os.kill(child, number)


def _split() -> _Keeper | None:
    """Fork into the keeper outside and, None, PID 1 of the namespaces."""
    uid, gid = os.geteuid(), os.getegid()
    sys.stdout.flush()
    sys.stderr.flush()
    error_read, error_write = os.pipe()
    # From here on a signal waits until there is somebody to pass it to.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    middle = os.fork()
    if middle:
        os.close(error_write)
        return _Keeper(middle=middle, error_read=error_read)
    os.close(error_read)
    _middle(uid, gid, error_write)
    return None


def _middle(uid: int, gid: int, error_write: int) -> None:
    """Make the namespaces, then fork: a PID namespace begins with the next child.

    Returns as PID 1, which is ready to work; the process in the middle ends in here.
    """
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
        _refuse(error, error_write)
    child = os.fork()
    if child == 0:
        _first(error_write)
        return
    os.close(error_write)
    code = os.waitstatus_to_exitcode(_attend(child))
    if code < 0:
        _end_by(-code)
    os._exit(code)


def _end_by(number: int) -> None:
    """End as the child did, so that the keeper sees what happened."""
    if number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    os.kill(os.getpid(), number)


def _refuse(error: OSError, error_write: int) -> NoReturn:
    text = (
        f"this machine refuses the namespaces that a run lives in ({error.strerror}); "
        "`aftershock doctor` says why and what mends it"
    )
    os.write(error_write, text.encode())
    os._exit(1)


def _first(error_write: int) -> None:
    """PID 1: its own /proc, no mount that leaves, and signals that it heeds."""
    kernel.die_with_parent()
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    except OSError as error:
        _refuse(error, error_write)
    os.close(error_write)
    # The kernel keeps from PID 1 every signal for which it has no handler.
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def _whole(main: Callable[[], int]) -> int:
    """The last frame of PID 1: report, never unwind into the caller's."""
    try:
        return main()
    except BaseException:  # noqa: BLE001 (see above)
        traceback.print_exc()
        return 255
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
