"""The kernel's own list of a node's connections: /proc/net/tcp and /proc/net/tcp6 (proc(5)).

A line has the two addresses as `0A0012C6:1538`, each 32-bit word of the address in the machine's
own byte order, the port as a number; then the state, the queues, the timer that runs and how often
it has run out since something was last acknowledged. A server that listens for IPv6 has its IPv4
clients in the second file, with addresses of the form ::ffff:198.18.0.10.
"""

import sys
from collections.abc import Iterator
from ipaddress import IPv6Address
from socket import inet_ntoa
from typing import Literal

from harness.errors import EnvironmentFailed

Connection = tuple[str, int, int]
"""Remote address, remote port, local port."""

_ESTABLISHED = "01"
"""<net/tcp_states.h>; what one end has closed is in another state."""
_RETRANSMISSION, _PROBE = "01", "04"
"""Of the timers: something is sent and not acknowledged; something could not even be sent, because
it was dropped in the sender's own kernel or because the receiver has no room."""
_WORD = 8


Order = Literal["little", "big"]


def established(text: str, order: Order = sys.byteorder) -> frozenset[Connection]:
    """The established connections in the text of either file, written by a machine of that byte
    order. Raises EnvironmentFailed where it is no such text."""
    return frozenset(_connections(text, order))


def backing_off(text: str, peers: frozenset[str], order: Order = sys.byteorder) -> int:
    """How many sockets have tried in vain to send something to one of these addresses, those among
    them that their program has closed: what is in them arrives when their timer next runs out,
    however long the way has been free by then. Raises EnvironmentFailed where it is no such text.
    """
    count = 0
    for line in text.splitlines()[1:]:
        try:
            _, _, remote, _, queues, timer, again = line.split()[:7]
            kind, unsent = timer.partition(":")[0], int(queues.partition(":")[0], 16)
            waits = int(again, 16) if kind == _RETRANSMISSION else kind == _PROBE and unsent
            count += bool(waits) and _address(remote.partition(":")[0], order) in peers
        except ValueError as error:
            raise EnvironmentFailed(f"no line of /proc/net/tcp: {line!r}") from error
    return count


def _connections(text: str, order: Order) -> Iterator[Connection]:
    for state, local_port, address, remote_port in _lines(text):
        if state == _ESTABLISHED:
            try:
                yield _address(address, order), remote_port, local_port
            except ValueError as error:
                raise EnvironmentFailed(f"no address of /proc/net/tcp: {address!r}") from error


def _lines(text: str) -> Iterator[tuple[str, int, str, int]]:
    """State, local port, remote address, remote port."""
    for line in text.splitlines()[1:]:
        try:
            _, local, remote, state = line.split()[:4]
            (_, local_port), (address, remote_port) = local.split(":"), remote.split(":")
            yield state, int(local_port, 16), address, int(remote_port, 16)
        except ValueError as error:
            raise EnvironmentFailed(f"no line of /proc/net/tcp: {line!r}") from error


def _address(text: str, order: Order) -> str:
    words = (text[at : at + _WORD] for at in range(0, len(text), _WORD))
    raw = b"".join(int(word, 16).to_bytes(4, order) for word in words)
    if len(raw) == 4:
        return inet_ntoa(raw)
    address = IPv6Address(raw)
    return str(address.ipv4_mapped or address)
