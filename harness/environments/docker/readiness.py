"""Whether a node in a container answers: the same questions as in namespaces, asked from here."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.environments.docker.sdk import engine_errors
from harness.environments.recipes import connect, kafka, mariadb, postgres, service
from harness.environments.recipes.base import NotReady, accepts
from harness.errors import EnvironmentFailed, MachineUnfit
from harness.model.system import READY_LABEL, Node, Role

if TYPE_CHECKING:
    from docker.models.containers import Container


async def ready(node: Node, address: str, container: "Container", names: Mapping[str, str]) -> None:
    """One question to the node. Raises NotReady."""
    match node.role:
        case Role.POSTGRES:
            await postgres.answers(node, address)
        case Role.MARIADB:
            await mariadb.answers(node, address)
        case Role.KAFKA:
            await kafka.answers(address, names)
        case Role.KAFKA_CONNECT:
            await connect.answers(address)
        case Role.SERVICE:
            await _service(node, address, container)
        case _:
            raise MachineUnfit(
                f"service {node.name}: --backend docker does not run role {node.role.value} yet"
            )


async def _service(node: Node, address: str, container: "Container") -> None:
    label = node.labels.get(READY_LABEL)
    if label:
        await service.answers(address, label)
    elif node.healthcheck:
        await asyncio.to_thread(_check, container, node.healthcheck.test)
    elif node.ports:
        await accepts(address, node.ports[0].container)


def _check(container: "Container", test: tuple[str, ...]) -> None:
    """Run the compose file's own check in the container."""
    try:
        with engine_errors(f"the health check of {container.name}"):
            code, _ = container.exec_run(list(test))
    except EnvironmentFailed as failed:
        raise NotReady(str(failed)) from failed
    if code != 0:
        raise NotReady(f"the health check ended with {code}")
