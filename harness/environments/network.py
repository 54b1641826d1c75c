"""The run's network: one bridge inside the outer namespace, a veth pair and an address a node,
and drop rules between pairs of nodes.

Addresses come from 198.18.0.0/15, the range reserved for benchmarks (RFC 2544), so that nothing
here can be anybody's. A cut drops what the client sends at the server's side and what the server
sends back, by one nftables table a pair with a counter in each rule: the table's removal is the
heal, and the counters are the proof that packets were lost.

With taps every pair has a second address, 198.19.<client>.<server>, which is local to the outer
namespace: there the client's tap for the server listens. A cut drops what goes there as well, at
the client's side, so that an attempt to connect is as unanswered as without taps. Attempts to
connect to a peer's own address are counted where they start, those of the taps (and of the
harness), which carry a mark, left out.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

from harness.environments import kernel
from harness.environments.rules import Dropped, Pair, Rules
from harness.environments.sockets import Connection, established
from harness.errors import EnvironmentFailed, HarnessBug
from harness.protocols import TAP_MARK

__all__ = ["Dropped", "Network", "Pair", "address_of"]

T = TypeVar("T")

HARNESS_ADDRESS = "198.18.0.1"
PREFIX_LENGTH = 16
_FIRST_NODE = 10
_BRIDGE = "aftershock0"
_THEIRS = "eth0"
_FORWARDING_TIMEOUT_S = 5.0
_POLL_S = 0.002
_BR_STATE_FORWARDING = 3
"""<linux/if_bridge.h>"""
TAPS = "198.19.0.0/16"
"""Where taps have their addresses: see tap_links."""
_RTN_LOCAL = 2
_RT_SCOPE_HOST = 254
_RT_TABLE_LOCAL = 255
"""<linux/rtnetlink.h>"""


def address_of(index: int) -> str:
    """The address of the node at `index` (0-based) of the system."""
    number = _FIRST_NODE + index
    return f"198.18.{number // 256}.{number % 256}"


class Network(Rules):
    """Bridge, nodes' network namespaces and cuts. Blocking calls are short netlink exchanges."""

    def __init__(self, taps: Mapping[Pair, str] | None = None) -> None:
        """`taps`: for every pair with a tap, the address at which it listens."""
        super().__init__(taps or {})
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._namespaces: dict[str, int] = {}
        self._links: dict[str, str] = {}
        """Node → its veth's end on the bridge."""
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="netns")
        with IPRoute() as ip:
            # Else it takes the lowest of its ports', which changes when a node is replaced, and
            # what the others send to the old one is lost.
            ip.link("add", ifname=_BRIDGE, kind="bridge", address=_mac_of(HARNESS_ADDRESS))
            index = ip.link_lookup(ifname=_BRIDGE)[0]
            ip.addr("add", index=index, address=HARNESS_ADDRESS, prefixlen=PREFIX_LENGTH)
            ip.link("set", index=index, state="up")
            loopback = ip.link_lookup(ifname="lo")[0]
            ip.link("set", index=loopback, state="up")
            if self._taps:
                ip.route("add", **local_route(loopback))

    @property
    def addresses(self) -> Mapping[str, str]:
        """Node → IPv4 address."""
        return self._addresses

    def add_node(self, name: str, address: str) -> int:
        """A network namespace for the node, joined to the bridge. Returns its descriptor."""
        fd = self._threads.submit(_new_namespace, self._home).result()
        ours = self._links.setdefault(name, f"as{len(self._links)}")
        mac = _mac_of(address)
        with IPRoute() as ip:
            peer = {"ifname": _THEIRS, "net_ns_fd": fd, "address": mac}
            ip.link("add", ifname=ours, kind="veth", peer=peer)
            bridge = ip.link_lookup(ifname=_BRIDGE)[0]
            ip.link("set", index=ip.link_lookup(ifname=ours)[0], master=bridge, state="up")
        self._namespaces[name], self._addresses[name] = fd, address
        self._lay_rules(name)
        self.inside(name, lambda: _configure(_THEIRS, address, tapped=bool(self._taps)))
        _wait_forwarding(ours)
        return fd

    def replace_node(self, name: str) -> int:
        """Give the node a new network namespace with the same addresses, as a container that is
        killed gets. What the kernel still held to send for the dead process is lost with the old
        one; otherwise it would go out after the death, once a cut is mended. Cuts stay."""
        with self._lock:
            self._keep_counts(name)
            with IPRoute() as ip:
                for index in ip.link_lookup(ifname=self._links[name]):
                    ip.link("del", index=index)
            os.close(self._namespaces[name])
            return self.add_node(name, self._addresses[name])

    def namespace(self, node: str) -> int:
        """The descriptor of the node's network namespace."""
        return self._namespaces[node]

    def inside(self, node: str, act: Callable[[], T]) -> T:
        """Run `act` on a thread that stands in the node's network namespace."""
        with self._lock:
            return self._threads.submit(self._visit, self._namespaces[node], act).result()

    def _visit(self, fd: int, act: Callable[[], T]) -> T:
        kernel.setns(fd, kernel.CLONE_NEWNET)
        try:
            return act()
        finally:
            kernel.setns(self._home, kernel.CLONE_NEWNET)

    def socket_in(self, node: str) -> socket.socket:
        """A non-blocking TCP socket that belongs to the node's network, whoever uses it."""

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, TAP_MARK)
            sock.setblocking(False)
            return sock

        return self.inside(node, make)

    def established(self, node: str) -> frozenset[Connection]:
        """The established connections of the node's network, as its kernel has them: those that
        the node took, those that it made, and those that taps made in there."""
        return frozenset().union(*(established(text) for text in self._sockets(node)))

    def _sockets(self, node: str) -> list[str]:
        """What the kernel tells of those in the node's network."""

        def read() -> list[str]:
            told = []
            for path in ("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"):
                if os.path.exists(path):  # the second is missing where IPv6 is switched off
                    with open(path, encoding="ascii") as file:
                        told.append(file.read())
            return told

        return self.inside(node, read)

    def _at(self, node: str, act: "partial[T]") -> T:
        # pyroute2 opens its sockets when a command is run, so all of it happens in there.
        def run() -> T:
            tables = NFTables()
            try:
                return act(tables)
            finally:
                tables.close()

        return self.inside(node, run)

    def close(self) -> None:
        """Remove bridge and links and let go of every namespace. Not on an event loop's thread."""
        with IPRoute() as ip:
            for name in (*self._links.values(), _BRIDGE):
                for index in ip.link_lookup(ifname=name):
                    ip.link("del", index=index)
            if self._taps:
                ip.route("del", **local_route(ip.link_lookup(ifname="lo")[0]))
        self._threads.shutdown()
        for fd in (*self._namespaces.values(), self._home):
            os.close(fd)
        self._namespaces.clear()


