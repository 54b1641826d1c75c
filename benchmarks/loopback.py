"""Real servers for benchmarks, started by their recipes on loopback addresses, with no node of
their own: what is left when everything that the harness adds is taken away.

Only inside an outer namespace (`harness.environments.outer`), whose end is their end.
"""

import asyncio
import os
import subprocess
import sys
import time

from harness.environments import kernel
from harness.environments.recipes.base import NotReady, Recipe, Site
from harness.environments.spawn import NESTED_ID

POLL_S = 0.025
DEADLINE_S = 60.0


def loopback_up() -> None:
    """In a process of its own, which may have threads."""
    program = "from pyroute2 import IPRoute\nip = IPRoute()\nip.link('set', index=1, state='up')"
    subprocess.run([sys.executable, "-c", program], check=True)


async def start(
    site: Site, recipe: Recipe, *, own_session: bool = False
) -> "subprocess.Popen[bytes]":
    """Lay the server's files and start it."""
    launch = await recipe.prepare(site)
    with site.log.open("ab") as log:
        return subprocess.Popen(  # noqa: ASYNC220 (what a bare script does)
            launch.argv,
            env=dict(launch.env),
            cwd=launch.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=own_session,
            preexec_fn=_nested if launch.nested_user else None,  # noqa: PLW1509 (no thread yet)
        )


def _nested() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.map_own_ids(inside=NESTED_ID, uid=uid, gid=gid)


async def answers(site: Site, recipe: Recipe) -> None:
    """Await its answer. Raises NotReady after `DEADLINE_S`."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return await recipe.ready(site)
        except NotReady:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(POLL_S)
