"""Fetches the pinned Kafka, Connect, Debezium, PostgreSQL and MariaDB into a cache, and finds Java.

Promises that what `ensure` returns was verified against the lock. Knows nothing of nodes: how a
role is started from these files is the environment's business.
"""

from harness.toolchain.inventory import (
    ComponentState,
    ComponentStatus,
    ToolchainStatus,
    status,
)
from harness.toolchain.machine import COMMON, Component, is_built
from harness.toolchain.progress import FetchPhase, FetchProgress
from harness.toolchain.toolchain import Toolchain, ensure

__all__ = [
    "COMMON",
    "Component",
    "ComponentState",
    "ComponentStatus",
    "FetchPhase",
    "FetchProgress",
    "Toolchain",
    "ToolchainStatus",
    "ensure",
    "is_built",
    "status",
]
