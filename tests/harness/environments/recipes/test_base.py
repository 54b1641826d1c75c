"""What all recipes share."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.recipes.base import NotReady, Site, accepts, base_path
from harness.model.system import Node, Role

NODE = Node(name="order", role=Role.SERVICE)


def test_a_launch_has_the_nodes_own_disk_and_hosts(site: Callable[[Node], Site]) -> None:
    """Nothing of the harness's own environment."""
    place = site(NODE)
    launch = place.launch("program", "-x", env={"PATH": "/bin", "LANG": "C"})

    assert launch.argv == ("program", "-x")
    scratch = str(place.directory / "tmp")
    assert launch.env == {"LANG": "C", "HOME": scratch, "TMPDIR": scratch, "PATH": "/bin"}
    assert Path(scratch).is_dir()
    assert (launch.cwd, launch.log) == (place.directory, place.log)
    assert launch.binds == ((str(place.hosts), "/etc/hosts", True),)
    assert not launch.nested_user


def test_python_is_the_one_that_runs_the_harness() -> None:
    """Whatever else is installed."""
    assert base_path().split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_a_port_that_takes_a_connection_is_told_from_one_that_does_not() -> None:
    """The port and what was heard are named."""

    async def run() -> str:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await accepts("127.0.0.1", port)
        server.close()
        await server.wait_closed()
        with pytest.raises(NotReady) as refused:
            await accepts("127.0.0.1", port)
        return str(refused.value).replace(str(port), "PORT")

    assert asyncio.run(run()).startswith("port PORT: [Errno 111]")
