"""Rules against the real kernel, on the loopback of a namespace of their own."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

from harness.environments import nft
from harness.testing import isolated

PORT = 7000
MARK = 0x4153
CONNECTS_S = 0.2


@contextmanager
def tables() -> Iterator[NFTables]:
    """A loopback that works, a server on all of its addresses, and the rules of both."""
    with IPRoute() as ip:
        ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
    with socket.create_server(("0.0.0.0", PORT)), contextlib.closing(NFTables()) as opened:
        yield opened


def reaches(address: str, mark: int = 0) -> bool:
    """Whether a socket with this mark is answered there."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        sock.settimeout(CONNECTS_S)
        try:
            sock.connect((address, PORT))
        except TimeoutError:
            return False
        return True


def packets(opened: NFTables, table: str) -> list[int]:
    """What each rule has met."""
    return [rule.packets for rule in nft.counted(opened, table)]


def dropping() -> dict[str, Any]:
    with tables() as opened:
        nft.drop(opened, "two", ["127.0.0.2", "127.0.0.3"])
        seen: dict[str, Any] = {"at first": packets(opened, "two")}
        seen["reached"] = [reaches(f"127.0.0.{last}") for last in (2, 3, 4)]
        met = nft.counted(opened, "two")
        seen["dropped"] = [rule.packets > 0 for rule in met]
        seen["bytes"] = all(rule.bytes >= 40 * rule.packets for rule in met)
        nft.remove(opened, "two")
        nft.remove(opened, "two")
        seen["removed"] = [reaches("127.0.0.2"), packets(opened, "two")]
    return seen


def test_what_is_dropped_is_counted_by_each_rule() -> None:
    """In the order of the addresses, what comes from them first; others pass. On the loopback
    a packet is seen where it is sent, and is dropped there."""
    assert isolated(dropping) == {
        "at first": [0, 0, 0, 0],
        "reached": [False, False, True],
        "dropped": [False, False, True, True],
        "bytes": True,
        "removed": [True, []],
    }


def counting() -> dict[str, Any]:
    with tables() as opened:
        nft.count_connects(opened, "seen", ["127.0.0.2", "127.0.0.3"], but=MARK)
        seen: dict[str, Any] = {"at first": packets(opened, "seen")}
        with socket.create_connection(("127.0.0.2", PORT)) as talking:
            talking.sendall(b"more than a SYN")
        seen["one"] = packets(opened, "seen")
        reaches("127.0.0.4")
        reaches("127.0.0.2", MARK)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"\x02" * 20, ("127.0.0.2", PORT))
        seen["nothing more"] = packets(opened, "seen")
        reaches("127.0.0.3", MARK + 1)
        seen["another mark"] = packets(opened, "seen")
        nft.drop(opened, "drops", ["127.0.0.3"])
        reaches("127.0.0.3")
        seen["dropped"] = packets(opened, "seen")
    return seen


def test_an_attempt_to_connect_is_counted_unless_it_has_the_mark() -> None:
    """Nothing else is: neither what a connection carries, nor other addresses or protocols. What
    is dropped afterwards is counted."""
    assert isolated(counting) == {
        "at first": [0, 0],
        "one": [1, 0],
        "nothing more": [1, 0],
        "another mark": [1, 1],
        "dropped": [1, 2],
    }
