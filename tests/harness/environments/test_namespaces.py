"""Nodes in namespaces: how they start, find and reach each other. Programs of a few lines, and
Postgres, in an outer namespace of their own.

Each function that takes a directory is one script; the test of the same name says what it shows.
"""

import asyncio
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.environments.namespaces import Namespaces
from harness.errors import AftershockError, HarnessBug
from harness.model.system import Condition, Dependency, Healthcheck, Node, Role
from harness.protocols import NodeState
from harness.testing import eventually, isolated
from harness.testing.nodes import PORT, SERVE, nodes_of, printed, service

HEARD = f"""
import socket, threading
def hear(client):
    for line in client.makefile():
        print(line, end="", flush=True)
server = socket.create_server(("", {PORT}))
while True:
    threading.Thread(target=hear, args=(server.accept()[0],)).start()
"""


def after(*nodes: str, condition: Condition = Condition.HEALTHY) -> tuple[Dependency, ...]:
    """A `depends_on`."""
    return tuple(Dependency(node=node, condition=condition) for node in nodes)


async def refusal(environment: Namespaces, *start: str) -> list[str]:
    """Type and message of what comes of entering and starting."""
    try:
        async with environment:
            await environment.start(start)
    except AftershockError as error:
        return [type(error).__name__, str(error)]
    return []


# --- starting -------------------------------------------------------------------------------------


async def in_order(directory: str) -> list[list[str]]:
    told: list[list[str]] = []
    names = [
        service("c", directory, depends_on=after("b")),
        service("a", directory),
        service("b", directory, depends_on=after("a", "elsewhere")),
        service("elsewhere", directory),
    ]
    environment = nodes_of(
        directory, *names, listener=lambda node, state: told.append([node, state.value])
    )
    async with environment:
        await environment.start(["a", "b", "c"])
        count = len(told)
        await environment.start(["a"])
    return told[:count]


def test_in_order(tmp_path: Path) -> None:
    """Each when what it depends on answers; a node that is not to be started is not waited for;
    one that runs is not started twice."""
    assert isolated(in_order, str(tmp_path)) == [
        [name, state] for name in "abc" for state in ("starting", "ready")
    ]


async def not_waiting_for_readiness(directory: str) -> bool:
    late = f"""
import socket
while socket.socket().connect_ex(("early", {PORT})):
    pass
{SERVE}"""
    started = after("late", condition=Condition.STARTED)
    nodes = [service("late", directory, late), service("early", directory, depends_on=started)]
    async with nodes_of(directory, *nodes) as environment:
        # `late` opens its port only after `early` has answered it.
        await environment.start(["late", "early"])
        return environment.state("late") is NodeState.READY


def test_not_waiting_for_readiness(tmp_path: Path) -> None:
    """`service_started` asks for no more than that."""
    late = isolated(not_waiting_for_readiness, str(tmp_path))
    assert late is True


