"""The kill between commit and publish, on real processes and a real cut.

The stores are files: the writer appends each key to its own before it sends it to the broker,
which appends what it receives to its own. A row without a record is a key in the one only.
"""

from pathlib import Path
from typing import Any

from faults import cut_and_kill
from faults.cut_and_kill import CutAndKill
from harness.model.scenario import Pattern
from harness.protocols import Change, Environment, Stage
from harness.testing import eventually, isolated
from harness.testing.nodes import PORT, nodes_of, service

BROKER = f"""
import socket, threading
def take(client):
    for line in client.makefile():
        with open("published", "a") as file:
            file.write(line)
        client.sendall(b"ok\\n")
server = socket.create_server(("", {PORT}))
while True:
    threading.Thread(target=take, args=(server.accept()[0],)).start()
"""
COMMITS = f"""
import os, socket, threading
def serve(server):
    while True:
        server.accept()[0].close()
threading.Thread(target=serve, args=(socket.create_server(("", {PORT})),)).start()
number = sum(1 for _ in open("committed")) if os.path.exists("committed") else 0
pause = threading.Event()
while not os.path.exists("no-more"):
    number += 1
    with open("committed", "a") as file:
        file.write(f"{{number}}\\n")
    PUBLISH
    pause.wait(0.02)
pause.wait()
"""
PUBLISH = f"""with socket.create_connection(("broker", {PORT})) as out:
        out.sendall(f"{{number}}\\n".encode())
        out.makefile().readline()
"""
RELAYS = f"""
import os, socket, threading
out = socket.create_connection(("broker", {PORT}))
answers = out.makefile()
sent = 0
while True:
    rows = open("committed").read().splitlines() if os.path.exists("committed") else []
    for row in rows[sent:]:
        out.sendall(f"{{row}}\\n".encode())
        answers.readline()
        sent += 1
    threading.Event().wait(0.01)
"""
DUAL = COMMITS.replace("PUBLISH", PUBLISH)
OUTBOX = COMMITS.replace("PUBLISH", "")


class Files:
    """What the two stores say."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    async def committed(self) -> frozenset[Change]:
        return frozenset((key, 1) for key in self._lines("committed"))

    async def published(self) -> frozenset[Change]:
        return frozenset((key, 1) for key in self._lines("published"))

    def _lines(self, name: str) -> frozenset[str]:
        path = self._directory / name
        return frozenset(path.read_text(encoding="utf-8").split()) if path.exists() else frozenset()


def fault(env: Environment, directory: str, *, publisher: str) -> CutAndKill:
    """Cuts `publisher` from the broker and kills the writer."""
    pattern = Pattern(name="p", promises="", writer="order", publisher=publisher)
    stage = Stage(
        environment=env,
        system=env.system,
        pattern=pattern,
        witness=Files(directory),
        connectors={},
    )
    return CutAndKill(stage, writer="order", publisher=publisher, broker="broker")


async def strike(cut: CutAndKill) -> dict[str, Any]:
    """All its steps, and what they showed."""
    seen: dict[str, Any] = {"before": (await cut.before()).shown, "fired": await cut.inject()}
    during = await cut.during()
    seen["during"] = during.shown
    seen["proof"] = [
        probe["cut_keys"] for probe in during.measured["probes"] if "cut_keys" in probe
    ]
    for _ in range(2):
        await cut.heal()
    seen["after"] = (await cut.after()).shown
    seen["achieved"] = cut.achieved()["cut_keys"]
    return seen


async def dual_write(directory: str) -> dict[str, Any]:
    """One process commits and publishes: what is cut is lost."""
    nodes = [
        service("broker", directory, BROKER),
        service("order", directory, DUAL, restart="always"),
        service("customer", directory),
    ]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["broker", "order", "customer"])
        files = Files(directory)
        seen: dict[str, Any] = {}
        lame = fault(env, directory, publisher="order")
        await lame.before()
        during = await lame.during()
        seen["does nothing"] = [during.shown, (await lame.after()).shown]

        seen["strike"] = await strike(fault(env, directory, publisher="order"))
        Path(directory, "no-more").touch()
        committed = await files.committed()
        lost = set(seen["strike"]["achieved"])
        await eventually(
            lambda: files._lines("committed") - files._lines("published") == lost, within_s=30
        )
        seen["lost"] = sorted(files._lines("committed") - files._lines("published"))
        seen["committed"] = len(committed) > 1
        return seen


async def with_a_relay(directory: str) -> dict[str, Any]:
    """Another process publishes: it is cut, the writer is killed, nothing is lost."""
    nodes = [
        service("broker", directory, BROKER),
        service("order", directory, OUTBOX, restart="always"),
        service("relay", directory, RELAYS, ports=()),
    ]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["broker", "order", "relay"])
        relay = env.pid("relay")
        cut = fault(env, directory, publisher="relay")
        seen: dict[str, Any] = {"target": cut.target, "undo": dict(cut.undo())}
        seen["strike"] = await strike(cut)
        Path(directory, "no-more").touch()
        files = Files(directory)
        await eventually(
            lambda: files._lines("committed") == files._lines("published"), within_s=30
        )
        seen["relay lived on"] = env.pid("relay") == relay
    return seen


async def never_comes(directory: str) -> dict[str, Any]:
    """A writer that commits nothing: the moment does not come, and the way is open again."""
    cut_and_kill._ROW_TIMEOUT_S = 0.2
    nodes = [service("broker", directory), service("order", directory)]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["broker", "order"])
        cut = fault(env, directory, publisher="order")
        before = await cut.before()
        seen: dict[str, Any] = {"before": before.shown, "fired": await cut.inject()}
        seen["left"] = (await env.reach("order", "broker", PORT, 0.4)).value
        seen["state"] = env.state("order").value

        await env.cut("order", "broker")  # as inject does, broken off before the kill
        await cut.heal()
        seen["healed half-way"] = (await env.reach("order", "broker", PORT, 0.4)).value
        return seen


def test_a_dual_write_loses_exactly_what_was_cut(tmp_path: Path) -> None:
    """The keys that the fault names are the ones that no record has; nothing else is lost."""
    seen = isolated(dual_write, str(tmp_path))

    strike_ = seen.pop("strike")
    assert len(strike_["achieved"]) == 1
    assert strike_ == {
        "before": True,
        "fired": True,
        "during": True,
        "proof": [strike_["achieved"]],
        "after": True,
        "achieved": strike_["achieved"],
    }
    assert seen == {
        "does nothing": [False, False],
        "lost": strike_["achieved"],
        "committed": True,
    }


def test_an_outbox_loses_nothing(tmp_path: Path) -> None:
    """The publisher is cut off and lives on; the writer dies; all is published in the end."""
    seen = isolated(with_a_relay, str(tmp_path))

    strike_ = seen.pop("strike")
    assert strike_["achieved"] != []
    assert (strike_["before"], strike_["fired"], strike_["during"], strike_["after"]) == (True,) * 4
    assert seen == {
        "target": "order (relay→broker cut)",
        "undo": {"mend": [["relay", "broker"]], "release": "order"},
        "relay lived on": True,
    }


def test_a_moment_that_never_comes_leaves_nothing(tmp_path: Path) -> None:
    """Not fired: the writer lives and its way out is open; a half-done one is healed too."""
    assert isolated(never_comes, str(tmp_path)) == {
        "before": True,
        "fired": False,
        "left": "answered",
        "state": "ready",
        "healed half-way": "answered",
    }
