"""The JVMs' class caches: recorded once, by starting and stopping them for real."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.environments import warm
from harness.environments.compose import read
from harness.environments.recipes import jvm
from harness.model.system import Role, System
from harness.testing import isolated
from harness.toolchain import Toolchain, ensure

SERVERS = Path(__file__).parents[2] / "servers.yaml"


def broker_only() -> System:
    """A system with one JVM."""
    system = read(SERVERS, environ={})
    return dataclasses.replace(system, nodes=system.with_role(Role.KAFKA))


async def record(directory: str) -> dict[str, Any]:
    """Not warm, recorded, warm, and used."""
    path = Path(directory)
    toolchain = dataclasses.replace(ensure(offline=True), cache=path / "cache")
    system = broker_only()
    seen: dict[str, Any] = {"at first": warm.is_warm(toolchain, system)}
    await warm.record(toolchain, system, directory=path / "nodes", logs=path / "logs")
    seen["recorded"] = warm.is_warm(toolchain, system)
    (cache,) = (path / "cache" / "aot").iterdir()
    seen["size"] = cache.stat().st_size > 2**20
    seen["with Connect"] = warm.is_warm(toolchain, read(SERVERS, environ={}))
    argv = jvm.java(
        toolchain, role="kafka", heap_mib=64, classpath=toolchain.kafka_classpath, main="M",
        arguments=(), log_config=toolchain.log4j_config,
    )  # fmt: skip
    seen["used"] = f"-XX:AOTCache={cache}" in argv
    shutil.rmtree(path / "cache")
    return seen


@pytest.mark.stack
def test_caches_are_recorded_and_found(tmp_path: Path) -> None:
    """Only a broker is started here: a cache of its own is all that it asks for."""
    assert isolated(record, str(tmp_path), timeout_s=120) == {
        "at first": False,
        "recorded": True,
        "size": True,
        "with Connect": False,
        "used": True,
    }


def test_a_system_without_jvms_is_warm(toolchain: Toolchain) -> None:
    """There is nothing to record."""
    system = read(SERVERS, environ={})
    databases = dataclasses.replace(system, nodes=system.with_role(Role.POSTGRES))
    toolchain = dataclasses.replace(toolchain, cache=Path("/nowhere"))
    assert warm.is_warm(toolchain, databases)
    assert not warm.is_warm(toolchain, system)
