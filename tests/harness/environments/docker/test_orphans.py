"""Connections in a namespace of the test's own are ended, whatever they had still to send."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

from harness.environments import nft
from harness.environments.docker.orphans import Orphan, destroy, orphans
from harness.testing import isolated

HEAD = "  sl  local_address rem_address   st\n"


@pytest.mark.skipif(sys.byteorder == "big", reason="the text is a little-endian machine's")
def test_connections_are_read_with_both_their_ends() -> None:
    """IPv4 in the form of IPv6, too; a listener is none."""
    text = HEAD + (
        "   0: 00000000:1538 00000000:0000 0A\n   1: 0B0012C6:1538 0A0012C6:8A1C 04\n"
        "   2: 0000000000000000FFFF00000B0012C6:2384 0000000000000000FFFF00000A0012C6:0FA0 01\n"
    )
    mine, other = bytes([198, 18, 0, 11]), bytes([198, 18, 0, 10])
    mapped = bytes(10) + b"\xff\xff"

    assert list(orphans(text)) == [
        Orphan(local=mine, local_port=5432, remote=other, remote_port=35356),
        Orphan(local=mapped + mine, local_port=9092, remote=mapped + other, remote_port=4000),
    ]


def _texts(remote_port: int) -> list[str]:
    """Of those to that port alone: the two ends of a connection share a namespace here."""
    told = []
    for name in ("tcp", "tcp6"):
        head, *lines = Path(f"/proc/self/net/{name}").read_text().splitlines()
        mine = [line for line in lines if line.split()[2].endswith(f":{remote_port:04X}")]
        told.append("\n".join([head, *mine]))
    return told


def left_behind(family: str, destroyed: bool) -> dict[str, Any]:
    with IPRoute() as ip:
        ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
    server = socket.create_server(("127.0.0.9", 0))
    port = server.getsockname()[1]
    if family == "tcp":
        client = socket.create_connection(("127.0.0.9", port))
    else:
        client = socket.create_connection(("::ffff:127.0.0.9", port))
        assert client.family is socket.AF_INET6
    taken = server.accept()[0]
    rules = NFTables()
    nft.drop(rules, "cut", ["127.0.0.9"])
    client.sendall(b"late")
    client.close()  # its program is gone; the kernel goes on to send
    ended = destroy(_texts(port)) if destroyed else 0
    nft.remove(rules, "cut")
    rules.close()
    taken.settimeout(2)
    try:
        heard = taken.recv(10).decode()
    except TimeoutError:
        heard = ""
    again = destroy(_texts(port)) if destroyed else 0
    with server, taken, socket.create_connection(("127.0.0.9", port)) as other:
        return {
            "ended": ended, "heard": heard, "again": again, "listens": other.getpeername()[1] == port
        }  # fmt: skip


@pytest.mark.parametrize("family", ["tcp", "tcp6"])
def test_what_was_not_sent_yet_never_arrives(family: str) -> None:
    """The server hears nothing of it any more, and takes the next connection."""
    told = isolated(left_behind, family, True)

    assert told == {"ended": 1, "heard": "", "again": 0, "listens": True}


def test_else_it_arrives_after_its_programs_death() -> None:
    """Which is what the destruction is for."""
    assert isolated(left_behind, "tcp", False)["heard"] == "late"
