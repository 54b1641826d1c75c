"""The network of nodes in containers, by sandboxes that really answer."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, cast

import pytest

from harness.environments.docker import links
from harness.environments.docker.links import SandboxLinks
from harness.environments.docker.overlay import Ground
from harness.environments.docker.sandbox import Server
from harness.environments.docker.sandboxes import Sandbox
from harness.errors import EnvironmentFailed, HarnessBug
from harness.model.address import CLIENT
from harness.model.system import Node, Role, System
from harness.protocols import TAP_MARK, Reach

NODES = (Node(name="order", role=Role.SERVICE), Node(name="db", role=Role.POSTGRES))


class Made(SandboxLinks):
    """Upon loopback: a node's address is where the test listens."""

    def __init__(self, sockets: Path, *, tapped: bool = False) -> None:
        system = System(name="test", path=Path("test.yaml"), nodes=NODES)
        super().__init__(system, sockets, tapped=tapped)
        self._ground = Ground(
            place=sockets, subnet=IPv4Network("127.0.0.0/23"), network="n", sockets=sockets,
            sandbox_image="i", images={}, tapped=tapped,
        )  # fmt: skip

    async def open(self) -> None:
        await self._open_sandboxes()

    async def forget(self, node: str) -> None:
        await self._forget(node)

    def close(self) -> None:
        self._close_sandboxes()


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[Path]:
    """A sandbox for each node."""
    servers = [Server(str(tmp_path / f"{node.name}.sock")) for node in NODES]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    yield tmp_path
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_node_is_reached_cut_off_and_reached_again(sockets: Path) -> None:
    """From its peer's network, by what the kernel does."""
    made = Made(sockets)

    async def act() -> list[Reach]:
        await made.open()
        with socket.create_server((made.address("db"), 0)) as server:
            port = server.getsockname()[1]
            seen = [await made.reach("order", "db", port, 1)]
            # The two share a network here, so what goes to the client's address is what is lost.
            await made.cut("db", "db")
            seen.append(await made.reach("order", "db", port, 0.2))
            assert (await made.dropped("db", "db")).packets > 0
            await made.mend_all()
            seen.append(await made.reach("order", "db", port, 1))
        seen.append(await made.reach("order", "db", port, 1))
        made.close()
        return seen

    assert asyncio.run(act()) == [
        Reach.ANSWERED, Reach.TIMED_OUT, Reach.ANSWERED, Reach.REFUSED
    ]  # fmt: skip


def test_addresses_and_names_are_the_runs(tmp_path: Path) -> None:
    """A node's taps are where they are in namespaces, the workload's in the network's other half."""
    made = Made(tmp_path, tapped=True)

    assert made.names == {"order": "127.0.0.10", "db": "127.0.0.11"}
    assert made.tap_address("order", "db") == "198.19.10.11"
    assert made.tap_address(None, "db") == "127.0.1.11"
    assert made.namespace_fds() == {}
    assert made.sandbox_paths() == {
        "order": str(tmp_path / "order.sock"),
        "db": str(tmp_path / "db.sock"),
        CLIENT: str(tmp_path / "aftershock-taps.sock"),
    }


def test_connections_are_asked_of_the_sandbox(sockets: Path) -> None:
    """As the kernel has them in there."""
    made = Made(sockets)

    async def act() -> frozenset[tuple[str, int, int]]:
        await made.open()
        found = await made.established("order")
        made.close()
        return found

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        place = ("127.0.0.1", server.getsockname()[1], client.getsockname()[1])
        assert place in asyncio.run(act())


def test_a_socket_to_the_taps_is_of_their_own_network(sockets: Path) -> None:
    """Made by their sandbox."""
    server = Server(str(sockets / "aftershock-taps.sock"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made = Made(sockets, tapped=True)

    async def act() -> None:
        made._sandboxes["aftershock-taps"] = Sandbox("taps", sockets / "aftershock-taps.sock")
        with await made.socket_to_taps() as sock:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == TAP_MARK
        made.close()

    asyncio.run(act())
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_dead_node_is_forgotten_when_the_taps_have_let_go(tmp_path: Path) -> None:
    """Their servers know of the end by then; without taps the kernel alone is told."""
    done = list[str]()

    class Asked:
        """A sandbox, and taps."""

        def ask(self, do: str) -> int:
            done.append(do)
            return 1

        async def node_gone(self, node: str) -> None:
            done.append(f"{node} gone")

    made = Made(tmp_path)
    made._sandboxes["order"] = cast("Any", Asked())
    asyncio.run(made.forget("order"))
    made.attach_taps(cast("Any", Asked()))
    asyncio.run(made.forget("order"))

    assert done == ["forget", "order gone", "forget"]


def test_a_sandbox_that_never_answers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time."""
    monkeypatch.setattr(links, "_SANDBOX_TIMEOUT_S", 0.1)
    with pytest.raises(EnvironmentFailed, match="the sandbox of order does not answer"):
        asyncio.run(Made(tmp_path).open())


def test_before_it_is_entered_there_is_nothing(tmp_path: Path) -> None:
    """To ask would be a bug of ours."""
    with pytest.raises(HarnessBug):
        _ = Made(tmp_path).rules
