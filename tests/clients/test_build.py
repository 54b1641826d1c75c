"""What is built is built once, and whole or not at all."""

from pathlib import Path

import pytest

from harness.errors import EnvironmentFailed
from tests.clients.build import digest_of, once


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    """The first one makes it, the second one finds it."""
    home = tmp_path / "cache" / "go-1"
    made: list[Path] = []

    def make(into: Path) -> None:
        made.append(into)
        (into / "writer").write_text("program")

    once(home, make)
    once(home, make)
    assert len(made) == 1
    assert (home / "writer").read_text() == "program"


def test_what_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    """So that the next one tries again."""
    home = tmp_path / "go-1"

    def fail(into: Path) -> None:
        (into / "half").touch()
        raise EnvironmentFailed("no network")

    with pytest.raises(EnvironmentFailed, match="no network"):
        once(home, fail)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_change_of_a_source_or_of_a_tool_gives_another_place(tmp_path: Path) -> None:
    """And the same ones the same place."""
    source = tmp_path / "main.go"
    source.write_text("package main")
    before = digest_of([source], "1.27.3")
    assert digest_of([source], "1.27.3") == before
    assert digest_of([source], "1.27.4") != before
    source.write_text("package other")
    assert digest_of([source], "1.27.3") != before
