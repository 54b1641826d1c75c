"""Records the JVMs' class caches, once for each toolchain: see `recipes.jvm`.

Kafka and Connect are started for real, with the system's own connectors, and stopped in good
order: what they loaded until then is what the caches hold.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.environments.namespaces import Namespaces
from harness.environments.recipes.jvm import aot_cache
from harness.model.system import Role, System
from harness.toolchain import Toolchain

_STOP_GRACE_S = 120.0
"""A JVM writes its cache when it ends: about 8 s where nothing else runs."""


def caches(toolchain: Toolchain) -> Mapping[Role, Path]:
    """Where each JVM role's class cache is kept."""
    return {
        Role.KAFKA: aot_cache(toolchain, "kafka", toolchain.kafka_classpath),
        Role.KAFKA_CONNECT: aot_cache(toolchain, "connect", toolchain.connect_classpath),
    }


def is_warm(toolchain: Toolchain, system: System) -> bool:
    """Whether every JVM role of the system has its cache."""
    return all(path.exists() for role, path in caches(toolchain).items() if system.with_role(role))


async def record(toolchain: Toolchain, system: System, *, directory: Path, logs: Path) -> None:
    """Start the system's JVMs, stop them in good order, and keep what they recorded.

    Takes a quarter of a minute. Raises EnvironmentFailed where they do not start.
    """
    jvms = tuple(n.name for role in caches(toolchain) for n in system.with_role(role))
    patient = tuple(replace(node, stop_grace_s=_STOP_GRACE_S) for node in system.nodes)
    environment = Namespaces(
        replace(system, nodes=patient), toolchain, directory=directory, logs=logs, record=True
    )
    async with environment:
        await environment.start(jvms)
        await environment.stop(jvms)
    for path in caches(toolchain).values():
        part = path.with_suffix(".part")
        if part.exists():
            part.replace(path)
