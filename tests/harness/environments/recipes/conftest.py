"""Sites of nodes that are looked at, not started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.recipes.base import Site
from harness.model.system import Node
from harness.toolchain import Toolchain


@pytest.fixture
def site(tmp_path: Path) -> Callable[[Node], Site]:
    """Where a node would live; none of the programs named exists."""
    programs = tmp_path / "toolchain"
    toolchain = Toolchain(
        java=programs / "java",
        kafka_classpath=(programs / "kafka.jar",),
        connect_classpath=(programs / "connect.jar", programs / "runtime.jar"),
        plugin_dir=programs / "plugins",
        postgres_home=programs / "postgres",
        mariadb_home=programs / "mariadb",
        log4j_config=programs / "log4j2.properties",
        cache=programs / "cache",
    )

    def make(node: Node) -> Site:
        directory = tmp_path / node.name
        directory.mkdir(exist_ok=True)
        return Site(
            node=node,
            address="127.0.0.1",
            directory=directory,
            netns_fd=-1,
            hosts=tmp_path / "hosts",
            log=tmp_path / f"{node.name}.log",
            toolchain=toolchain,
        )

    return make
