"""What a scenario asks of its taps at the end: the trace, and whether everything went through them.

Three things make a run with taps worth nothing, and each is a sentence of its own: the tap process
died, it lost sync with a stream that it has to read, or a connection went round it.
"""

import asyncio
from pathlib import Path

from harness.engine.stack import Stack
from harness.engine.trace import Trace, read_trace
from harness.model.system import ROLE_PORTS, Node, Role

_READ = frozenset({Role.POSTGRES, Role.KAFKA})
"""Whose streams must be read. What speaks HTTP to services may as well speak something else."""


async def end_trace(stack: Stack, spool: Path, *, scenario: str, origin_ns: int) -> Trace | None:
    """The scenario's trace; the spool is gone afterwards. None where there is none to be had.
    Of taps that have died there is what they had written. Raises EnvironmentFailed."""
    if stack.taps is None:
        return None
    if stack.taps.failure is None:
        await stack.taps.end()
    return await asyncio.to_thread(_read_once, spool, scenario, origin_ns)


def _read_once(spool: Path, scenario: str, origin_ns: int) -> Trace | None:
    if not spool.exists():
        return None
    try:
        return read_trace(spool, scenario=scenario, origin_ns=origin_ns)
    finally:
        spool.unlink()


def lost_sync(stack: Stack, trace: Trace) -> tuple[str, ...]:
    """Where the taps could not read what they have to read."""
    nodes = stack.environment.system.nodes
    must = {node.name for node in nodes if node.role in _READ}
    return tuple(f"a tap lost sync: {lost.says}" for lost in trace.lost if lost.server in must)


async def round_the_taps(stack: Stack) -> tuple[str, ...]:
    """Connections that did not go through a tap, by two accounts: what left the nodes' networks
    without the taps' mark, and what servers are connected to and no tap has dialled."""
    if stack.taps is None or stack.taps.failure is not None:
        return ()
    environment = stack.environment
    told = [
        f"{went.client} went round the taps to {went.server} ({went.packets} packets): by its "
        "address, or by a port that is not under `ports` or `expose`"
        for went in await environment.round_the_taps()
    ]
    names = {environment.address(n.name): n.name for n in environment.system.nodes}
    found = [
        (node.name, address, remote)
        for node in environment.system.nodes
        if node.role in ROLE_PORTS and environment.pid(node.name) is not None
        for address, remote, local in await environment.established(node.name)
        if local == ROLE_PORTS[node.role] and _is_tapped(stack, names.get(address), node)
    ]
    # Asked last: what a server has taken by then was dialled before.
    told += [
        f"{server} has a connection of {names[address]}, from its port {port}, that no tap has made"
        for server, address, port in await stack.taps.strangers(found)
    ]
    return tuple(dict.fromkeys(told))


def _is_tapped(stack: Stack, client: str | None, server: Node) -> bool:
    """Whether a tap stands between the two: not for the harness itself, nor for what a node has
    with itself, nor where the declaration says so."""
    return client not in {None, server.name} and not any(
        (link.client, link.server) == (client, server.name)
        for link in stack.environment.direct_links()
    )
