"""Nodes in namespaces: how they end, come back, stand still and leave nothing.

Each function that takes a directory is one script; the test of the same name says what it shows.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import AftershockError, HarnessBug
from harness.model.system import Node
from harness.protocols import NodeState
from harness.testing import eventually, isolated
from harness.testing.nodes import PORT, SERVE, nodes_of, printed, service

DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE


async def restarting(directory: str) -> dict[str, Any]:
    once = f"""
import pathlib, sys
life = pathlib.Path("lives-" + sys.argv[1])
if not life.exists():
    life.touch()
    sys.exit(int(sys.argv[2]))
{SERVE}"""

    def dying(name: str, code: int, restart: str) -> Node:
        node = service(name, directory, once, restart=restart)
        return replace(node, command=(*node.command, name, str(code)))

    nodes = [
        dying("always", 0, "always"),
        dying("unless-stopped", 3, "unless-stopped"),
        dying("on-failure", 3, "on-failure:5"),
        dying("on-success", 0, "on-failure"),
        dying("never", 3, "no"),
    ]
    names = [node.name for node in nodes]
    async with nodes_of(directory, *nodes) as env:
        for name in names:
            await env._launch(name)
        for name in names[:3]:
            await env.wait_ready(name, 10)
        await eventually(lambda: all(env.state(n) is NodeState.EXITED for n in names[3:]))
        return {
            "restarts": {name: env.restarts(name) for name in names},
            "ends": [list(end) for end in env.unexpected_ends(names)],
            "told again": env.unexpected_ends(names),
            "pids": [env.pid(name) is not None for name in names],
        }


def test_restarting(tmp_path: Path) -> None:
    """By its policy; every end that nobody asked for is told once."""
    assert isolated(restarting, str(tmp_path)) == {
        "restarts": {
            "always": 1, "unless-stopped": 1, "on-failure": 1, "on-success": 0, "never": 0
        },
        "ends": [
            ["always", 0], ["unless-stopped", 3], ["on-failure", 3], ["on-success", 0],
            ["never", 3],
        ],
        "told again": [],
        "pids": [True, True, True, False, False],
    }  # fmt: skip


async def killing(directory: str) -> dict[str, Any]:
    family = f"""
