"""One node's process tree, in an outer namespace of its own."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.environments.process import Launch, Process
from harness.errors import EnvironmentFailed
from harness.testing import eventually, isolated

FAMILY = """
import os, signal
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(1, b"up\\n")
        while True:
            signal.pause()
while True:
    signal.pause()
"""
DEAF = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
HEEDS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))
print("up", flush=True)
while True:
    signal.pause()
"""


def launch(directory: str, *argv: str, **more: Any) -> Launch:
    """A launch that logs to `log`."""
    path = Path(directory)
    return Launch(argv=argv, env={"PATH": "/nowhere"}, cwd=path, log=path / "log", **more)


def python(directory: str, code: str, **more: Any) -> Launch:
    """A launch of some Python."""
    return launch(directory, sys.executable, "-I", "-S", "-c", code, **more)


async def start(directory: str, code: str, *, ups: int = 0, **more: Any) -> Process:
    """Start it and await so many lines `up`."""
    process = await Process.start(python(directory, code, **more), hostname="n", netns_fd=None)
    log = Path(directory, "log")
    await eventually(lambda: log.read_text(encoding="utf-8").count("up\n") == ups)
    return process


async def outcome(directory: str, code: str) -> list[Any]:
    """Exit code and log of a program."""
    process = await start(directory, code)
    code_ = await process.wait()
    return [code_, process.exit_code, Path(directory, "log").read_text(encoding="utf-8")]


async def refused(directory: str, argv: list[str], cwd: str) -> str:
    """The message of a launch that fails."""
    wrong = Launch(argv=argv, env={}, cwd=Path(cwd), log=Path(directory, "log"))
    try:
        await Process.start(wrong, hostname="order", netns_fd=None)
    except EnvironmentFailed as failed:
        return str(failed)
    return "started"


async def refused_bind(directory: str) -> str:
    """The message where a bind's target is not there."""
    binds = ((str(Path(directory)), "/no/such/place", True),)
    try:
        await Process.start(launch(directory, "/x", binds=binds), hostname="n", netns_fd=None)
    except EnvironmentFailed as failed:
        return str(failed)
    return "started"


async def surroundings(directory: str) -> list[str]:
    """What a node sees: its name, pids, folder, environment, descriptors, terminal's input."""
    code = """
import os, socket, sys
print(socket.gethostname(), os.getpid(), sorted(p for p in os.listdir("/proc") if p.isdigit()))
print(os.getcwd(), dict(os.environ).keys() - {"LC_CTYPE"}, sys.stdin.read() == "")
print(sorted(os.listdir("/proc/self/fd")), os.getsid(0), os.geteuid())
sys.stdout.flush()
print(open("/etc/hosts").read(), end="", file=sys.stderr)
"""
    hosts = Path(directory, "hosts")
    hosts.write_text("198.18.0.10 order\n", encoding="utf-8")
    binds = ((str(hosts), "/etc/hosts", True),)
    process = await start(directory, code, binds=binds)
    await process.wait()
    mine = "198.18.0.10 order" in Path("/etc/hosts").read_text(encoding="utf-8")
    return [*Path(directory, "log").read_text(encoding="utf-8").splitlines(), f"leaked: {mine}"]


async def nested(directory: str) -> list[Any]:
    """The uid of what refuses to be root, and whether it can use the node's disk."""
    code = "import os; print(os.getuid(), os.getgid()); open('mine', 'w').close()"
    process = await start(directory, code, nested_user=True)
    exit_code = await process.wait()
    return [exit_code, Path(directory, "log").read_text(encoding="utf-8")]


async def end_politely(directory: str) -> list[Any]:
    """Ends itself within the grace; a second end changes nothing."""
    process = await start(directory, HEEDS, ups=1)
    began = time.monotonic()
    codes = [await process.end(grace_s=30), await process.end(grace_s=30)]
    process.send(signal.SIGKILL)
    return [*codes, process.exit_code, time.monotonic() - began < 10]


async def end_deaf(directory: str) -> list[Any]:
    """Ignores SIGTERM: killed after the grace, not before."""
    process = await start(directory, DEAF, ups=1)
    began = time.monotonic()
    code = await process.end(grace_s=0.3)
    return [code, 0.3 <= time.monotonic() - began < 5]


async def end_at_once(directory: str) -> list[Any]:
    """No grace: no asking."""
    process = await start(directory, HEEDS, ups=1)
    return [await process.end(grace_s=0), process.exit_code]


async def end_by_name(directory: str) -> int:
    """Another signal than SIGTERM, as a compose file's `stop_signal` asks for."""
    code = HEEDS.replace("SIGTERM", "SIGINT")
    process = await start(directory, code, ups=1)
    return await process.end(grace_s=10, polite=signal.SIGINT)


