"""One operation in the history: `invoke`, then `ok`, `fail` or `info` (outcome unknown)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

NEMESIS = "nemesis"
"""The process name of what injects faults; every other process is a client."""


class OpType(Enum):
    """Jepsen's four: what is known of an operation at that moment."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """A line of the history. Two lines with the same `process` and `f` pair up by `key`.

    `time_s` is monotonic seconds since the scenario began, `at` is UTC epoch seconds.
    """

    index: int
    type: OpType
    process: str
    """Who acts: `client-3`, or `nemesis`."""
    f: str
    """What is done: `place-order`, `broker-partition`, …"""
    key: str | None
    """The business key, where there is one."""
    time_s: float
    at: float
    value: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCounts:
    """How the operations of clients ended."""

    ok: int = 0
    fail: int = 0
    info: int = 0