import os, signal
if os.fork() == 0:
    os.setsid()
    signal.pause()
{SERVE}"""
    nodes = [service("a", directory, family, restart="no"), service("b", directory)]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["a", "b"])
        old = env.pid("a")
        death = await env.kill("a")
        seen: dict[str, Any] = {
            "death": [death.node, death.pid == old, death.code, death.signal, death.survivors],
            "gone": not env.exists(death.pid),
            "state": env.state("a").value,
            "port": (await env.reach("b", "a", PORT, 1)).value,
        }
        try:
            await env.wait_ready("a", 0.5)
        except AftershockError as error:
            seen["held"] = str(error).startswith("a was not ready after 0.5 s")
        try:
            await env.kill("a")
        except AftershockError as error:
            seen["killed again"] = str(error)
        await env.release("a")
        await env.release("a")
        await env.wait_ready("a", 10)
        seen["back"] = [env.pid("a") not in {None, old}, env.state("a").value, env.restarts("a")]
        seen["unexpected"] = env.unexpected_ends(["a"])
        seen["other"] = env.restarts("b")
        return seen


def test_killing(tmp_path: Path) -> None:
    """The whole tree dies, is held down until it is released, and is then another process."""
    assert isolated(killing, str(tmp_path)) == {
        "death": ["a", True, -signal.SIGKILL, signal.SIGKILL, 0],
        "gone": True,
        "state": "held down",
        "port": "refused",
        "held": True,
        "killed again": "a cannot be killed: it is not running",
        "back": [True, "ready", 1],
        "unexpected": [],
        "other": 0,
    }


async def freezing(directory: str) -> dict[str, Any]:
    async with nodes_of(directory, service("a", directory), service("b", directory)) as env:
        await env.start(["a"])
        seen: dict[str, Any] = {"frozen": await env.freeze("a"), "standing": env.standing("a")}
        seen["state"] = env.state("a").value
        seen["answers while frozen"] = await _hears(env.address("a"))
        await env.thaw("a")
        await env.thaw("a")
        await eventually(lambda: env.standing("a") == 0)
        seen["answers again"] = await _hears(env.address("a"))
        seen["state again"] = env.state("a").value
        try:
            await env.freeze("b")
        except AftershockError as error:
            seen["not running"] = str(error)
        await env.freeze("a")
        began = time.monotonic()
        await env.stop(["a"])
        seen["stopped at once"] = time.monotonic() - began < 5
        seen["standing when gone"] = env.standing("a")
    return seen


async def _hears(address: str) -> bool:
    reader, writer = await asyncio.open_connection(address, PORT)
    try:
        return await asyncio.wait_for(reader.read(5), 0.5) == b"hello"
    except TimeoutError:
        return False
    finally:
        writer.close()
        await writer.wait_closed()


def test_freezing(tmp_path: Path) -> None:
    """A frozen node is connected to and says nothing; thawed it goes on where it was."""
    assert isolated(freezing, str(tmp_path)) == {
        "frozen": 1,
        "standing": 1,
        "state": "frozen",
        "answers while frozen": False,
        "answers again": True,
        "state again": "ready",
        "not running": "b cannot be frozen: it is not running",
        "stopped at once": True,
        "standing when gone": 0,
    }


async def stopping(directory: str) -> dict[str, Any]:
    polite = f"import signal, sys\nsignal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))\n{SERVE}"
    nodes = [
        service("deaf", directory, DEAF, stop_grace_s=0.3, restart="always"),
        service("polite", directory, polite, stop_signal="SIGUSR1", stop_grace_s=60.0),
    ]
    names = ["deaf", "polite"]
    async with nodes_of(directory, *nodes) as env:
        await env.start(names)
        pids = [env.pid(name) for name in names]
        began = time.monotonic()
        await env.stop(names)
        took = time.monotonic() - began
        seen = {
            "waited": 0.3 <= took < 10,
            "states": [env.state(name).value for name in names],
            "left": [pid for pid in pids if pid is not None and env.exists(pid)],
            "unexpected": env.unexpected_ends(names),
        }
        await env.stop(names)
        env.redefine([service("deaf", directory, f"print('another')\n{SERVE}")])
        await env.start(["deaf"])
        seen["redefined"] = printed(directory, "deaf").splitlines()
        try:
            env.redefine([nodes[0]])
        except HarnessBug as error:
            seen["while it runs"] = str(error)
    return seen


def test_stopping(tmp_path: Path) -> None:
    """Asked by its own signal, killed after its own grace, not restarted; startable again."""
    assert isolated(stopping, str(tmp_path)) == {
        "waited": True,
        "states": ["absent", "absent"],
        "left": [],
        "unexpected": [],
        "redefined": ["up", "another", "up"],
        "while it runs": "deaf runs and cannot be redefined",
    }


async def wiping(directory: str) -> dict[str, Any]:
    keeps = f"import os\nopen(os.environ['HOME'] + '/../kept', 'a').write('.')\n{SERVE}"
    kept = Path(directory, "nodes", "a", "kept")
    async with nodes_of(directory, service("a", directory, keeps), service("b", directory)) as env:
        await env.start(["a"])
        await env.kill("a")
        await env.release("a")
        await env.wait_ready("a", 10)
        seen: dict[str, Any] = {"kept over a kill": kept.read_text(encoding="utf-8")}
        await env.cut("b", "a")
        await env.wipe()
        seen["disk"] = os.listdir(kept.parent)
        seen["state"] = env.state("a").value
        await env.start(["a"])
        seen["reached"] = (await env.reach("b", "a", PORT, 1)).value
        seen["anew"] = kept.read_text(encoding="utf-8")
        return seen


def test_wiping(tmp_path: Path) -> None:
    """A node's disk outlives its process, not a wipe; cuts are gone too."""
    assert isolated(wiping, str(tmp_path)) == {
        "kept over a kill": "..",
        "disk": [],
        "state": "absent",
        "reached": "answered",
        "anew": ".",
    }


async def leaving(directory: str) -> dict[str, Any]:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    nodes = [
        service("deaf", directory, DEAF, restart="always"),
        service("frozen", directory),
        service("held", directory),
        service("dying", directory, "raise SystemExit(1)", restart="always"),
    ]
    try:
        async with nodes_of(directory, *nodes) as env:
            await env.start(["deaf", "frozen", "held"])
            await env.freeze("frozen")
            await env.kill("held")
            await env._launch("dying")
            await env.cut("deaf", "frozen")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    await asyncio.get_running_loop().shutdown_default_executor()
    return {
        "processes": others,
        "interfaces": [name for _, name in socket.if_nameindex()],
        "mounts": Path("/proc/self/mounts").read_text(encoding="utf-8") == mounts,
        "files": sorted(os.listdir(directory)),
        "logs": sorted(os.listdir(Path(directory, "logs"))),
        "threads": [t.name for t in threading.enumerate()],
        "tasks": len(asyncio.all_tasks()),
    }


def test_leaving(tmp_path: Path) -> None:
    """However it is left, nothing stays but the logs: deaf, frozen, held and dying nodes go."""
    seen: Mapping[str, Any] = isolated(leaving, str(tmp_path))
    assert seen == {
        "processes": [],
        "interfaces": ["lo"],
        "mounts": True,
        "files": ["logs"],
        "logs": ["deaf.log", "dying.log", "frozen.log", "held.log"],
        "threads": ["MainThread"],
        "tasks": 1,
    }
