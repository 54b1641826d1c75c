"""What the namespaces environment remembers of one node."""

import asyncio
from dataclasses import replace
from pathlib import Path

from harness.environments.recipes.base import Site
from harness.environments.recipes.service import Service
from harness.environments.running import Running
from harness.model.system import Node, Role
from harness.toolchain import Toolchain


def test_its_definition_is_its_sites(tmp_path: Path) -> None:
    """Which may be given another one; the log stays."""
    here = Path("/nowhere")
    toolchain = Toolchain(
        java=here, kafka_classpath=(), connect_classpath=(), plugin_dir=here,
        postgres_home=here, mariadb_home=here, log4j_config=here, cache=here,
    )  # fmt: skip
    site = Site(
        node=Node(name="order", role=Role.SERVICE),
        address="198.18.0.10",
        directory=tmp_path,
        netns_fd=-1,
        hosts=tmp_path / "hosts",
        log=tmp_path / "order.log",
        toolchain=toolchain,
    )

    async def made() -> Running:
        return Running(site, Service(), listener=lambda _name, _state: None)

    running = asyncio.run(made())
    running.site = replace(site, node=Node(name="order", role=Role.SERVICE, restart="always"))
    assert running.is_restarted_after(0)
    assert running.log == tmp_path / "order.log"
