"""Bridge, nodes and cuts, by real packets in an outer namespace of its own."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyroute2 import IPRoute

from harness.environments.network import HARNESS_ADDRESS, Network, address_of
from harness.testing import isolated

PORT = 7000
CONNECTS_S = 0.3
"""Long enough for a connection that can be made; one over a cut link can't."""
HEARS_S = 2.0
"""The kernel sends unanswered data again after 0.2, 0.6 and 1.4 seconds."""


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """These nodes on one bridge."""
    net = Network()
    try:
        for index, name in enumerate(names):
            net.add_node(name, address_of(index))
        yield net
    finally:
        net.close()


@contextmanager
def listening(net: Network, node: str) -> Iterator[socket.socket]:
    """A server on the node."""
    with net.inside(node, lambda: socket.create_server(("0.0.0.0", PORT))) as server:
        yield server


def reaches(net: Network, client: str, server: str) -> bool:
    """Whether a connection from node to node is answered."""
    with net.socket_in(client) as sock:
        sock.settimeout(CONNECTS_S)
        try:
            sock.connect((net.addresses[server], PORT))
        except TimeoutError:
            return False
        return True


def connected(net: Network, client: str, server: socket.socket, to: str) -> list[socket.socket]:
    """Both ends of a connection from a node to the node `to`."""
    ours = net.socket_in(client)
    ours.settimeout(5)
    ours.connect((net.addresses[to], PORT))
    return [ours, server.accept()[0]]


def hears(sock: socket.socket, *, within_s: float = HEARS_S) -> bool:
    """Whether anything comes: data, or the connection's end."""
    return bool(select.select([sock], [], [], within_s)[0])


def everybody_reaches_everybody() -> dict[str, Any]:
    """Addresses, and who reaches whom; who the server sees."""
    with network("a", "b", "c") as net, listening(net, "a") as a, listening(net, "b"):
        seen: dict[str, Any] = {"addresses": dict(net.addresses)}
        pairs = [("a", "b"), ("b", "a"), ("c", "a"), ("c", "b")]
        seen["reached"] = [reaches(net, *pair) for pair in pairs]
        for _ in range(2):  # who was accepted above
            a.accept()[0].close()
        ours, theirs = connected(net, "c", a, "a")
        seen["client"] = theirs.getpeername()[0]
        with socket.create_connection((net.addresses["a"], PORT), timeout=5) as mine:
            seen["harness"] = mine.getsockname()[0]
        seen["own loopback"] = net.inside("a", _reaches_itself)
        for sock in (ours, theirs):
            sock.close()
    return seen


def _reaches_itself() -> bool:
    with socket.create_connection(("127.0.0.1", PORT), timeout=5):
        return True


def cut_and_mend() -> dict[str, Any]:
    """Who reaches whom while client→server is cut, and after; the counters."""
    with (
        network("client", "server", "third") as net,
        listening(net, "server"),
        listening(net, "client"),
    ):
        told: dict[str, Any] = {}

        def look(when: str) -> None:
            told[when] = {
                "client to server": reaches(net, "client", "server"),
                "server to client": reaches(net, "server", "client"),
                "third to server": reaches(net, "third", "server"),
                "third to client": reaches(net, "third", "client"),
            }

        look("before")
        told["dropped before"] = net.dropped("client", "server").packets
        net.cut("client", "server")
        told["dropped at first"] = net.dropped("client", "server").packets
        look("cut")
        told["harness to server"] = _harness_reaches(net.addresses["server"])
        lost = net.dropped("client", "server")
        told["dropped"] = lost.packets > 0 and lost.bytes >= 40 * lost.packets
        told["dropped elsewhere"] = net.dropped("third", "server").packets
        net.mend("client", "server")
        look("mended")
        told["dropped after"] = net.dropped("client", "server").packets
    return told


def _harness_reaches(address: str) -> bool:
    with socket.create_connection((address, PORT), timeout=5):
        return True


def count_both_ways() -> dict[str, bool]:
    """What the client sends is dropped and counted, and what the server sends as well."""
    with network("client", "server") as net, listening(net, "server") as server:
        ours, theirs = connected(net, "client", server, "server")
        seen = {}
        for name, sender in (("from the client", ours), ("from the server", theirs)):
            net.cut("client", "server")
            sender.sendall(b"hello")
            seen[name] = _becomes(lambda: net.dropped("client", "server").packets > 0)
            net.mend("client", "server")
            seen[f"{name}, mended"] = hears(theirs if sender is ours else ours)
        ours.close()
        theirs.close()
    return seen


def _becomes(condition: Callable[[], bool]) -> bool:
    """Whether it holds within a second of asking."""
    return any(condition() or select.select([], [], [], 0.01)[0] for _ in range(100))


def repeat_everything() -> list[bool]:
    """Cut twice, mend twice, mend what was never cut; two cuts at one server."""
    with network("one", "two", "server") as net, listening(net, "server"):
        net.mend("one", "server")
        net.cut("one", "server")
        net.cut("one", "server")
        net.cut("two", "server")
        seen = [reaches(net, "one", "server"), reaches(net, "two", "server")]
        net.mend("one", "server")
        net.mend("one", "server")
        seen += [reaches(net, "one", "server"), reaches(net, "two", "server")]
        net.mend("two", "server")
        return [*seen, reaches(net, "two", "server")]


