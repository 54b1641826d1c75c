"""What several faults measure: whether a process lives, whether a link carries."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container

from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.model.system import ROLE_PORTS, Node
from harness.protocols import Environment, Reach

CUT_TIMEOUT_S = 0.4
"""How long a connection attempt over a cut link is given: a sound one takes under 10 ms."""
WORKING_TIMEOUT_S = 2.0
RECOVERY_TIMEOUT_S = 30.0
_POLL_S = 0.02
LinkProbe = Callable[[Environment, str, str], Awaitable[Probe]]


def port_of(node: Node) -> int | None:
    """The port by which a node is known to its peers, None where it has none."""
    if node.role in ROLE_PORTS:
        return ROLE_PORTS[node.role]
    ready = node.labels.get("aftershock.ready", "").lstrip(":").partition("/")[0]
    if ready.isdigit():
        return int(ready)
    return node.ports[0].container if node.ports else None


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float) -> bool:
    """Await the condition by asking; whether it came within the time."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def link_works(environment: Environment, client: str, server: str) -> Probe:
    """A connection from the client's own network is answered."""
    reach = await environment.reach(client, server, _port(environment, server), WORKING_TIMEOUT_S)
    return Probe(
        shown=reach is Reach.ANSWERED,
        says=f"{client}→{server}: a connection was {_word(reach)}",
        measured={"link": f"{client}→{server}", "reach": reach.value},
    )


async def link_is_cut(environment: Environment, client: str, server: str) -> Probe:
    """A connection is not answered at all, and the cut has swallowed packets."""
    reach = await environment.reach(client, server, _port(environment, server), CUT_TIMEOUT_S)
    lost = await environment.dropped(client, server)
    return Probe(
        shown=reach is Reach.TIMED_OUT and lost.packets > 0,
        says=f"{client}→{server}: a connection was {_word(reach)}, "
        f"{lost.packets} packets dropped",
        measured={
            "link": f"{client}→{server}", "reach": reach.value, "packets_dropped": lost.packets
        },
    )  # fmt: skip


def _word(reach: Reach) -> str:
    return {
        Reach.ANSWERED: "answered",
        Reach.REFUSED: "refused",
        Reach.TIMED_OUT: "not answered",
    }[reach]


def _port(environment: Environment, server: str) -> int:
    port = port_of(environment.system.node(server))
    if port is None:
        raise EnvironmentFailed(f"{server} has no port to probe")
    return port


async def process_lives(environment: Environment, node: str) -> Probe:
    """The node has a process."""
    pid = environment.pid(node)
    return Probe(
        shown=pid is not None,
        says=f"{node} runs as pid {pid}" if pid else f"{node} does not run",
        measured={"node": node, "pid": pid},
    )


async def process_is_gone(
    environment: Environment, node: str, pid: int | None, *, cut_from: Container[str] = ()
) -> Probe:
    """The kernel knows no such process any more, and the node's port takes no connection: asked
    from a node that is not cut from it, where there is one."""
    gone = pid is not None and not environment.exists(pid)
    port = port_of(environment.system.node(node))
    others = (n.name for n in environment.system.nodes)
    client = next((name for name in others if name != node and name not in cut_from), None)
    measured: dict[str, object] = {"node": node, "pid": pid, "gone": gone}
    says = f"{node}: pid {pid} is {'gone' if gone else 'still there'}"
    if port is not None and client is not None:
        reach = await environment.reach(client, node, port, WORKING_TIMEOUT_S)
        measured["reach"] = reach.value
        says += f", its port {port} {'refuses' if reach is Reach.REFUSED else _word(reach)}"
        gone = gone and reach is Reach.REFUSED
    return Probe(shown=gone, says=says, measured=measured)


async def process_is_back(environment: Environment, node: str, old_pid: int | None) -> Probe:
    """Another process than before answers the node's readiness question."""
    try:
        await environment.wait_ready(node, RECOVERY_TIMEOUT_S)
    except EnvironmentFailed as failed:
        return Probe(shown=False, says=str(failed).splitlines()[0], measured={"node": node})
    pid = environment.pid(node)
    return Probe(
        shown=pid is not None and pid != old_pid,
        says=f"{node} is ready as pid {pid} (was {old_pid})",
        measured={"node": node, "pid": pid, "old_pid": old_pid},
    )


async def node_answers(environment: Environment, node: str) -> Probe:
    """The node answers its readiness question, whether or not it was started again meanwhile."""
    try:
        await environment.wait_ready(node, RECOVERY_TIMEOUT_S)
    except EnvironmentFailed as failed:
        return Probe(shown=False, says=str(failed).splitlines()[0], measured={"node": node})
    return Probe(
        shown=True,
        says=f"{node} is ready as pid {environment.pid(node)}",
        measured={"node": node, "pid": environment.pid(node)},
    )


def lasted(node: str, *, still: bool, word: str) -> Probe:
    """That what was done to the node still held when it was healed."""
    return Probe(
        shown=still,
        says=f"{node} was {'' if still else 'no longer '}{word} at the heal",
        measured={"node": node, "lasted": still},
    )


def all_of(*probes: Probe) -> Probe:
    """Shown only where each is."""
    return Probe(
        shown=bool(probes) and all(p.shown for p in probes),
        says="; ".join(p.says for p in probes),
        measured={"probes": [dict(p.measured) for p in probes]},
    )
