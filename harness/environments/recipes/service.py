"""A service: an ordinary program, run by its `command` in its build context.

Ready means: its own health check passes. The label `aftershock.ready` (`8080/health`) lets the
harness ask by HTTP from outside; else the compose file's `healthcheck` runs inside the node;
else an open port, and without any port, a running process.
"""

import asyncio

from harness.drivers.http import get
from harness.environments import nodejs
from harness.environments.process import Launch, Process
from harness.environments.recipes.base import NotReady, Site, accepts
from harness.errors import DeclarationError
from harness.model.system import READY_LABEL, Healthcheck

_TIMEOUT_S = 2.0
_OK = range(200, 300)


class Service:
    """The recipe of role `service`."""

    async def prepare(self, site: Site) -> Launch:
        node = site.node
        argv = (*node.entrypoint, *node.command)
        if not argv:
            raise DeclarationError(
                f"service {node.name}: `command` is needed to run it without a container"
            )
        if node.build is None:
            raise DeclarationError(
                f"service {node.name}: `build` is needed to run it without a container: "
                "its context is the folder in which `command` is run"
            )
        env = {"PATH": nodejs.path(), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return site.launch(*argv, env={**env, **node.environment}, cwd=node.build)

    async def ready(self, site: Site) -> None:
        label = site.node.labels.get(READY_LABEL)
        if label:
            await answers(site.address, label)
        elif site.node.healthcheck:
            await _healthy(site, site.node.healthcheck)
        elif site.node.ports:
            await accepts(site.address, site.node.ports[0].container)


async def answers(address: str, label: str) -> None:
    """What the label `aftershock.ready` tells to ask, at this address. Raises NotReady."""
    port, _, path = label.lstrip(":").partition("/")
    answer = await get(f"http://{address}:{port}/{path}", timeout_s=_TIMEOUT_S)
    if answer.status not in _OK:
        raise NotReady(answer.error or f"HTTP {answer.status}")


async def _healthy(site: Site, check: Healthcheck) -> None:
    """Run the compose file's own check inside the node's network."""
    launch = site.launch(
        *check.test, env={"PATH": nodejs.path(), **site.node.environment}, cwd=site.node.build
    )
    process = await Process.start(launch, hostname=site.node.name, netns_fd=site.netns_fd)
    try:
        code = await asyncio.wait_for(process.wait(), check.timeout_s)
    except TimeoutError as error:
        raise NotReady(f"the health check took longer than {check.timeout_s:g} s") from error
    finally:
        await process.end(grace_s=0)
    if code != 0:
        raise NotReady(f"the health check ended with {code}")