SLOW = """
import http.server, pathlib
answers = iter([503, 503])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(next(answers, 200) if self.path == "/health" else 404)
        self.end_headers()
    def log_message(self, *_):
        print(self.path, flush=True)
print("listening", flush=True)
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""


async def asking(directory: str) -> dict[str, Any]:
    check = (sys.executable, "-c", "import os, sys; sys.exit(not os.path.exists('well'))")
    healthcheck = Healthcheck(test=check)
    nodes = [
        service("http", directory, SLOW, labels={"aftershock.ready": "8080/health"}),
        service("checked", directory, healthcheck=healthcheck, labels={}),
        service("plain", directory, "import signal; signal.pause()", ports=()),
    ]
    async with nodes_of(directory, *nodes) as environment:
        await environment.start(["http", "plain"])
        start = asyncio.create_task(environment.start(["checked"]))
        await eventually(lambda: "up" in printed(directory, "checked"))
        # It may have spoken before its start was noted.
        await eventually(lambda: environment.state("checked") is not NodeState.ABSENT)
        early = environment.state("checked").value
        Path(directory, "well").touch()
        await start
        return {
            "asked over HTTP": printed(directory, "http").count("/health"),
            "checked at first": early,
            "checked": environment.state("checked").value,
            "plain": environment.state("plain").value,
        }


def test_asking(tmp_path: Path) -> None:
    """Ready is an answer: HTTP 200, a health check that passes, else that the process runs."""
    assert isolated(asking, str(tmp_path)) == {
        "asked over HTTP": 3,
        "checked at first": "starting",
        "checked": "ready",
        "plain": "ready",
    }


async def never_ready(directory: str) -> list[str]:
    environment = nodes_of(directory, service("mute", directory, "import signal; signal.pause()"))
    try:
        async with environment:
            await environment.start(())
            start = asyncio.create_task(environment._launch("mute"))
            await start
            await environment.wait_ready("mute", 0.2)
    except AftershockError as error:
        return [type(error).__name__, *str(error).splitlines()]
    return []


def test_never_ready(tmp_path: Path) -> None:
    """The message has the last answer and where to read on."""
    kind, first, *_ = isolated(never_ready, str(tmp_path))
    assert kind == "EnvironmentFailed"
    assert first.startswith("mute was not ready after 0.2 s (last answer: port 7000: ")
    assert f"the end of {tmp_path}/logs/mute.log:" in first


async def ended_early(directory: str) -> list[str]:
    code = "import sys; print('no database'); print('giving up'); sys.exit(3)"
    nodes = [service("order", directory, code), service("other", directory)]
    return await refusal(nodes_of(directory, *nodes), "order", "other")


def test_ended_early(tmp_path: Path) -> None:
    """Without a restart policy that is the end, with what it said last."""
    kind, message = isolated(ended_early, str(tmp_path))
    assert kind == "EnvironmentFailed"
    assert message.startswith("order ended before it was ready")
    assert "    no database\n    giving up\n" in message


async def hopeless(directory: str) -> list[str]:
    env = {"POSTGRES_PASSWORD": "shop", "POSTGRES_USER": "shop"}
    wrong = ("postgres", "-c", "nonsense=1")
    node = Node(name="db", role=Role.POSTGRES, environment=env, command=wrong, restart="always")
    return await refusal(nodes_of(directory, node), "db")


@pytest.mark.stack
def test_hopeless(tmp_path: Path) -> None:
    """A server that ends again and again is given up long before the deadline."""
    began = time.monotonic()
    kind, message = isolated(hopeless, str(tmp_path))
    assert kind == "EnvironmentFailed"
    assert message.startswith("db ended before it was ready")
    assert 'unrecognized configuration parameter "nonsense"' in message
    assert time.monotonic() - began < 30


async def unsupported(directory: str) -> list[list[str]]:
    completed = after("a", condition=Condition.COMPLETED)
    waits = [service("a", directory), service("b", directory, depends_on=completed)]
    proxy = Node(name="proxy", role=Role.TOXIPROXY)
    absent = service("absent", directory, build=Path("/no/such/place"))
    return [
        await refusal(nodes_of(directory, *waits), "b"),
        await refusal(nodes_of(directory, proxy)),
        await refusal(nodes_of(directory, absent), "absent"),
    ]


def test_unsupported(tmp_path: Path) -> None:
    """Refused by name, each as what it is: a declaration, a machine, the rig."""
    waits, proxy, absent = isolated(unsupported, str(tmp_path))
    assert waits == [
        "DeclarationError",
        (
            "service b: depends_on a: condition service_completed_successfully is not supported "
            "by the namespaces backend"
        ),
    ]
    assert proxy[0] == "MachineUnfit"
    assert "service proxy has role toxiproxy" in proxy[1]
    assert absent[0] == "EnvironmentFailed"
    assert absent[1].endswith("No such file or directory: /no/such/place")


# --- names and links ------------------------------------------------------------------------------


async def by_name(directory: str) -> dict[str, Any]:
    asks = f"""
import socket
for name in ("server", "client", "aftershock", "localhost"):
    print(name, socket.gethostbyname(name))
