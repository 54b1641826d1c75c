"""The trial against the real kernel: as it is, and with each refusal provoked.

A refusal is provoked inside a user namespace of the test's own, whose limits, capabilities and
filters are then cut back; outside nothing changes.
"""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.environments import trial
from harness.environments.trial import Outcome, Step, try_steps

ENTER = """
import ctypes, json, os, struct, sys
sys.path[:] = sys.argv[1:]
from harness.environments import kernel

def own_user():
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.map_own_ids(inside=0, uid=uid, gid=gid)

def prctl(*arguments):
    assert ctypes.CDLL(None).prctl(*arguments) == 0

own_user()
"""
LEAVE = """
report = '''
import json, sys
sys.path[:] = sys.argv[1:]
from harness.environments.doctor import diagnose, report
print(json.dumps(report(diagnose())))
'''
os.execv(sys.executable, [sys.executable, "-I", "-c", report, *sys.path])
"""

LIMIT = "open('/proc/sys/user/max_{kind}_namespaces', 'w').write('0')\n"
NO_SYS_ADMIN = "prctl(24, 21, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_ADMIN\n"
COVERED_PROC = """
kernel.unshare(kernel.CLONE_NEWNS)
kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
kernel.bind("/dev/null", "/proc/uptime")
own_user()  # mounts handed down to another user namespace cannot be lifted there
"""
# seccomp(2): the last rules are EPERM and allow; those before load a field of the call and compare.
FILTER = """
rules = b"".join(struct.pack("HBBI", *rule) for rule in (
    *rules, (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)))
array = ctypes.create_string_buffer(rules)
program = struct.pack("HxxxxxxP", len(rules) // 8, ctypes.addressof(array))
prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
prctl(22, 2, program, 0, 0)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
"""
NO_UNSHARE = f"""
number = {{"x86_64": 272, "aarch64": 97}}[os.uname().machine]
rules = (0x20, 0, 0, 0), (0x15, 0, 1, number)
{FILTER}"""
NO_MARK = f"""
number = {{"x86_64": 54, "aarch64": 208}}[os.uname().machine]  # setsockopt
rules = (0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 32), (0x15, 0, 1, 36)  # SO_MARK
{FILTER}"""


def test_everything_a_run_asks_for_works_here() -> None:
    """A machine that runs this suite can run the product; nothing needs to be simulated."""
    outcomes = try_steps()

    expected = set(Step) - ({Step.USER} if os.geteuid() == 0 else set())
    assert outcomes == {step: Outcome() for step in expected}


def test_the_trial_leaves_this_process_as_it_was() -> None:
    """Same namespaces, no child, no interface."""

    def here() -> tuple[set[str], set[str], list[str]]:
        spaces = {str(space.readlink()) for space in Path("/proc/self/ns").iterdir()}
        interfaces = {interface.name for interface in Path("/sys/class/net").iterdir()}
        # The session is PID 1 and may have orphans of other tests that nobody has waited for.
        children = Path("/proc/thread-self/children").read_text(encoding="ascii").split()
        return spaces, interfaces, children

    before = here()
    try_steps()

    assert here() == before


@pytest.mark.parametrize(
    ("provoke", "step", "why"),
    [
        (
            LIMIT.format(kind="user"),
            Step.NESTED_USER,
            (
                "user namespaces are switched off (user.max_user_namespaces is 0)"
                "; mend it by: sudo sysctl -w user.max_user_namespaces=15000"
            ),
        ),
        (
            LIMIT.format(kind="net"),
            Step.NAMESPACES,
            (
                "net namespaces are switched off (user.max_net_namespaces is 0)"
                "; mend it by: sudo sysctl -w user.max_net_namespaces=15000"
            ),
        ),
        (
            NO_SYS_ADMIN,
            Step.NAMESPACES,
            (
                "root is without the capability SYS_ADMIN here, as in a container; mend it by:"
                " docker run --cap-add SYS_ADMIN --security-opt systempaths=unconfined …"
            ),
        ),
        (
            COVERED_PROC,
            Step.PROC,
            (
                "/proc cannot be mounted anew: parts of it are covered here, as in containers;"
                " mend it by: docker run --security-opt systempaths=unconfined …"
            ),
        ),
        (
            NO_UNSHARE,
            Step.NAMESPACES,
            (
                "a system call filter (seccomp) forbids it, as in a container; mend it by: docker run"
                " --security-opt seccomp=unconfined --security-opt systempaths=unconfined …"
            ),
        ),
        (
            NO_MARK,
            Step.TAPS,
            (
                "a system call filter (seccomp) forbids it, as in a container; mend it by: docker run"
                " --security-opt seccomp=unconfined --security-opt systempaths=unconfined …"
            ),
        ),
    ],
    ids=[
        "no-user-namespaces",
        "no-net-namespaces",
        "no-sys-admin",
        "covered-proc",
        "seccomp",
        "no-mark",
    ],
)
def test_a_refusal_of_the_kernel_is_seen_and_explained(provoke: str, step: Step, why: str) -> None:
    """Each is real: the kernel itself says no."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", ENTER + provoke + LEAVE, *sys.path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)

    assert document["backends"]["namespaces"] == {"usable": False, "why": why}
    failed = [f["name"] for f in document["findings"] if f["needed"] and not f["ok"]]
    assert failed[0] == step.value


def test_an_interpreter_that_cannot_be_started_is_a_failed_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No traceback, an outcome."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    outcomes = try_steps()

    assert outcomes[Step.USER].errno == errno.ENOENT


def test_a_trial_that_breaks_off_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process said last stands in for the kernel's word."""
    monkeypatch.setattr(trial, "_PROGRAM", "raise SystemExit('killed half-way')")

    outcomes = try_steps()

    assert [outcome.says for outcome in outcomes.values()] == ["killed half-way"]


def test_a_trial_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its deadline, as a failed step."""
    monkeypatch.setattr(trial, "_PROGRAM", "import signal; signal.pause()")
    monkeypatch.setattr(trial, "TIMEOUT_S", 0.2)

    outcomes = try_steps()

    assert [outcome.worked for outcome in outcomes.values()] == [False]
