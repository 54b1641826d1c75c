"""Tries everything that a run asks of the kernel, in a process of its own that then ends.

The steps are those of a run, made by the same code: the outer namespaces, a /proc of one's own, a
bridge and a node joined to it, a cut by nftables, a tap's address and what is counted past it, and
the nested user that Postgres needs. Nothing of it outlives the process. It must be a program, not a function: namespaces are entered for good,
and a caller with threads must not fork without exec.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from harness.environments import kernel

TIMEOUT_S = 20.0
"""It takes 0.4 s; a kernel that hangs here would hang a run too."""

_NESTED_ID = 1000
"""As in spawn.py, which is a script and cannot be imported."""

_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from harness.environments.trial import main; sys.exit(main())"
)


class Step(Enum):
    """In the order tried. A step that fails ends the trial, but NODE needs no NESTED_USER."""

    USER = "user-namespace"
    NAMESPACES = "namespaces"
    PROC = "proc-mount"
    NESTED_USER = "nested-user"
    NODE = "bridge-and-veth"
    CUT = "nf-tables"
    TAPS = "taps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a step went. `errno` and `says` are the kernel's, None where it worked."""

    errno: int | None = None
    says: str | None = None

    @property
    def worked(self) -> bool:
        """Whether the kernel did it."""
        return self.says is None


def try_steps() -> Mapping[Step, Outcome]:
    """Run the trial and return the outcome of each step that was reached.

    Raises nothing: a trial that cannot even start is a first step that failed.
    """
    argv = [sys.executable, "-I", "-c", _PROGRAM, *sys.path]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        return _with_end(_parse(error.stdout or b""), f"no answer within {TIMEOUT_S:.0f} s")
    except OSError as error:
        return {Step.USER: Outcome(errno=error.errno, says=str(error))}
    outcomes = _parse(done.stdout)
    if done.returncode != 0 and all(outcome.worked for outcome in outcomes.values()):
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return _with_end(outcomes, last[0] if last else f"ended with {done.returncode}")
    return outcomes


def _parse(output: bytes) -> dict[Step, Outcome]:
    found = {}
    for line in output.splitlines():
        said = json.loads(line)
        found[Step(said["step"])] = Outcome(errno=said["errno"], says=said["says"])
    return found


def _with_end(outcomes: dict[Step, Outcome], says: str) -> Mapping[Step, Outcome]:
    """A trial that broke off: the step after the last one told is the one it broke on."""
    missing = [step for step in Step if step not in outcomes]
    if os.geteuid() == 0 and Step.USER in missing:
        missing.remove(Step.USER)  # root does not try it
    return {**outcomes, **{step: Outcome(says=says) for step in missing[:1]}}


# ------------------------------------------------------------------------- inside the process


def main() -> int:
    """The program. 0 if every step worked; each is one JSON line on standard output."""
    kernel.die_with_parent()
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0 and not _attempt(Step.USER, lambda: _own_user(inside=0, uid=uid, gid=gid)):
        return 1
    if not _attempt(Step.NAMESPACES, _unshare_all):
        return 1
    return _in_child(_first)


def _first() -> bool:
    """As PID 1 of the new PID namespace."""
    if not _attempt(Step.PROC, _mount_proc):
        return False
    uid, gid = os.geteuid(), os.getegid()
    nested = _in_child(
        lambda: _attempt(Step.NESTED_USER, lambda: _own_user(inside=_NESTED_ID, uid=uid, gid=gid))
    )
    # Here, because pyroute2 takes longer to import than the steps before take to fail.
    from harness.environments.network import Network, address_of  # noqa: PLC0415

    nodes: list[Network] = []

    def make_node() -> None:
        nodes.append(Network())
        nodes[0].add_node("node", address_of(0))

    def tap_node() -> None:
        nodes.pop().close()
        network = Network({("node", "node"): "198.19.10.10"})
        network.add_node("node", address_of(0))
        network.watch()
        network.socket_in("node").close()
        network.past_taps()

    return (
        _attempt(Step.NODE, make_node)
        and _attempt(Step.CUT, lambda: nodes[0].cut("node", "node"))
        and _attempt(Step.TAPS, tap_node)
        and nested == 0
    )


def _in_child(act: Callable[[], bool]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            kernel.die_with_parent()
            code = 0 if act() else 1
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _attempt(step: Step, act: Callable[[], object]) -> bool:
    """Do it and tell how it went, at once: a later step may hang."""
    number: int | None = None
    says: str | None = None
    try:
        act()
    except OSError as error:
        number, says = error.errno, str(error)
    except Exception as error:  # noqa: BLE001 (pyroute2's own errors; all are the step's failure)
        number = getattr(error, "code", None)
        says = str(error) or type(error).__name__
    line = json.dumps({"step": step.value, "errno": number, "says": says})
    os.write(1, line.encode() + b"\n")
    return says is None


def _own_user(*, inside: int, uid: int, gid: int) -> None:
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.map_own_ids(inside=inside, uid=uid, gid=gid)


def _unshare_all() -> None:
    kernel.unshare(
        kernel.CLONE_NEWNET
        | kernel.CLONE_NEWNS
        | kernel.CLONE_NEWPID
        | kernel.CLONE_NEWUTS
        | kernel.CLONE_NEWIPC
    )


def _mount_proc() -> None:
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
