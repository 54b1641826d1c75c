"""Whether somebody would take a connection, asked of the kernel without making one.

One question of the sock_diag netlink family (sock_diag(7)) for one address and port: the kernel
looks the socket up as it would for a packet, so it costs microseconds. Reading /proc/net/tcp walks
all of a machine's hash table instead, which takes milliseconds on a big one.
"""

import socket
import struct

from harness.errors import EnvironmentFailed

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_ENOENT = 2
_LISTEN = 10
"""<net/tcp_states.h>"""
_NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_ERROR = struct.Struct("=i")


def question_socket() -> socket.socket:
    """A socket to ask with. It asks of the network namespace in which it is made, for good."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
    sock.settimeout(1.0)
    return sock


def is_listened(sock: socket.socket, address: str, port: int) -> bool:
    """Whether a connection to that address and TCP port would find a listener. Raises
    EnvironmentFailed where the kernel does not answer such questions."""
    # struct inet_diag_req_v2 with its struct inet_diag_sockid: family, protocol, no extensions,
    # all states, ports and addresses in the order of the network, any interface, no cookie.
    identity = struct.pack("!HH16s16s", port, 0, socket.inet_aton(address), b"") + struct.pack(
        "=III", 0, _NO_COOKIE, _NO_COOKIE
    )
    body = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + identity
    head = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    try:
        sock.send(head + body)
        answer = sock.recv(4096)
    except OSError as error:
        raise EnvironmentFailed(f"sock_diag is not answered: {error.strerror or error}") from error
    kind = _HEADER.unpack_from(answer)[1]
    if kind == _NLMSG_ERROR:
        (number,) = _ERROR.unpack_from(answer, _HEADER.size)
        if number == -_ENOENT:
            return False
        raise EnvironmentFailed(f"sock_diag is refused: error {-number}")
    # struct inet_diag_msg: family, state.
    return answer[_HEADER.size + 1] == _LISTEN