def die_behind_a_cut(*, replaced: bool) -> dict[str, Any]:
    """A client with unsent data behind a cut is closed, as the kernel closes a killed one's
    connections; then the cut is mended. What does the server hear?"""
    with network("client", "server") as net, listening(net, "server") as server:
        ours, theirs = connected(net, "client", server, "server")
        net.cut("client", "server")
        ours.sendall(b"an event that must not be published after the death")
        ours.close()
        if replaced:
            net.replace_node("client")
        net.mend("client", "server")
        seen = {"heard": hears(theirs)}
        theirs.close()
    return seen


def replace() -> dict[str, Any]:
    """A node that was replaced: who it is, and that its neighbours reach it at once."""
    with network("a", "b") as net, listening(net, "b") as server:
        seen: dict[str, Any] = {"before": reaches(net, "a", "b")}
        server.accept()[0].close()
        hardware, harness = net.inside("a", _hardware_address), _hardware_address("aftershock0")
        for _ in range(8):
            net.replace_node("a")
        seen["same hardware address"] = net.inside("a", _hardware_address) == hardware
        seen["harness's, too"] = _hardware_address("aftershock0") == harness
        ours, theirs = connected(net, "a", server, "b")
        seen["address"] = theirs.getpeername()[0]
        ours.close()
        theirs.close()
        with listening(net, "a"):
            seen["reached"] = reaches(net, "b", "a")
    return seen


def _hardware_address(interface: str = "eth0") -> str:
    with IPRoute() as ip:
        (link,) = ip.get_links(ifname=interface)
        return str(link.get_attr("IFLA_ADDRESS"))


def leave_nothing() -> list[list[str]]:
    """The outer namespace's interfaces: before, while there is a network, and after."""

    def interfaces() -> list[str]:
        return sorted(name for _, name in socket.if_nameindex())

    seen = [interfaces()]
    with network("a", "b"):
        seen.append(interfaces())
    seen.append(interfaces())
    with network("a"):  # and again, as if for the first time
        return seen


def test_addresses_are_in_the_benchmarks_range() -> None:
    """RFC 2544's, with room for more nodes than any system has."""
    assert [address_of(0), address_of(245), address_of(246)] == [
        "198.18.0.10",
        "198.18.0.255",
        "198.18.1.0",
    ]


def test_nodes_reach_one_another() -> None:
    """Each by its own address, itself by its loopback; the harness stands on the bridge."""
    assert isolated(everybody_reaches_everybody) == {
        "addresses": {"a": "198.18.0.10", "b": "198.18.0.11", "c": "198.18.0.12"},
        "reached": [True] * 4,
        "client": "198.18.0.12",
        "harness": HARNESS_ADDRESS,
        "own loopback": True,
    }


def test_a_cut_hits_two_nodes_and_nobody_else() -> None:
    """Third parties and the harness go on; mended, all is as before."""
    all_well = {
        "client to server": True,
        "server to client": True,
        "third to server": True,
        "third to client": True,
    }
    assert isolated(cut_and_mend) == {
        "before": all_well,
        "dropped before": 0,
        "dropped at first": 0,
        "cut": {**all_well, "client to server": False, "server to client": False},
        "harness to server": True,
        "dropped": True,
        "dropped elsewhere": 0,
        "mended": all_well,
        "dropped after": 0,
    }


def test_both_directions_are_dropped_and_counted() -> None:
    """On a connection that was there before; after the heal what was lost is sent again."""
    assert isolated(count_both_ways) == {
        "from the client": True,
        "from the client, mended": True,
        "from the server": True,
        "from the server, mended": True,
    }


def test_cutting_and_mending_can_be_repeated() -> None:
    """And each pair is cut and mended by itself."""
    assert isolated(repeat_everything) == [False, False, True, False, True]


def still_heard() -> dict[str, Any]:
    """The node's network outlives the process."""
    return die_behind_a_cut(replaced=False)


def not_heard() -> dict[str, Any]:
    """The node's network goes with the process."""
    return die_behind_a_cut(replaced=True)


def test_what_a_dead_process_had_not_sent_is_never_sent() -> None:
    """The kernel would still send it for a process that is gone: the first run shows that it
    does, the second that it does not once the node's network has been replaced."""
    assert isolated(still_heard) == {"heard": True}
    assert isolated(not_heard) == {"heard": False}


def test_a_replaced_node_keeps_its_addresses() -> None:
    """Its neighbours need not learn another, of the harness neither."""
    assert isolated(replace) == {
        "before": True,
        "same hardware address": True,
        "harness's, too": True,
        "address": "198.18.0.10",
        "reached": True,
    }


def test_nothing_is_left_of_a_network() -> None:
    """Bridge and links are gone, and another can be made in the same place."""
    before, during, after = isolated(leave_nothing)
    assert set(during) - set(before) == {"aftershock0", "as0", "as1"}
    assert after == before
