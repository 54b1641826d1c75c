"""Suites are found by name and by path, and what is wrong with one is told by line."""

from pathlib import Path

import pytest

from harness.cli import suites
from harness.errors import DeclarationError


def _suite(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "suite.py").write_text(text)
    return folder


def test_the_shop_comes_with_the_package() -> None:
    """By name, with its patterns."""
    shop = suites.load("shop")
    assert {"dual-write", "outbox-polling", "outbox-cdc"} <= {p.name for p in shop.patterns}
    assert "shop" in suites.names()


def test_a_suite_of_the_current_folder_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`suites/<name>` where the user stands."""
    _suite(tmp_path / "suites" / "mine", "SUITE = 1")
    monkeypatch.chdir(tmp_path)
    assert suites.names()[0] == "mine"
    with pytest.raises(DeclarationError, match=r"mine/suite\.py: no `SUITE` in it"):
        suites.load("mine")


def test_a_neighbour_is_imported_relatively(tmp_path: Path) -> None:
    """Whatever else is called `suites`."""
    folder = _suite(tmp_path / "a", "from .workload import NAME\nraise ValueError(NAME)")
    (folder / "workload.py").write_text("NAME = 'here'")
    with pytest.raises(DeclarationError, match=r"suite\.py:2: ValueError: here"):
        suites.load(str(folder))


def test_each_folder_has_neighbours_of_its_own(tmp_path: Path) -> None:
    """Also where another one of the same name was loaded before."""
    for place in ("here", "there"):
        folder = _suite(
            tmp_path / place / "a", "from .workload import NAME\nraise ValueError(NAME)"
        )
        (folder / "workload.py").write_text(f"NAME = {place!r}")
        with pytest.raises(DeclarationError, match=f"ValueError: {place}"):
            suites.load(str(folder))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:\n", r"suite\.py:1: SyntaxError"),
        ("x = 1\nimport nothing_of_the_kind\n", r"suite\.py:2: ModuleNotFoundError"),
        ("from harness.model.suite import Suite\nSUITE = Suite()\n", r"suite\.py:2: TypeError"),
    ],
)
def test_a_broken_suite_is_told_by_its_line(tmp_path: Path, text: str, says: str) -> None:
    """No traceback for a user's mistake."""
    with pytest.raises(DeclarationError, match=says):
        suites.load(str(_suite(tmp_path / "s", text)))


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "/nowhere/at/all"])
def test_a_suite_that_is_not_there_is_named(name: str) -> None:
    """With what there is."""
    with pytest.raises(DeclarationError, match="nowhere"):
        suites.load(name)
