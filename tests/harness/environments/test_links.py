"""Links of real nodes with taps between them: names, cuts, replaced networks, and who is told.
The taps are a few lines that pass bytes on.
"""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from harness.environments.namespaces import Namespaces
from harness.errors import DeclarationError, HarnessBug
from harness.model.system import Condition, Dependency, Node, Role
from harness.testing import eventually, isolated
from harness.testing.nodes import PORT, nodes_of, printed, reads, relays, service

AFTER = (Dependency(node="server", condition=Condition.HEALTHY),)


async def through_the_tap(directory: str) -> dict[str, Any]:
    greets = f"""
import socket
server = socket.create_server(("", {PORT}))
print("up", flush=True)
while True:
    client, address = server.accept()
    client.sendall(address[0].encode())
    client.close()
"""
    nodes = [
        service("server", directory, greets),
        service("client", directory, reads("server"), depends_on=AFTER),
    ]
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env) as used:
        await env.start(["server", "client"])
        seen = {
            "heard": printed(directory, "client").splitlines()[:2],
            "address": env.tap_address("client", "server"),
            "harness at": env.tap_address(None, "server"),
            "harness resolves": socket.gethostbyname("server"),
            "used": sorted(map(str, used)),
            "hosts": Path(env._nodes["client"].site.hosts).read_text(encoding="utf-8"),
        }
        reader, _ = await asyncio.open_connection(env.tap_address(None, "server"), PORT)
        seen["harness heard"] = (await reader.read()).decode()
    return seen


def test_a_node_reaches_its_peer_through_the_tap(tmp_path: Path) -> None:
    """By name; the server sees the client's own address; the harness reaches servers both ways.
    The client's own port is the one that it dials."""
    assert isolated(through_the_tap, str(tmp_path)) == {
        "heard": ["198.19.11.10", "198.18.0.11"],
        "address": "198.19.11.10",
        "harness at": "198.19.1.10",
        "harness resolves": "198.18.0.10",
        "used": ["('client', 'server')"],
        "hosts": "127.0.0.1 localhost\n198.18.0.1 aftershock\n"
        "198.19.11.10 server\n198.18.0.11 client\n",
        "harness heard": "198.18.0.1",
    }


async def replaced(directory: str) -> dict[str, Any]:
    nodes = [
        service("server", directory),
        service("client", directory, reads("server"), depends_on=AFTER),
    ]
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env):
        await env.start(["server", "client"])
        for node in ("client", "server", "client"):
            await env.kill(node)
            await env.release(node)
            await env.wait_ready(node, 10)
        return {"heard": printed(directory, "client").count("hello")}


def test_taps_outlive_the_network_of_a_killed_node(tmp_path: Path) -> None:
    """Whichever end it was."""
    assert isolated(replaced, str(tmp_path)) == {"heard": 3}


class Told:
    """What a control is told, and the state of things at that moment."""

    def __init__(self, env: Namespaces) -> None:
        self.events: list[list[Any]] = []
        self._env = env

    async def node_gone(self, node: str) -> None:
        pid = self._env.pid(node)
        there = os.fstat(self._env.namespace_fd(node)).st_ino
        self.events.append(["gone", node, pid, there])

    async def node_network(self, node: str, descriptor: int) -> None:
        same = descriptor == self._env.namespace_fd(node)
        self.events.append(["network", node, same, os.fstat(descriptor).st_ino])


async def being_told(directory: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    nodes = [service("a", directory), service("b", directory)]
    async with nodes_of(directory, *nodes, tapped=True) as env:
        control = Told(env)
        env.attach_taps(control)
        for end in ("kill", "stop", "discard"):
            await env.start(["a"])
            before = os.fstat(env.namespace_fd("a")).st_ino
            await (env.kill("a") if end == "kill" else getattr(env, end)(["a", "b"]))
            if end == "kill":
                told["state when told"] = env.state("a").value
                await env.release("a")
                await env.wait_ready("a", 10)
            gone, network = control.events
            told[end] = [gone[:3], gone[3] == before, network[:3], network[3] != before]
            control.events.clear()
        await env.start(["a"])
        env.attach_taps(None)
        await env.kill("a")
        told["detached"] = control.events
    return told


def test_taps_are_told_before_a_network_goes_and_when_there_is_another(tmp_path: Path) -> None:
    """The process is dead and its network still there; the new one is told before a start; a
    node that was down has nothing to tell."""
    each = [["gone", "a", None], True, ["network", "a", True], True]
    assert isolated(being_told, str(tmp_path)) == {
        "state when told": "held down",
        "kill": each,
        "stop": each,
        "discard": each,
        "detached": [],
    }


async def cutting(directory: str) -> dict[str, Any]:
    nodes = [service(name, directory) for name in ("a", "b", "c")]
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env):
        await env.start(["a", "b", "c"])
        seen: dict[str, Any] = {}

        async def dial(client: str, server: str) -> str:
            """As a node does: to the tap."""
            sock = await asyncio.to_thread(env.net.socket_in, client)
            where = (env.tap_address(client, server), PORT)
            with sock:
                try:
                    loop = asyncio.get_running_loop()
                    await asyncio.wait_for(loop.sock_connect(sock, where), 0.3)
                    return (await asyncio.wait_for(loop.sock_recv(sock, 9), 0.3)).decode()
                except TimeoutError:
                    return "unanswered"

        async def look() -> list[str]:
            pairs = (("a", "b"), ("b", "a"), ("a", "c"), ("c", "b"))
            return [await dial(*pair) for pair in pairs]

        seen["well"] = await look()
        await env.cut("a", "b")
        seen["dropped at first"] = (await env.dropped("a", "b")).packets
        seen["cut"] = await look()
        seen["dropped"] = (await env.dropped("a", "b")).packets
        for node in ("a", "b"):
            await env.kill(node)
            await env.release(node)
            await env.wait_ready(node, 10)
            seen[f"{node} replaced"] = await look()
        await env.mend("a", "b")
        seen["mended"] = await look()
    return seen