async def freeze_family(directory: str) -> dict[str, Any]:
    """Five processes in three sessions, frozen, thawed and killed; a bystander goes on."""
    bystander = Path(directory, "bystander")
    bystander.mkdir()
    other = await start(str(bystander), DEAF, ups=1)
    family = await start(directory, FAMILY, ups=2)
    members = family.members()
    seen: dict[str, Any] = {"members": len(members), "standing before": family.standing()}
    seen["frozen"] = await family.freeze()
    seen["standing"] = family.standing()
    seen["frozen again"] = await family.freeze()
    seen["others standing"] = other.standing()
    family.thaw()
    await eventually(lambda: family.standing() == 0)
    await family.freeze()
    seen["killed while frozen"] = await family.end(grace_s=0)
    seen["left"] = [pid for pid in members if Path(f"/proc/{pid}").exists()]
    seen["members after"] = family.members()
    await other.end(grace_s=0)
    return seen


async def leak_nothing(directory: str) -> list[int]:
    """How many descriptors are open before and after a tree has come and gone."""
    counts = []
    for _ in range(3):
        process = await start(directory, "pass")
        await process.wait()
        counts.append(len(os.listdir("/proc/self/fd")))
    return counts


@pytest.mark.parametrize(
    "code, expected",
    [
        ("print('hello')", [0, 0, "hello\n"]),
        ("import sys; sys.exit(3)", [3, 3, ""]),
        ("import os; os.write(2, b'to stderr'); os._exit(255)", [255, 255, "to stderr"]),
    ],
)
def test_its_end_is_told_with_what_it_printed(
    tmp_path: Path, code: str, expected: list[object]
) -> None:
    """Output and error output in one log."""
    assert isolated(outcome, str(tmp_path), code) == expected


def test_the_log_is_written_on(tmp_path: Path) -> None:
    """A restart must not wipe what the first life said."""
    isolated(outcome, str(tmp_path), "print('one')")
    assert isolated(outcome, str(tmp_path), "print('two')") == [0, 0, "one\ntwo\n"]


def test_what_cannot_be_executed_is_named(tmp_path: Path) -> None:
    """Node, command and the kernel's word."""
    told = isolated(refused, str(tmp_path), ["no-such-program", "-x"], str(tmp_path))
    assert (
        told
        == "cannot start order (no-such-program -x …): No such file or directory: no-such-program"
    )
    told = isolated(refused, str(tmp_path), [sys.executable], "/no/such/place")
    assert told.endswith("No such file or directory: /no/such/place")


def test_a_bind_that_fails_is_named(tmp_path: Path) -> None:
    """Before anything is executed."""
    told = isolated(refused_bind, str(tmp_path))
    assert "mount /no/such/place: No such file or directory" in told


def test_a_node_sees_its_own_world(tmp_path: Path) -> None:
    """First process and only one, its own host name and hosts file, nothing inherited."""
    assert isolated(surroundings, str(tmp_path)) == [
        "n 1 ['1']",
        f"{tmp_path} {{'PATH'}} True",
        "['0', '1', '2', '3'] 1 0",
        "198.18.0.10 order",
        "leaked: False",
    ]


def test_what_refuses_to_be_root_is_not(tmp_path: Path) -> None:
    """And still owns the node's disk."""
    assert isolated(nested, str(tmp_path)) == [0, "1000 1000\n"]
    assert (tmp_path / "mine").stat().st_uid == os.getuid()


def test_ending_asks_first(tmp_path: Path) -> None:
    """And takes no longer than the process does."""
    assert isolated(end_politely, str(tmp_path)) == [4, 4, 4, True]


def test_ending_insists_when_the_grace_is_over(tmp_path: Path) -> None:
    """SIGKILL is the last word."""
    assert isolated(end_deaf, str(tmp_path)) == [-signal.SIGKILL, True]


def test_ending_without_grace_does_not_ask(tmp_path: Path) -> None:
    """For a frozen tree, say, which could not answer."""
    assert isolated(end_at_once, str(tmp_path)) == [-signal.SIGKILL, -signal.SIGKILL]


def test_ending_asks_by_the_signal_that_is_wanted(tmp_path: Path) -> None:
    """Postgres understands SIGINT."""
    assert isolated(end_by_name, str(tmp_path)) == 4


def test_a_tree_is_frozen_thawed_and_ended_as_a_whole(tmp_path: Path) -> None:
    """Children in sessions of their own included, others left alone."""
    assert isolated(freeze_family, str(tmp_path)) == {
        "members": 5,
        "standing before": 0,
        "frozen": 5,
        "standing": 5,
        "frozen again": 5,
        "others standing": 0,
        "killed while frozen": -signal.SIGKILL,
        "left": [],
        "members after": [],
    }


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """Descriptors of processes that have ended are closed."""
    counts = isolated(leak_nothing, str(tmp_path))
    assert counts[1] == counts[2]


def test_processes_need_no_loop_of_their_own() -> None:
    """Where there is none, the mistake is told at once."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        Process(os.getpid())
    asyncio.run(asyncio.sleep(0))
