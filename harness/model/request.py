"""One HTTP request that a workload plans to send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Sent once, at its time, however slow the answers to others are.

    `due_s` is seconds since the workload's start; `key` is the business key.
    """

    due_s: float
    f: str
    """The operation's name in the history: `place-order`."""
    key: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    """Sent as JSON; None sends no body."""
    only_if_ok: str | None = None
    """`f` of an earlier request with the same key: this one waits for its end and is sent only
    if that was ok."""
