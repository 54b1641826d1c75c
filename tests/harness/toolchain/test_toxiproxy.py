"""Where Toxiproxy's server comes from, with programs of a few lines in the place of Go and of it."""

import os
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain import toxiproxy
from harness.toolchain.toxiproxy import PROGRAM, SUM, ensure, found, go_program

GO = """
case "$1" in
mod) echo '{"Sum": "%s"}' ;;
install) mkdir -p "$GOBIN" && printf '#!/bin/sh\\necho it' >"$GOBIN/server" && chmod +x "$GOBIN/server" ;;
esac
"""


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Go, the wheel or Toxiproxy. Returns the folder that is first in its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "chmod"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(toxiproxy, "find_spec", lambda _name: None)
    return folder


@pytest.mark.parametrize(
    "says, is_taken",
    [
        ("toxiproxy-server version 2.9.0", True),
        ("toxiproxy-server version git", True),
        ("toxiproxy-server version 1.4.2", False),
        ("", False),
    ],
)
def test_the_paths_own_is_taken_where_it_has_the_toxics(
    bare: Path, tmp_path: Path, says: str, is_taken: bool
) -> None:
    """Version 1 knows others."""
    own = program(bare / PROGRAM, f"echo '{says}'")
    assert found(tmp_path / "cache") == (own if is_taken else None)


def test_it_is_built_once_and_found_from_then_on(bare: Path, tmp_path: Path) -> None:
    """Nothing of the build is left beside it."""
    program(bare / "go", GO % SUM)
    told: list[str] = []
    cache = tmp_path / "cache"
    server = ensure(cache, offline=False, tell=told.append)
    assert found(cache) == server
    assert [path.name for path in server.parent.iterdir()] == [PROGRAM]
    assert [text.partition(" with ")[0] for text in told] == [f"building {PROGRAM} 2.5.0"]
    (bare / "go").unlink()
    assert ensure(cache, offline=True, tell=told.append) == server
    assert len(told) == 1


def test_another_content_than_the_pinned_one_is_refused(bare: Path, tmp_path: Path) -> None:
    """Before any of it is compiled."""
    program(bare / "go", GO % "h1:other")
    with pytest.raises(EnvironmentFailed, match=r"has the sum h1:other, and h1:i4LP.* is pinned"):
        ensure(tmp_path / "cache", offline=False)
    assert found(tmp_path / "cache") is None


def test_a_build_that_fails_says_what_it_said(bare: Path, tmp_path: Path) -> None:
    """Its last words."""
    program(bare / "go", "echo 'no such host' >&2; exit 3")
    with pytest.raises(
        EnvironmentFailed, match=r"`go mod download …` .* ended with 3: no such host"
    ):
        ensure(tmp_path / "cache", offline=False)


def test_where_it_is_not_to_be_had_the_one_command_is_named(bare: Path, tmp_path: Path) -> None:
    """Offline that is another one."""
    with pytest.raises(EnvironmentFailed, match=r"neither toxiproxy-server nor Go.*pip install"):
        ensure(tmp_path / "cache", offline=False)
    program(bare / "go", GO % SUM)
    with pytest.raises(EnvironmentFailed, match=r"offline, and .* was never built here"):
        ensure(tmp_path / "cache", offline=True)


def test_go_is_the_paths_and_else_the_wheels(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel's module is called like the language."""
    assert go_program() is None
    wheel = program(tmp_path / "site" / "go" / "bin" / "go", "")

    class Spec:
        submodule_search_locations = [str(tmp_path / "site" / "go")]  # noqa: RUF012 - as importlib has it

    monkeypatch.setattr(toxiproxy, "find_spec", lambda _name: Spec())
    assert go_program() == wheel
    on_path = program(bare / "go", "")
    assert go_program() == on_path
    assert os.access(on_path, os.X_OK)