print(socket.gethostname())
print(socket.create_connection(("server", {PORT})).recv(9).decode(), flush=True)
{SERVE}"""
    nodes = [
        service("server", directory, hostname="db.example"),
        service("client", directory, asks, depends_on=after("server")),
    ]
    before = Path("/etc/hosts").read_text(encoding="utf-8")
    async with nodes_of(directory, *nodes) as environment:
        await environment.start(["server", "client"])
        mine = socket.gethostbyname("client") == environment.address("client")
    return {
        "client": printed(directory, "client").splitlines()[:-1],
        "the harness knows": mine,
        "hosts put back": Path("/etc/hosts").read_text(encoding="utf-8") == before,
    }


def test_by_name(tmp_path: Path) -> None:
    """Nodes and the harness find nodes by their names, as long as they are there."""
    assert isolated(by_name, str(tmp_path)) == {
        "client": [
            "server 198.18.0.10",
            "client 198.18.0.11",
            "aftershock 198.18.0.1",
            "localhost 127.0.0.1",
            "client",
            "hello",
        ],
        "the harness knows": True,
        "hosts put back": True,
    }


async def links(directory: str) -> dict[str, Any]:
    names = ("a", "b", "c")
    async with nodes_of(directory, *(service(name, directory) for name in names)) as env:
        await env.start(["a", "b"])
        seen: dict[str, Any] = {}

        async def look(client: str, server: str) -> str:
            return (await env.reach(client, server, PORT, 0.3)).value

        seen["well"] = [await look("a", "b"), await look("b", "a"), await look("a", "c")]
        await env.cut("a", "b")
        await env.cut("a", "b")
        seen["cut"] = [await look("a", "b"), await look("c", "b")]
        seen["dropped"] = (await env.dropped("a", "b")).packets > 0
        await env.kill("b")
        await env.release("b")
        await env.wait_ready("b", 10)
        seen["cut outlives a kill of the server"] = await look("a", "b")
        await env.kill("a")
        await env.release("a")
        await env.wait_ready("a", 10)
        seen["cut outlives a kill of the client"] = await look("a", "b")
        await env.mend("a", "b")
        await env.mend("a", "b")
        seen["mended"] = await look("a", "b")
        await env.cut_groups(["a", "c"], ["b"])
        seen["groups"] = [await look("a", "b"), await look("c", "b"), await look("c", "a")]
        await env.mend_all()
        seen["all mended"] = [await look("a", "b"), await look("c", "b")]
    return seen


def test_links(tmp_path: Path) -> None:
    """What is cut stays cut whoever is killed meanwhile, until it is mended."""
    assert isolated(links, str(tmp_path)) == {
        "well": ["answered", "answered", "refused"],
        "cut": ["timed out", "answered"],
        "dropped": True,
        "cut outlives a kill of the server": "timed out",
        "cut outlives a kill of the client": "timed out",
        "mended": "answered",
        "groups": ["timed out", "timed out", "answered"],
        "all mended": ["answered", "answered"],
    }


async def dead_and_unsent(directory: str, end: str) -> dict[str, Any]:
    writer = f"""
import pathlib, socket
life = "second" if pathlib.Path("go").exists() else "first"
out = socket.create_connection(("server", {PORT}))
out.sendall(f"{{life}} life\\n".encode())
print("up", flush=True)
while not pathlib.Path("go").exists():
    pass
out.sendall(f"{{life}}: unsent\\n".encode())
print("sent", flush=True)
import signal; signal.pause()
"""
    nodes = [
        service("server", directory, HEARD),
        service(
            "writer", directory, writer, ports=(), stop_grace_s=0.2, depends_on=after("server")
        ),
    ]
    async with nodes_of(directory, *nodes) as env:
        await env.start(["server", "writer"])
        await eventually(lambda: "first life" in printed(directory, "server"))
        await env.cut("writer", "server")
        Path(directory, "go").touch()
        await eventually(lambda: "sent" in printed(directory, "writer"))
        await getattr(env, end)("writer" if end == "kill" else ["writer"])
        await env.mend("writer", "server")
        await env.release("writer")
        await env.start(["writer"])
        await eventually(lambda: "second: unsent" in printed(directory, "server"))
        # What the kernel still held for the dead one it would have sent again by now.
        silence = asyncio.get_running_loop().time() + 1.0
        await eventually(lambda: asyncio.get_running_loop().time() > silence)
    return {"heard": printed(directory, "server").splitlines()}


@pytest.mark.parametrize("end", ["kill", "stop", "discard"])
def test_dead_and_unsent(tmp_path: Path, end: str) -> None:
    """A writer that ends behind a cut never gets its last words out, however soon it is mended:
    they would belong to another life, or another scenario."""
    assert isolated(dead_and_unsent, str(tmp_path), end) == {
        "heard": ["first life", "second life", "second: unsent"]
    }


async def beside(directory: str, mine: str, theirs: str) -> list[str]:
    greets = SERVE.replace("hello", mine)
    async with nodes_of(f"{directory}/{mine}", service("a", directory, greets)) as env:
        await env.start(["a"])
        Path(directory, f"{mine} up").touch()
        other = Path(directory, f"{theirs} up")
        await eventually(other.exists, within_s=20)
        reader, writer = await asyncio.open_connection("a", PORT)
        heard = (await reader.read(9)).decode()
        writer.close()
        await writer.wait_closed()
        Path(directory, f"{mine} done").touch()
        await eventually(Path(directory, f"{theirs} done").exists, within_s=20)
        return [env.address("a"), heard]


def test_beside(tmp_path: Path) -> None:
    """Two environments with the same names and addresses, at the same time: each sees its own."""
    seen: dict[str, Any] = {}

    def run(mine: str, theirs: str) -> None:
        seen[mine] = isolated(beside, str(tmp_path), mine, theirs)

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    threads = [threading.Thread(target=run, args=a) for a in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"one": ["198.18.0.10", "one"], "two": ["198.18.0.10", "two"]}


def test_use_before_entering(tmp_path: Path) -> None:
    """A mistake of ours is told as such."""
    environment = nodes_of(str(tmp_path), service("a", str(tmp_path)))
    with pytest.raises(HarnessBug, match="used before it was entered"):
        asyncio.run(environment.cut("a", "a"))
