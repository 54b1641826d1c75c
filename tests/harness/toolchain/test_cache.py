"""The cache on disk: where it is, what counts as there, and who may write."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailed
from harness.toolchain import cache
from harness.toolchain.cache import Layout
from harness.toolchain.fill import fill
from harness.toolchain.machine import Component

ROOT = Path(__file__).resolve().parents[3]


def test_the_cache_is_where_xdg_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is to be ignored, says the specification."""
    monkeypatch.setenv("HOME", "/home-of-someone")
    for given, expected in (
        ("/elsewhere", "/elsewhere/aftershock"),
        ("", "/home-of-someone/.cache/aftershock"),
        ("relative", "/home-of-someone/.cache/aftershock"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert cache.default_cache() == Path(expected)


def test_no_home_is_needed_where_xdg_names_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with an arbitrary uid."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache.default_cache() == Path("/elsewhere/aftershock")


def test_without_any_place_the_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uid without an entry in the user database has no home."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(EnvironmentFailed, match="neither HOME nor XDG_CACHE_HOME"):
        cache.default_cache()


def test_plugins_lie_apart_from_the_class_path(layout: Layout) -> None:
    """plugin.path must hold Debezium's own jars only."""
    plugins = {path.parent for path in layout.paths(Component.DEBEZIUM)}
    assert plugins == {layout.plugin_dir / "debezium-connector-postgres"}
    assert {p.parent for p in layout.paths(Component.KAFKA)} == {layout.home / "lib"}


def test_a_component_is_ready_while_its_files_keep_their_size(layout: Layout) -> None:
    """The stamp alone does not do: a jar may have been cut by a full disk."""
    assert not cache.is_ready(layout, Component.KAFKA)
    fill(layout, [Component.KAFKA], report=print)
    assert cache.is_ready(layout, Component.KAFKA)
    layout.paths(Component.KAFKA)[0].write_bytes(b"short")
    assert not cache.is_ready(layout, Component.KAFKA)


def test_postgres_is_ready_while_its_programs_can_be_executed(layout: Layout) -> None:
    """The archive may go, the programs may not."""
    fill(layout, [Component.POSTGRES], report=print)
    assert cache.is_ready(layout, Component.POSTGRES)
    (layout.postgres_home / "bin" / "initdb").chmod(0o644)
    assert not cache.is_ready(layout, Component.POSTGRES)


def test_the_digest_of_a_tree_sees_contents_modes_and_links(tmp_path: Path) -> None:
    """All that makes a program another one."""
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").symlink_to("a")
    seen = [cache.tree_digest(tmp_path)]
    (tmp_path / "a").write_text("2")
    seen.append(cache.tree_digest(tmp_path))
    (tmp_path / "a").chmod(0o755)
    seen.append(cache.tree_digest(tmp_path))
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("c")
    seen.append(cache.tree_digest(tmp_path))
    assert len(set(seen)) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tree": 1}'])
def test_a_damaged_stamp_counts_for_nothing(layout: Layout, content: str) -> None:
    """The tree is then unpacked again."""
    stamp = layout.stamp(Component.POSTGRES)
    stamp.parent.mkdir(parents=True)
    stamp.write_text(content)
    assert cache.stamped_tree(layout, Component.POSTGRES) is None


def test_the_lock_of_a_process_that_dies_is_free(tmp_path: Path) -> None:
    """The kernel holds it, not a file's existence: nothing has to be cleaned up."""
    program = (
        "import sys; from pathlib import Path; from harness.toolchain.cache import exclusive\n"
        "with exclusive(Path(sys.argv[1]), on_wait=lambda: None):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    waited: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        def kill_the_holder() -> None:
            waited.append("waited")
            holder.kill()

        with cache.exclusive(tmp_path, on_wait=kill_the_holder):
            assert waited == ["waited"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the directory should be: that stops root, too."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EnvironmentFailed, match=r"file/cache cannot be written.*XDG_CACHE_HOME"),
        cache.exclusive(tmp_path / "file" / "cache", on_wait=lambda: None),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
