"""Unpacking databases: all of one or nothing."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain.unpack import unpack_mariadb, unpack_postgres

Jar = Callable[[tuple[str, ...]], bytes]
PROGRAMS = ("initdb", "pg_ctl", "postgres")


@pytest.fixture
def archive(tmp_path: Path, jar_of: Jar) -> Path:
    """A jar with all that is needed."""
    path = tmp_path / "postgres.jar"
    path.write_bytes(jar_of(PROGRAMS))
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where unpacking happens."""
    place = tmp_path / "scratch"
    place.mkdir()
    return place


def test_programs_can_be_executed_and_links_stay_links(
    archive: Path, scratch: Path, tmp_path: Path
) -> None:
    """The server finds its libraries through them. Other users may enter: nodes run as others."""
    target = tmp_path / "postgres"
    unpack_postgres(archive, target, scratch=scratch)
    assert all(os.access(target / "bin" / program, os.X_OK) for program in PROGRAMS)
    assert (target / "lib" / "libpq.so").readlink() == Path("libpq.so.5")
    assert target.stat().st_mode & 0o777 == 0o755


def test_what_was_there_is_replaced(archive: Path, scratch: Path, tmp_path: Path) -> None:
    """A damaged tree does not shine through."""
    target = tmp_path / "postgres"
    target.mkdir()
    (target / "stale").write_text("")
    unpack_postgres(archive, target, scratch=scratch)
    assert sorted(path.name for path in target.iterdir()) == ["bin", "lib"]


@pytest.mark.parametrize("programs", [(), ("initdb", "postgres")])
def test_an_archive_without_postgres_leaves_nothing(
    archive: Path, scratch: Path, tmp_path: Path, jar_of: Jar, programs: tuple[str, ...]
) -> None:
    """Half a server is none."""
    archive.write_bytes(jar_of(programs))
    with pytest.raises(EnvironmentFailed, match="holds no bin/"):
        unpack_postgres(archive, tmp_path / "postgres", scratch=scratch)
    assert not (tmp_path / "postgres").exists()
    assert list(scratch.iterdir()) == []


def test_an_archive_that_cannot_be_read_leaves_nothing(
    archive: Path, scratch: Path, tmp_path: Path
) -> None:
    """No zip, a zip without a .txz, a .txz that is none."""
    empty, wrong = tmp_path / "empty.jar", tmp_path / "wrong.jar"
    with zipfile.ZipFile(empty, "w"):
        pass
    with zipfile.ZipFile(wrong, "w") as jar:
        jar.writestr("postgres.txz", b"not xz")
    archive.write_bytes(archive.read_bytes()[:100])
    for broken in (archive, empty, wrong):
        with pytest.raises(EnvironmentFailed, match=f"{broken.name} cannot be unpacked"):
            unpack_postgres(broken, tmp_path / "postgres", scratch=scratch)
    assert not (tmp_path / "postgres").exists()
    assert list(scratch.iterdir()) == []


def test_of_mariadb_there_is_what_its_server_needs(
    scratch: Path, tmp_path: Path, mariadb_jar_of: Callable[[bytes | None], bytes]
) -> None:
    """No clients, no other languages; the program without what debuggers read."""
    archive, target = tmp_path / "mariadb.jar", tmp_path / "mariadb"
    archive.write_bytes(mariadb_jar_of(None))
    unpack_mariadb(archive, target, scratch=scratch)
    assert sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()) == [
        "bin/mariadbd",
        "share/charsets/Index.xml",
        "share/english/errmsg.sys",
        "share/mariadb_system_tables.sql",
    ]
    assert os.access(target / "bin" / "mariadbd", os.X_OK)
    assert (target / "bin" / "mariadbd").stat().st_size == 200


def test_a_jar_whose_server_is_no_program_leaves_nothing(
    scratch: Path, tmp_path: Path, mariadb_jar_of: Callable[[bytes | None], bytes]
) -> None:
    """Half a server is none."""
    archive = tmp_path / "mariadb.jar"
    archive.write_bytes(mariadb_jar_of(b"#!/bin/sh"))
    with pytest.raises(EnvironmentFailed, match="no ELF file"):
        unpack_mariadb(archive, tmp_path / "mariadb", scratch=scratch)
    assert not (tmp_path / "mariadb").exists()
