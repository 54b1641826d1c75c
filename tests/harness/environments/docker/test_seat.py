"""Where an engine stands, told by files as /proc has them and by this machine's own."""

import os
from pathlib import Path

import pytest

from harness.environments.docker import seat


def process(proc: Path, pid: str, *, numbers: str, network: str | None) -> None:
    """As proc(5) describes it; `network` is None where this user may not read it."""
    (proc / pid / "ns").mkdir(parents=True)
    (proc / pid / "status").write_text(f"Name:\tdockerd\nNSpid:\t{numbers}\nSeccomp:\t0\n")
    if network is not None:
        (proc / pid / "ns" / "net").symlink_to(f"net:[{network}]")


@pytest.mark.parametrize(
    ("numbers", "network", "why"),
    [
        ("7", "1", None),
        ("7", None, None),
        ("7", "2", "its networks are not this machine's own"),
        ("7\t1", "1", "its processes are not to be seen from here"),
    ],
)
def test_an_engine_must_share_processes_and_networks(
    tmp_path: Path, numbers: str, network: str | None, why: str | None
) -> None:
    """With the harness, as far as this user may see."""
    process(tmp_path, "self", numbers="9", network="1")
    process(tmp_path, "7", numbers=numbers, network=network)

    found = seat.elsewhere(7, proc=tmp_path)

    assert found is None if why is None else why in str(found)


def test_what_the_kernel_does_not_number_here_is_elsewhere() -> None:
    """Its number is 0; of an engine at a port there is none, and a run will see."""
    assert "not to be seen" in str(seat.elsewhere(0))
    assert seat.elsewhere(None) is None


def test_this_process_stands_where_it_stands() -> None:
    """The real /proc."""
    assert seat.elsewhere(os.getpid()) is None


def test_an_address_is_this_machines_own_or_not() -> None:
    """The loopback is; one of the addresses for documentation is not (RFC 5737)."""
    assert seat.is_local("127.0.0.1")
    assert not seat.is_local("192.0.2.1")
