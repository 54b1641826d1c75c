"""Whether everything between real nodes goes through taps: what is counted past them, and what
the nodes' own kernels say. The taps are a few lines that pass bytes on.
"""

import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from harness.environments.namespaces import Namespaces
from harness.model.system import Condition, Dependency, Node, Role
from harness.testing import eventually, isolated
from harness.testing.nodes import PORT, nodes_of, printed, reads, relays, service

AFTER = (Dependency(node="server", condition=Condition.HEALTHY),)


async def past_the_taps(directory: str) -> dict[str, Any]:
    nodes = [
        service("server", directory),
        service("client", directory, reads("server"), depends_on=AFTER),
        service("astray", directory, reads("198.18.0.10"), depends_on=AFTER),
        service("asks", directory, reads("aftershock"), ports=(), labels={}),
    ]
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env):
        harness = socket.create_server(("198.18.0.1", PORT))
        await env.start(["server", "client", "asks"])
        harness.accept()[0].close()
        await env.reach("client", "server", PORT, 1)
        seen: dict[str, Any] = {
            "sound": await told(env),
            "heard": printed(directory, "client").count("hello"),
        }
        await env.start(["astray"])
        seen["heard astray"] = printed(directory, "astray").count("hello")
        seen["astray"] = await told(env)
        seen["again"] = await told(env)
        for _ in range(2):
            await env.kill("astray")
            await env.release("astray")
            await env.wait_ready("astray", 10)
        await env.kill("astray")
        seen["in networks that are gone"] = await told(env)
    return seen


async def told(env: Namespaces) -> list[tuple[str, str, int]]:
    """Who went past the taps."""
    return [(r.client, r.server, r.packets) for r in await env.round_the_taps()]


def test_who_goes_past_the_taps_is_told(tmp_path: Path) -> None:
    """A node that dials its peer by name is not, and neither is what the harness tries, nor who
    talks to the harness; one that dials the peer's own address is, once for each attempt, also
    where its network has been replaced since."""
    assert isolated(past_the_taps, str(tmp_path)) == {
        "sound": [],
        "heard": 1,
        "heard astray": 1,
        "astray": [["astray", "server", 1]],
        "again": [],
        "in networks that are gone": [["astray", "server", 2]],
    }


async def between_brokers(directory: str) -> list[tuple[str, str, int]]:
    nodes = [Node(name=name, role=Role.KAFKA) for name in ("kafka-1", "kafka-2")]
    nodes.append(service("silent", directory, ports=()))
    async with nodes_of(directory, *nodes, tapped=True) as env:
        seen = {}
        for server in ("kafka-2", "silent"):
            where = Path(env._nodes["kafka-1"].site.hosts).read_text(encoding="utf-8")
            seen[server] = f"{env.address(server)} {server}\n" in where

            def dial(address: str = env.address(server)) -> int:
                with socket.socket() as sock:
                    return sock.connect_ex((address, PORT))

            env.net.inside("kafka-1", dial)
        assert seen == {"kafka-2": True, "silent": True}
        return await told(env)


def test_what_is_declared_direct_is_not_told(tmp_path: Path) -> None:
    """Brokers among themselves. A node without a known port is reached by its own address, too,
    but that is nobody's declaration."""
    assert isolated(between_brokers, str(tmp_path)) == [["kafka-1", "silent", 1]]


STAYS = f"""
import socket
server = socket.create_server(("::", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
kept = []
while True:
    kept.append(server.accept()[0])
    kept[-1].sendall(b"hello")
"""


async def what_servers_see(directory: str) -> dict[str, Any]:
    nodes = [
        service("server", directory, STAYS, labels={}),
        service("client", directory, STAYS.replace("kept = []", """
kept = [socket.create_connection(("server", 7000))]"""), depends_on=AFTER),
    ]  # fmt: skip
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env):
        await env.start(["server", "client"])

        async def seen(node: str, port: int) -> list[str]:
            found = await env.established(node)
            # The harness's questions whether it is ready have left connections half-closed.
            return sorted(address for address, _, local in found if local == port)

        await eventually(lambda: _is(seen("server", PORT), ["198.18.0.11"]))
        outgoing = {
            (address, remote) for address, remote, local in await env.established("client")
            if local != PORT
        }  # fmt: skip
        await env.kill("client")
        await eventually(lambda: _is(seen("server", PORT), []))
    return {"outgoing": sorted(outgoing)}


async def _is(asked: Awaitable[list[str]], expected: list[str]) -> bool:
    return await asked == expected


def test_connections_are_seen_as_the_nodes_kernel_has_them(tmp_path: Path) -> None:
    """The server's of a client that came through a tap has the client's own address, also where
    it listens for IPv6; in the client's network are its own and the tap's."""
    assert isolated(what_servers_see, str(tmp_path)) == {
        "outgoing": [["198.18.0.10", PORT], ["198.19.11.10", PORT]]
    }
