"""The kernel's text, read from literal lines and in the large."""

import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.environments.sockets import backing_off, established
from harness.errors import EnvironmentFailed

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
)
REST = "00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 20 4 30 10 -1"

TCP = f"""{HEAD}\
   0: 00000000:1538 00000000:0000 0A {REST}
   1: 0B0012C6:1538 0A0012C6:8A1C 01 {REST}
   2: 0B0012C6:1538 010012C6:8A1D 08 {REST}
   3: 0B0012C6:E1B2 0A0A13C6:1538 01 {REST}
"""
TCP6 = f"""{HEAD}\
   0: 00000000000000000000000000000000:2384 00000000000000000000000000000000:0000 0A {REST}
   1: 0000000000000000FFFF00000C0012C6:2384 0000000000000000FFFF00000A0012C6:0FA0 01 {REST}
   2: B80D0120000000000000000001000000:2384 B80D0120000000000000000002000000:0FA1 01 {REST}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD, set()),
        ("", set()),
        (TCP, {("198.18.0.10", 35356, 5432), ("198.19.10.10", 5432, 57778)}),
        (TCP6, {("198.18.0.10", 4000, 9092), ("2001:db8::2", 4001, 9092)}),
    ],
    ids=["none", "empty", "tcp", "tcp6"],
)
def test_what_is_established_is_found(text: str, expected: set[tuple[str, int, int]]) -> None:
    """Neither listeners nor what is being closed; IPv4 in the form of IPv6 is IPv4."""
    assert established(text, "little") == expected


WAITING = "00000000:00000012 01:00000154 00000003     0        0 0 1 0000000000000000 20 4 30 10 -1"
SENT = "00000000:00000012 01:00000014 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1"
PROBING = "00000000:00000000 02:00000014 00000002     0        0 0 1 0000000000000000 20 4 30 10 -1"

UNSENT = "00000005:00000000 04:0000003F 00000000     0        2 0 2 0000000000000000 20 4 30 11 -1"


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (f"0B0012C6:E1B2 0A0012C6:2384 01 {WAITING}", 1),
        (f"0B0012C6:E1B2 0A0012C6:2384 04 {WAITING}", 1),
        (f"0B0012C6:E1B2 0C0012C6:2384 01 {WAITING}", 0),
        (f"0B0012C6:E1B2 0A0012C6:2384 01 {SENT}", 0),
        (f"0B0012C6:E1B2 0A0012C6:2384 01 {UNSENT}", 1),
        (f"0B0012C6:E1B2 0A0012C6:2384 01 {PROBING}", 0),
        (f"0B0012C6:E1B2 0A0012C6:2384 01 {REST}", 0),
        (f"{'0' * 24}0B0012C6:E1B2 0000000000000000FFFF00000A0012C6:2384 01 {WAITING}", 1),
    ],
    ids=["lost", "closed", "another's", "under way", "unsent", "keepalive", "idle", "tcp6"],
)
def test_who_waits_before_sending_again_is_counted(line: str, count: int) -> None:
    """The timer of retransmissions, and it has run out before."""
    assert backing_off(f"{HEAD}   0: {line}\n", frozenset({"198.18.0.10"}), "little") == count


def test_a_line_of_something_else_is_not_taken_for_one() -> None:
    with pytest.raises(EnvironmentFailed, match="no line of"):
        backing_off(f"{HEAD}   0: 0B0012C6:E1B2\n", frozenset(), "little")


addresses = st.tuples(*[st.integers(0, 255)] * 4)
ports = st.integers(0, 65535)
lines = st.tuples(addresses, ports, addresses, ports, st.integers(1, 12), st.booleans())
orders: st.SearchStrategy[Literal["little", "big"]] = st.sampled_from(("little", "big"))


@given(st.lists(lines), orders)
def test_every_line_is_read_as_it_was_written(
    connections: list[tuple[tuple[int, ...], int, tuple[int, ...], int, int, bool]],
    order: Literal["little", "big"],
) -> None:
    """In the machine's own byte order, in either file."""
    form = "<I" if order == "little" else ">I"

    def written(address: tuple[int, ...], port: int, *, mapped: bool) -> str:
        words = [struct.unpack(form, bytes(address))[0]]
        if mapped:
            words = [0, 0, struct.unpack(form, b"\0\0\xff\xff")[0], *words]
        return "".join(f"{word:08X}" for word in words) + f":{port:04X}"

    text, expected = HEAD, set()
    for here, port, there, remote, state, mapped in connections:
        ends = [written(here, port, mapped=mapped), written(there, remote, mapped=mapped)]
        text += f"   0: {' '.join(ends)} {state:02X} {REST}\n"
        if state == 1:
            expected.add((".".join(map(str, there)), remote, port))

    assert established(text, order) == expected


@pytest.mark.parametrize("line", ["nonsense", "0: 0B0012C6:1538 0A0012C6:XYZ 01", "0: 1 2 01"])
def test_another_text_is_no_list_of_connections(line: str) -> None:
    """It is told rather than taken for an empty one."""
    with pytest.raises(EnvironmentFailed, match="no line of /proc/net/tcp"):
        established(HEAD + line)
