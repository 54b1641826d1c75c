"""Nodes for tests, used as their users do."""

import asyncio
from pathlib import Path

from harness.testing import isolated
from harness.testing.nodes import PORT, nodes_of, printed, reads, relays, service


async def greeted(directory: str) -> list[str]:
    """What a node says, and what it printed."""
    async with nodes_of(directory, service("greeter", directory)) as nodes:
        await nodes.start(["greeter"])
        reader, writer = await asyncio.open_connection("greeter", PORT)
        heard = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    return [heard, printed(directory, "greeter"), printed(directory, "nobody")]


def test_a_service_is_a_few_lines_of_python(tmp_path: Path) -> None:
    """It runs as a node, answers by its name, and what it printed can be read."""
    assert isolated(greeted, str(tmp_path)) == ["hello", "up\n", ""]


async def passed_on(directory: str) -> list[object]:
    """What a node heard, and through which relays."""
    nodes = [service("greeter", directory), service("guest", directory, reads("greeter"))]
    async with nodes_of(directory, *nodes, tapped=True) as env, relays(env) as used:
        await env.start(["greeter"])
        await env.start(["guest"])
        at = env.tap_address("guest", "greeter")
        return [printed(directory, "guest").splitlines() == [at, "hello", "up"], *used]


def test_relays_stand_between_nodes(tmp_path: Path) -> None:
    """As taps would, where nobody looks at what passes."""
    assert isolated(passed_on, str(tmp_path)) == [True, ["guest", "greeter"]]
