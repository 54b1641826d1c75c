"""What every recipe is given and what it gives back."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.environments.process import Launch
from harness.model.system import Node
from harness.toolchain import Toolchain

_CONNECT_TIMEOUT_S = 2.0


class NotReady(Exception):
    """The node did not answer yet, and what was heard instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one node lives on this machine."""

    node: Node
    address: str
    directory: Path
    """The node's own disk: kept across restarts, gone with the run."""
    netns_fd: int
    hosts: Path
    log: Path
    toolchain: Toolchain

    def launch(
        self, *argv: str, env: Mapping[str, str], cwd: Path | None = None, nested_user: bool = False
    ) -> Launch:
        """A launch with what all nodes share: own hosts file, own scratch directory."""
        scratch = self.directory / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return Launch(
            argv=argv,
            env={"LANG": "C.UTF-8", "HOME": str(scratch), "TMPDIR": str(scratch), **env},
            cwd=cwd or self.directory,
            log=self.log,
            nested_user=nested_user,
            binds=((str(self.hosts), "/etc/hosts", True),),
        )


class Recipe(Protocol):
    """One role."""

    async def prepare(self, site: Site) -> Launch:
        """Lay the node's files (first start) and say what to execute."""
        ...

    async def ready(self, site: Site) -> None:
        """One question to the node. Raises NotReady."""
        ...


def base_path() -> str:
    """A PATH on which `python` is the interpreter that runs the harness."""
    return os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"))


async def accepts(address: str, port: int) -> None:
    """Whether a connection is taken. Raises NotReady."""
    try:
        connecting = asyncio.open_connection(address, port)
        _, writer = await asyncio.wait_for(connecting, _CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError) as error:
        raise NotReady(f"port {port}: {str(error) or type(error).__name__}") from error
    writer.close()
    await writer.wait_closed()
