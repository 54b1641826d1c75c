"""The sandbox's program, really running, in the network namespace that the tests have."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyroute2 import IPRoute

from harness.environments.docker.sandbox import Server
from harness.environments.docker.sandboxes import Sandbox
from harness.environments.listening import is_listened
from harness.environments.network import local_route
from harness.environments.sockets import established
from harness.errors import EnvironmentFailed
from harness.protocols import TAP_MARK

TABLE = "test-sandbox"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Somebody who asks it."""
    path = tmp_path / "order.sock"
    with Server(str(path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        asking = Sandbox("order", path)
        yield asking
        asking.close()
        server.shutdown()
        thread.join()


def test_an_open_port_answers_and_a_closed_one_refuses(sandbox: Sandbox) -> None:
    """Tried from in there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = sandbox.ask("reach", address="127.0.0.1", port=port, within_s=1.0)
    after = sandbox.ask("reach", address="127.0.0.1", port=port, within_s=1.0)

    assert (told, after) == ("answered", "refused")


def test_a_drop_rule_keeps_packets_and_counts_them(sandbox: Sandbox) -> None:
    """Until it is removed; a removal of what is not there is no failure."""
    with socket.create_server(("127.0.0.9", 0)) as server:
        where = {"address": "127.0.0.9", "port": server.getsockname()[1], "within_s": 0.2}
        sandbox.ask("drop", table=TABLE, peers=["127.0.0.9"])
        cut = sandbox.ask("reach", **where)
        lost = sandbox.ask("counted", table=TABLE)
        sandbox.ask("remove", table=TABLE)
        sandbox.ask("remove", table=TABLE)
        mended = sandbox.ask("reach", **where)

    assert (cut, mended) == ("timed out", "answered")
    assert sum(packets for packets, _ in lost) > 0
    assert sandbox.ask("counted", table=TABLE) == []


def test_attempts_past_the_taps_are_counted(sandbox: Sandbox) -> None:
    """Its own sockets carry the mark that is left out."""
    sandbox.ask("count_connects", table=TABLE, peers=["127.0.0.9"], but=TAP_MARK)
    try:
        with socket.create_server(("127.0.0.9", 0)) as server:
            port = server.getsockname()[1]
            sandbox.ask("reach", address="127.0.0.9", port=port, within_s=1.0)
            marked = sandbox.ask("counted", table=TABLE)
            with socket.create_connection(("127.0.0.9", port)):
                plain = sandbox.ask("counted", table=TABLE)
    finally:
        sandbox.ask("remove", table=TABLE)

    assert ([p for p, _ in marked], [p for p, _ in plain]) == ([0], [1])


def test_sockets_are_handed_out(sandbox: Sandbox) -> None:
    """One that listens, one that dials, and one that asks the kernel who listens."""
    with (
        sandbox.socket("listening", address="127.77.0.12", port=0) as server,
        sandbox.socket("socket") as client,
        sandbox.socket("question") as asking,
    ):
        asking.settimeout(1.0)
        port = server.getsockname()[1]
        client.settimeout(1.0)
        client.connect(("127.77.0.12", port))
        taken, _ = server.accept()
        taken.close()

        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == TAP_MARK
        assert is_listened(asking, "127.77.0.12", port)
        assert not is_listened(asking, "127.77.0.13", port)


def test_connections_are_the_kernels(sandbox: Sandbox) -> None:
    """By both their ends."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        port, own = server.getsockname()[1], client.getsockname()[1]
        told = [established(text) for text in sandbox.ask("sockets")]

    assert ("127.0.0.1", port, own) in frozenset().union(*told)


def test_what_it_does_not_know_or_cannot_do_is_told(sandbox: Sandbox) -> None:
    """By the node's name; it answers on."""
    with pytest.raises(EnvironmentFailed, match="the sandbox of order: fly: KeyError"):
        sandbox.ask("fly")
    with pytest.raises(EnvironmentFailed, match="listening: OSError"):
        sandbox.socket("listening", address="203.0.113.1", port=1)
    assert sandbox.ask("ping")


def test_a_whole_network_is_local_by_one_route(sandbox: Sandbox) -> None:
    """Of which a socket may listen on any address."""
    with pytest.raises(EnvironmentFailed):
        sandbox.socket("listening", address="198.19.10.12", port=0)
    sandbox.ask("local", network="198.19.0.0/16")
    sandbox.ask("local", network="198.19.0.0/16")
    try:
        with (
            sandbox.socket("listening", address="198.19.10.12", port=0) as server,
            socket.create_connection(server.getsockname(), timeout=1),
        ):
            pass
    finally:
        with IPRoute() as ip:
            ip.route("del", **local_route(ip.link_lookup(ifname="lo")[0]))
