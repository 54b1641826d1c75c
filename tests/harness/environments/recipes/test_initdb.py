"""What the images of databases share, on nodes that are looked at only."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.recipes import initdb
from harness.environments.recipes.base import Site
from harness.errors import DeclarationError
from harness.model.system import Mount, Node, Role


def mounted(source: Path, target: str) -> Node:
    """A server with one mount."""
    return Node(
        name="db",
        role=Role.MARIADB,
        mounts=(Mount(source=source, target=target, read_only=True),),
    )


def test_scripts_are_run_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Of a folder, or one by one."""
    for name in ("2.sql", "1.sql"):
        (tmp_path / name).write_text("")
    found = initdb.scripts(mounted(tmp_path, "/docker-entrypoint-initdb.d/"))
    assert [path.name for path in found] == ["1.sql", "2.sql"]


@pytest.mark.parametrize(
    "source, target, says",
    [
        ("x.sql", "/var/lib/mysql", "/var/lib/mysql is not supported for role mariadb"),
        ("x.sh", "/docker-entrypoint-initdb.d/x.sh", "x.sh: only .sql scripts are run natively"),
    ],
)
def test_a_mount_that_is_no_script_is_refused(source: str, target: str, says: str) -> None:
    """By its role."""
    with pytest.raises(DeclarationError, match=says):
        initdb.scripts(mounted(Path(source), target))


def test_the_program_may_be_named_in_the_command() -> None:
    """As the image takes both."""
    node = Node(name="db", role=Role.MARIADB, command=("mariadbd", "--x=1"))
    assert initdb.arguments(node, "mariadbd") == ("--x=1",)
    bare = Node(name="db", role=Role.MARIADB, command=("--x=1",))
    assert initdb.arguments(bare, "mariadbd") == ("--x=1",)


def test_data_is_made_once_for_each_content(tmp_path: Path, site: Callable[[Node], Site]) -> None:
    """Another script, another template; nodes with the same ones share it."""
    script = tmp_path / "a.sql"
    script.write_text("SELECT 1")
    made: list[str] = []

    async def make(site: Site, data: Path) -> None:
        made.append(site.node.name)
        data.mkdir()
        (data / "table").write_text(script.read_text())

    def laid(name: str) -> str:
        node = Node(
            name=name,
            role=Role.MARIADB,
            mounts=(Mount(source=script, target=f"{initdb.FOLDER}/a.sql", read_only=True),),
        )
        data = asyncio.run(initdb.lay_data(site(node), ("11.4",), make))
        return (data / "table").read_text()

    assert [laid("one"), laid("two"), laid("one")] == ["SELECT 1"] * 3
    assert made == ["one"]
    script.write_text("SELECT 2")
    assert [laid("one"), laid("three")] == ["SELECT 1", "SELECT 2"]
    assert made == ["one", "three"]
