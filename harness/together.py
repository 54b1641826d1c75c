"""Several things at once, with one plain error: the first failure ends the rest and is raised
itself, not wrapped in a group that nobody catches."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from harness.errors import AftershockError


async def together(*parts: Coroutine[Any, Any, object]) -> None:
    """Await all. Raises the first AftershockError among the failures, other failures as groups."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    # Not `except*`: before Python 3.11.4 what it raises is wrapped in a group again.
    except BaseExceptionGroup as failures:
        ours, others = failures.split(AftershockError)
        if ours is None or others is not None:
            raise
        first: BaseException = ours
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
