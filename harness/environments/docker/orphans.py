"""What the kernel still holds to send for a dead node is dropped: in a container its network outlives it.

A process that is killed leaves connections behind with data that nobody has acknowledged yet, which
the kernel goes on to send by itself. Each of them is ended by the netlink family sock_diag
(sock_diag(7), SOCK_DESTROY), in the network namespace of the calling thread, by whoever has
CAP_NET_ADMIN in there.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.environments.listening import question_socket
from harness.errors import EnvironmentFailed

_SOCK_DESTROY = 21
"""<linux/sock_diag.h>"""
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_LISTEN = "0A"
"""<net/tcp_states.h>; it has nothing to send, and is closed with its process."""
_NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_ERROR = struct.Struct("=i")
_WORD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """One connection by both its ends, addresses as they are on the wire."""

    local: bytes
    local_port: int
    remote: bytes
    remote_port: int


def orphans(text: str) -> Iterator[Orphan]:
    """The connections in the text of /proc/net/tcp or tcp6 (proc(5)), listeners left out."""
    for line in text.splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if state != _LISTEN:
            yield Orphan(
                local=_raw(local), local_port=_port(local),
                remote=_raw(remote), remote_port=_port(remote),
            )  # fmt: skip


def _raw(place: str) -> bytes:
    """Each 32-bit word of the address is a number in the machine's own byte order."""
    text = place.partition(":")[0]
    words = (int(text[at : at + _WORD], 16) for at in range(0, len(text), _WORD))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words)


def _port(place: str) -> int:
    return int(place.partition(":")[2], 16)


def destroy(texts: Iterable[str]) -> int:
    """End every connection in these texts. Returns how many that were: none where the kernel was
    built without it. Raises EnvironmentFailed where it refuses."""
    with question_socket() as asking:
        return sum(_destroy(asking, orphan) for text in texts for orphan in orphans(text))


def _destroy(asking: socket.socket, orphan: Orphan) -> bool:
    # struct inet_diag_req_v2 with its struct inet_diag_sockid, as in `listening`.
    identity = struct.pack(
        "!HH16s16s", orphan.local_port, orphan.remote_port, orphan.local, orphan.remote
    ) + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    family = socket.AF_INET if len(orphan.local) == 4 else socket.AF_INET6
    body = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + identity
    flags = _NLM_F_REQUEST | _NLM_F_ACK
    asking.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DESTROY, flags, 1, 0) + body)
    told: int = _ERROR.unpack_from(asking.recv(4096), _HEADER.size)[0]
    if told in {0, -errno.ENOENT, -errno.EOPNOTSUPP}:
        return told == 0
    raise EnvironmentFailed(f"a connection cannot be ended: {os.strerror(-told)}")
