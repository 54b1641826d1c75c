"""The outer namespace, from outside: exit codes, signals, refusal and the end of everything.

Each test runs a program of its own that enters, as the command does.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BEGIN = """
import os, select, signal, sys
sys.path[:] = sys.argv[1].split(":")
from harness.environments import kernel
from harness.environments.outer import enter, run_inside
from harness.errors import HarnessBug, MachineUnfit
"""
BOTH = pytest.mark.parametrize(
    "way", ["sys.exit(run_inside(main))", "enter()\nsys.exit(main())"], ids=["run_inside", "enter"]
)


@contextmanager
def started(code: str) -> Iterator["subprocess.Popen[str]"]:
    """A program that runs `code`; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, ":".join(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def finished(code: str) -> tuple[int, str, str]:
    """Exit code, output and error output of a program."""
    with started(code) as process:
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err


@BOTH
def test_what_runs_inside_is_the_first_process_and_root(way: str) -> None:
    """With a /proc of its own and a network that has nothing but a loopback."""
    main = """
def main():
    print(os.getpid(), os.geteuid(), [p for p in os.listdir("/proc") if p.isdigit()])
    interfaces = open("/proc/net/dev").read().split("|")[-1]
    print("eth" in interfaces, "lo:" in interfaces)
    return 0
"""
    code, out, err = finished(main + way)
    assert (code, out, err) == (0, "1 0 ['1']\nFalse True\n", "")


@BOTH
@pytest.mark.parametrize("code", [0, 1, 2, 254, 255])
def test_the_exit_code_comes_out(way: str, code: int) -> None:
    """Every one that the command has a meaning for."""
    assert finished(f"def main(): return {code}\n{way}")[0] == code


def test_output_is_printed_once() -> None:
    """What stood in a buffer before the fork is not printed by both."""
    code, out, _ = finished('print("before")\nenter()\nprint("after")')
    assert (code, out) == (0, "before\nafter\n")


def test_nothing_of_the_caller_is_run_twice() -> None:
    """`enter` goes on in one process; `run_inside` returns in the other."""
    assert finished('enter()\nprint("here")')[1] == "here\n"
    assert finished('run_inside(lambda: 0)\nprint("here", os.getpid() > 1)')[1] == "here True\n"


def test_a_failure_inside_is_shown_and_is_a_bug_of_ours() -> None:
    """With its traceback, and never unwound into the caller's frames."""
    code, out, err = finished(
        "try:\n    sys.exit(run_inside(lambda: 1 // 0))\nfinally:\n    print('outside')"
    )
    assert (code, out) == (255, "outside\n")
    assert err.rstrip().endswith("ZeroDivisionError: integer division or modulo by zero")


def test_an_end_by_signal_is_told() -> None:
    """A crash of the interpreter inside is neither an exit code nor silence."""
    # abort(3) ends by an illegal instruction where SIGABRT does nothing, as for PID 1.
    code, _, err = finished("run_inside(os.abort)")
    assert code == 1
    assert f"HarnessBug: the harness was ended by signal {int(signal.SIGSEGV)}" in err

    assert finished("enter()\nos.abort()")[0] == 128 + signal.SIGSEGV


@BOTH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(way: str, number: signal.Signals) -> None:
    """To the harness inside, which decides what they mean; the keeper waits for it."""
    main = """
def main():
    heard = []
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda number, frame: heard.append(number))
    print("ready", flush=True)
    while not heard:
        select.select([], [], [], 0.05)
    print(heard)
    return 7
"""
    with started(main + way) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (7, f"[{int(number)}]\n")


def test_a_signal_that_nobody_handles_interrupts() -> None:
    """PID 1 would not even notice it otherwise."""
    main = """
def main():
    try:
        print("ready", flush=True)
        while True:
            select.select([], [], [], 0.05)
    except KeyboardInterrupt:
        return 9
sys.exit(run_inside(main))
"""
    with started(main) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 9


LEAVES_MANY = """
def main():
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(s, signal.SIG_IGN)
            if os.fork() == 0:
                os.write(1, b"up\\n")
            while True:
                signal.pause()
    while True:
        signal.pause()
"""


@BOTH
def test_the_keepers_death_is_the_end_of_everything_inside(way: str) -> None:
    """SIGKILL of the process outside: a second later /proc knows nobody inside."""
    with started(LEAVES_MANY + way) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["up\n"] * 3
        inside = below(process.pid)
        assert len(inside) == 8, "the middle, PID 1, three and their children"
        process.kill()
        process.wait()
        deadline = time.monotonic() + 1
        while left := [pid for pid in inside if alive(pid)]:
            assert time.monotonic() < deadline, left


def test_what_is_left_running_ends_with_the_harness() -> None:
    """A harness that returns takes with it what it forgot to end."""
    forgetful = LEAVES_MANY.replace(
        "    while True:\n        signal.pause()\n", "    sys.stdin.readline()\n    return 0\n"
    ).replace(
        "            while True:\n                signal.pause()\n", "            forever()\n"
    )
    forever = "\ndef forever():\n    while True:\n        signal.pause()\n"
    with started(forever + forgetful + "sys.exit(run_inside(main))") as process:
        assert process.stdout is not None and process.stdin is not None
        assert [process.stdout.readline() for _ in range(3)] == ["up\n"] * 3
        inside = below(process.pid)
        process.communicate("go\n", timeout=10)
    assert process.returncode == 0
    assert [pid for pid in inside if alive(pid)] == []


@pytest.mark.parametrize("way", ["run_inside(lambda: 0)", "enter()"])
@pytest.mark.parametrize("kind", ["net", "pid", "mnt"])
def test_a_kernel_that_refuses_is_told_in_one_sentence(kind: str, way: str) -> None:
    """Nothing has changed for the caller, who can go on."""
    code, out, err = finished(
        f"""
uid, gid = os.geteuid(), os.getegid()
kernel.unshare(kernel.CLONE_NEWUSER)
kernel.map_own_ids(inside=0, uid=uid, gid=gid)
with open("/proc/sys/user/max_{kind}_namespaces", "w") as limit:
    limit.write("0")
before = os.getpid()
try:
    {way}
except MachineUnfit as unfit:
    print(unfit, before == os.getpid())
"""
    )
    assert (code, err) == (0, "")
    assert out == (
        "this machine refuses the namespaces that a run lives in (unshare: No space left on "
        "device); `aftershock doctor` says why and what mends it True\n"
    )


def below(pid: int) -> set[int]:
    """Every descendant of the process, as seen from here."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found, added = {pid}, {pid}
    while added:
        added = {child for child, parent in parents.items() if parent in added} - found
        found |= added
    return found - {pid}


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits to be reaped doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_this_very_session_is_inside() -> None:
    """As every test here relies on."""
    assert os.environ.get("AFTERSHOCK_TESTS_INSIDE") == "1"
