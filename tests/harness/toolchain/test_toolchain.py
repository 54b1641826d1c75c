"""`ensure` with the real lock: in the cache where it is filled, with the real parts."""

import subprocess
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain import ensure, status
from harness.toolchain.cache import default_cache


def test_offline_with_an_empty_cache_says_how_much_is_missing(tmp_path: Path) -> None:
    """About 77 MB in about a hundred files; nothing is written."""
    with pytest.raises(EnvironmentFailed, match=r"offline, and 1\d\d files \(7\d\.\d MB\) are"):
        ensure(offline=True, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_without_components_there_is_java_and_a_place(tmp_path: Path) -> None:
    """Java comes with the installation, not from the cache."""
    tools = ensure(components=[], cache_dir=tmp_path)
    assert tools.java.is_file()
    assert tools.cache.is_dir()
    assert tools.cache.is_relative_to(tmp_path)
    assert "log4j-core" in " ".join(path.name for path in tools.connect_classpath)


@pytest.mark.stack
def test_the_real_toolchain_is_complete() -> None:
    """From the cache where it is filled, else fetched now; then it holds without a network."""
    tools = ensure(offline=status().ready)
    for path in (*tools.kafka_classpath, *tools.connect_classpath, tools.java, tools.log4j_config):
        assert path.is_file()
    assert [plugin.name for plugin in tools.plugin_dir.iterdir()] == ["debezium-connector-postgres"]
    assert tools.cache.is_relative_to(default_cache())
    done = subprocess.run(
        [tools.postgres_home / "bin" / "postgres", "--version"],
        env={}, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("postgres (PostgreSQL) 18.")
    assert ensure(offline=True) == tools
