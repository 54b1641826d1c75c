"""nftables rules of a node: what is dropped or counted in the network namespace of the calling
thread.

A table of its own for every purpose: its removal undoes all of it, and its rules' counters are
the proof of what they met.
"""

import errno
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.nftables.expressions import genex, ipv4addr, verdict
from pyroute2.nftables.main import NFTables

_NF_DROP = 0
_NF_ACCEPT = 1
_REGISTER = 1
_EQUAL, _UNEQUAL = 0, 1
_META_MARK, _META_L4PROTO = 3, 16
"""<linux/netfilter/nf_tables.h>"""
_TRANSPORT_HEADER = 2
_TCP_FLAGS = 13
"""Their offset in the header (RFC 9293)."""
_SYN, _ACK = 0x02, 0x10
_BEFORE_DROPS = -10
"""A chain's priority: lower ones see a packet first."""

_Expressions = list[dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a rule has met so far."""

    packets: int
    bytes: int


def drop(nft: NFTables, table: str, peers: Sequence[str]) -> None:
    """Drop and count everything to and from these addresses."""
    nft.table("add", name=table)
    for hook in ("input", "output"):
        nft.chain("add", table=table, name=hook, hook=hook, type="filter", policy=_NF_ACCEPT)
        for peer in peers:
            match = ipv4addr(src=peer) if hook == "input" else ipv4addr(dst=peer)
            _add(nft, table, hook, match, _counter(), verdict(code=_NF_DROP))


def count_connects(nft: NFTables, table: str, peers: Sequence[str], *, but: int) -> None:
    """Count the attempts to connect to each of these addresses, except those of sockets with the
    mark `but`. What is dropped on the way is counted all the same."""
    nft.table("add", name=table)
    nft.chain(
        "add", table=table, name="output", hook="output", type="filter", policy=_NF_ACCEPT,
        priority=_BEFORE_DROPS,
    )  # fmt: skip
    for peer in peers:
        _add(nft, table, "output", ipv4addr(dst=peer), _syn(), _unmarked(but), _counter())


def remove(nft: NFTables, table: str) -> None:
    """Remove the table. Idempotent."""
    try:
        nft.table("del", name=table)
    except NetlinkError as error:
        if error.code != errno.ENOENT:
            raise


def counted(nft: NFTables, table: str) -> tuple[Counted, ...]:
    """What each rule of the table has met, in the order in which they were made; nothing where
    there is no such table."""
    return tuple(
        Counted(
            packets=data.get_attr("NFTA_COUNTER_PACKETS"), bytes=data.get_attr("NFTA_COUNTER_BYTES")
        )
        for rule in nft.get_rules()
        if rule.get_attr("NFTA_RULE_TABLE") == table
        for part in rule.get_attr("NFTA_RULE_EXPRESSIONS") or ()
        if part.get_attr("NFTA_EXPR_NAME") == "counter"
        for data in (part.get_attr("NFTA_EXPR_DATA"),)
    )


def _add(nft: NFTables, table: str, chain: str, *expressions: _Expressions) -> None:
    nft.rule("add", table=table, chain=chain, expressions=expressions)


def _counter() -> _Expressions:
    return [genex("counter", {"bytes": 0, "packets": 0})]


def _syn() -> _Expressions:
    """A TCP packet that asks for a connection."""
    flags = {"dreg": _REGISTER, "base": _TRANSPORT_HEADER, "offset": _TCP_FLAGS, "len": 1}
    both = {"mask": _data(bytes([_SYN | _ACK])), "xor": _data(b"\0")}
    return [
        genex("meta", {"key": _META_L4PROTO, "dreg": _REGISTER}),
        _compare(_EQUAL, bytes([socket.IPPROTO_TCP])),
        genex("payload", flags),
        genex("bitwise", {"sreg": _REGISTER, "dreg": _REGISTER, "len": 1, **both}),
        _compare(_EQUAL, bytes([_SYN])),
    ]


def _unmarked(mark: int) -> _Expressions:
    """Any mark but this one, or none."""
    return [
        genex("meta", {"key": _META_MARK, "dreg": _REGISTER}),
        _compare(_UNEQUAL, struct.pack("=I", mark)),
    ]


def _compare(how: int, value: bytes) -> dict[str, object]:
    compared: dict[str, object] = genex("cmp", {"sreg": _REGISTER, "op": how, "data": _data(value)})
    return compared


def _data(value: bytes) -> dict[str, object]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
