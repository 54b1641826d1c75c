"""The order in which nodes start: what depends on another waits until that one is as far as asked."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from harness.errors import DeclarationError
from harness.model.system import Condition, Node
from harness.together import together

Step = Callable[[str], Coroutine[Any, Any, None]]
"""What is done with a node of that name."""
Then = Mapping[str, Callable[[], Coroutine[Any, Any, None]]]
"""Node → what is run as soon as it is ready."""


async def start_in_order(
    nodes: Sequence[Node], *, launch: Step, ready: Step, then: Then | None, backend: str
) -> None:
    """In parallel, each as soon as what it depends on, as far as that is among `nodes`, is as far as
    it asks for. `then` is run for a node as soon as that one is ready, while others may still be
    starting. Raises DeclarationError, which names the backend, for a condition that is not
    supported, and what the steps raise."""
    started = {node.name: asyncio.Event() for node in nodes}
    up = {node.name: asyncio.Event() for node in nodes}

    async def one(node: Node) -> None:
        for dependency in node.depends_on:
            if dependency.condition is Condition.COMPLETED:
                raise DeclarationError(
                    f"service {node.name}: depends_on {dependency.node}: condition "
                    f"service_completed_successfully is not supported by {backend}"
                )
            awaited = started if dependency.condition is Condition.STARTED else up
            if dependency.node in awaited:
                await awaited[dependency.node].wait()
        await launch(node.name)
        started[node.name].set()
        await ready(node.name)
        up[node.name].set()
        if then is not None and node.name in then:
            await then[node.name]()

    await together(*(one(node) for node in nodes))
