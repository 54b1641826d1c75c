"""The program of a node's sandbox: the container that holds the network namespace which the node's
own container joins. `python -m harness.environments.docker.sandbox SOCKET`.

It answers on a Unix socket: one line of JSON asks, one answers, with a descriptor beside it where
a socket is asked for. What it does, it does in its own network namespace, which is the node's; it
decides nothing. Needs CAP_NET_ADMIN in there and nothing of the host's.
"""

import json
import os
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

from harness.environments import nft
from harness.environments.docker import orphans
from harness.environments.listening import question_socket
from harness.environments.network import local_route
from harness.protocols import TAP_MARK, Reach

_BACKLOG = 1024
_PREFIX_LENGTH = 32
_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")


def _rules(act: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    tables = NFTables()
    try:
        return act(tables, **given)
    finally:
        tables.close()


def _counted(given: Mapping[str, Any]) -> list[list[int]]:
    return [[rule.packets, rule.bytes] for rule in _rules(nft.counted, given)]


def _sockets(_given: Mapping[str, Any]) -> list[str]:
    told = []
    for path in _TABLES:
        if os.path.exists(path):  # the second is missing where IPv6 is switched off
            with open(path, encoding="ascii") as file:
                told.append(file.read())
    return told


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, TAP_MARK)
    return sock


def _reach(given: Mapping[str, Any]) -> str:
    with _socket() as sock:
        sock.settimeout(given["within_s"])
        try:
            sock.connect((given["address"], given["port"]))
        except TimeoutError:
            return Reach.TIMED_OUT.value
        except OSError:
            return Reach.REFUSED.value
    return Reach.ANSWERED.value


def _address(given: Mapping[str, Any]) -> None:
    """Another address of this network's interface."""
    with IPRoute() as ip:
        (index,) = ip.link_lookup(ifname="eth0")
        ip.addr("replace", index=index, address=given["address"], prefixlen=_PREFIX_LENGTH)


def _local(given: Mapping[str, Any]) -> None:
    """Every address of a network is this one's own, without one being assigned."""
    with IPRoute() as ip:
        (index,) = ip.link_lookup(ifname="lo")
        ip.route("replace", **local_route(index, given["network"]))


def _route(given: Mapping[str, Any]) -> None:
    """The way to a network."""
    with IPRoute() as ip:
        ip.route("replace", dst=given["network"], gateway=given["gateway"])


def _listening(given: Mapping[str, Any]) -> socket.socket:
    return socket.create_server((given["address"], given["port"]), backlog=_BACKLOG)


DEEDS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "ping": lambda _given: os.getpid(),
    "drop": lambda given: _rules(nft.drop, given),
    "remove": lambda given: _rules(nft.remove, given),
    "count_connects": lambda given: _rules(nft.count_connects, given),
    "counted": _counted,
    "sockets": _sockets,
    "forget": lambda _given: orphans.destroy(_sockets({})),
    "reach": _reach,
    "address": _address,
    "local": _local,
    "route": _route,
}
SOCKETS: Mapping[str, Callable[[Mapping[str, Any]], socket.socket]] = {
    "socket": lambda _given: _socket(),
    "listening": _listening,
    "question": lambda _given: question_socket(),
}
"""What is answered with a descriptor."""


class _Asked(socketserver.StreamRequestHandler):
    """One connection of the harness's or the taps'."""

    def handle(self) -> None:
        for line in self.rfile:
            asked = json.loads(line)
            name, given = asked["do"], asked["given"]
            try:
                if name in SOCKETS:
                    with SOCKETS[name](given) as made:
                        socket.send_fds(self.request, [_line({"told": None})], [made.fileno()])
                    continue
                answer = {"told": DEEDS[name](given)}
            except Exception as error:  # noqa: BLE001 (whoever asks is told, and asks on)
                answer = {"error": f"{type(error).__name__}: {error}"}
            self.request.sendall(_line(answer))


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers at the path, which anybody may connect to who may see it."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, _Asked)
        os.chmod(path, 0o666)  # noqa: S103 - the harness's user is not this one; the folder is his


def main() -> None:
    """Answer until SIGTERM. As PID 1 it gets no signal that it does not handle."""
    server = Server(sys.argv[1])
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