def _new_namespace(home: int) -> int:
    try:
        kernel.unshare(kernel.CLONE_NEWNET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise EnvironmentFailed(f"cannot make a network namespace: {error}") from error
    finally:
        kernel.setns(home, kernel.CLONE_NEWNET)


def _wait_forwarding(port: str) -> None:
    """The kernel puts interfaces to work a while after they are up, up to a second; until then
    they swallow packets, and a first connection waits another second. Asking for a single
    interface makes newer kernels (5.18) do it at once."""
    deadline = time.monotonic() + _FORWARDING_TIMEOUT_S
    pause = threading.Event()
    with IPRoute() as ip:
        index, bridge = (ip.link_lookup(ifname=name)[0] for name in (port, _BRIDGE))
        while not (_forwards(ip, index) and _carries(ip, bridge)):
            if time.monotonic() > deadline:
                raise EnvironmentFailed(f"the bridge does not forward to {port}")
            pause.wait(_POLL_S)


def _carries(ip: IPRoute, index: int) -> bool:
    (link,) = ip.link("get", index=index)
    return bool(link.get_attr("IFLA_OPERSTATE") == "UP")


def _forwards(ip: IPRoute, index: int) -> bool:
    (link,) = ip.link("get", index=index)
    data = link.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_SLAVE_DATA")
    state = None if data is None else data.get_attr("IFLA_BRPORT_STATE")
    return bool(state == _BR_STATE_FORWARDING)


def local_route(loopback: int, network: str = TAPS) -> dict[str, object]:
    """The route that makes every tap's address local without one being assigned."""
    return {
        "dst": network, "oif": loopback, "type": _RTN_LOCAL, "scope": _RT_SCOPE_HOST,
        "table": _RT_TABLE_LOCAL,
    }  # fmt: skip


def _configure(interface: str, address: str, *, tapped: bool) -> None:
    with IPRoute() as ip:
        found = ip.link_lookup(ifname=interface)
        if not found:
            raise HarnessBug(f"{interface} did not arrive in its namespace")
        ip.addr("add", index=found[0], address=address, prefixlen=PREFIX_LENGTH)
        ip.link("set", index=found[0], state="up")
        ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
        if tapped:
            ip.route("add", dst=TAPS, gateway=HARNESS_ADDRESS)
        ip.link("get", index=found[0])  # see _wait_forwarding


def _mac_of(address: str) -> str:
    """A locally administered address made from the IPv4 one: it outlives a replacement, so that
    no neighbour has to learn another."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
