"""Fetches the pinned Kafka, Connect, Debezium and PostgreSQL into a cache, and finds Java.

Promises that what `ensure` returns was verified against the lock. Knows nothing of nodes: how a
role is started from these files is the environment's business.
"""

from harness.toolchain.inventory import (
    ComponentState,
    ComponentStatus,
    ToolchainStatus,
    status,
)
from harness.toolchain.machine import Component
from harness.toolchain.progress import FetchPhase, FetchProgress
from harness.toolchain.toolchain import Toolchain, ensure

__all__ = [
    "Component",
    "ComponentState",
    "ComponentStatus",
    "FetchPhase",
    "FetchProgress",
    "Toolchain",
    "ToolchainStatus",
    "ensure",
    "status",
]