def test_a_cut_leaves_attempts_at_the_tap_unanswered(tmp_path: Path) -> None:
    """As without taps: not even the connection is made, in either direction, whoever is replaced
    meanwhile; third parties go on."""
    well, cut = ["hello"] * 4, ["unanswered", "unanswered", "hello", "hello"]
    seen = isolated(cutting, str(tmp_path))
    assert seen.pop("dropped") >= 2
    assert seen == {
        "well": well,
        "dropped at first": 0,
        "cut": cut,
        "a replaced": cut,
        "b replaced": cut,
        "mended": well,
    }


ECHO = f"""
import socket
server = socket.create_server(("", {PORT}))
print("up", flush=True)
while True:
    client, _ = server.accept()
    while data := client.recv(100):
        client.sendall(data)
"""


async def stalling(directory: str) -> list[str]:
    nodes = [service("server", directory, ECHO, labels={}, ports=(), expose=(PORT,))]
    nodes.append(service("client", directory, ports=(), labels={}))
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env):
        await env.start(["server"])
        await eventually(lambda: "up" in printed(directory, "server"))
        sock = await asyncio.to_thread(env.net.socket_in, "client")
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (env.tap_address("client", "server"), PORT))

        async def say(text: str, within_s: float) -> str:
            await loop.sock_sendall(sock, text.encode())
            try:
                return (await asyncio.wait_for(loop.sock_recv(sock, 100), within_s)).decode()
            except TimeoutError:
                return "silence"

        with sock:
            heard = [await say("before", 5)]
            await env.cut("client", "server")
            heard.append(await say("cut, ", 0.8))
            waits = env.net.backing_off("client", "server")
            await env.mend("client", "server")
            # What was lost is sent again, after 0.2, 0.6 and 1.4 seconds: the link is mended when
            # it has arrived.
            heard.append(f"{waits} waiting, then {env.net.backing_off('client', 'server')}")
            heard.append((await asyncio.wait_for(loop.sock_recv(sock, 100), 5)).decode())
            return [*heard, await say("mended", 5)]


def test_a_connection_through_a_tap_outlives_a_cut(tmp_path: Path) -> None:
    """It stalls, and goes on with what was said meanwhile."""
    assert isolated(stalling, str(tmp_path)) == [
        "before",
        "silence",
        "1 waiting, then 0",
        "cut, ",
        "mended",
    ]


def test_without_taps_there_is_nothing_to_serve(tmp_path: Path) -> None:
    """As if there were no such thing."""
    brokers = [Node(name=name, role=Role.KAFKA) for name in ("kafka-1", "kafka-2")]
    plain = nodes_of(str(tmp_path), *brokers)
    tapped = nodes_of(str(tmp_path), *brokers, tapped=True)

    assert (plain.links(), plain.direct_links()) == ((), ())
    assert asyncio.run(plain.round_the_taps()) == ()
    assert (len(tapped.links()), len(tapped.direct_links())) == (2, 2)


async def too_many(directory: str) -> str:
    nodes = [service(f"n{number}", directory) for number in range(247)]
    try:
        async with nodes_of(directory, *nodes, tapped=True):
            return "entered"
    except DeclarationError as error:
        return str(error)


def test_a_system_too_large_for_taps_is_refused(tmp_path: Path) -> None:
    """Before anything is built."""
    assert "247 services" in isolated(too_many, str(tmp_path))


def test_an_environment_must_be_entered_before_its_links_are_used(tmp_path: Path) -> None:
    """There is no network to cut anything in."""
    environment = nodes_of(str(tmp_path), service("a", str(tmp_path)))
    with pytest.raises(HarnessBug, match="used before it was entered"):
        asyncio.run(environment.cut("a", "a"))
