"""How a service in a container is asked: by its label, by its check, by its port."""

import asyncio
import socket
from typing import Any, cast

import pytest

from harness.environments.docker.readiness import ready
from harness.environments.recipes.base import NotReady
from harness.errors import MachineUnfit
from harness.model.system import Healthcheck, Node, Port, Role


class Checked:
    """A container whose check ends with a code."""

    name = "order"

    def __init__(self, code: int) -> None:
        self.code, self.asked = code, list[list[str]]()

    def exec_run(self, argv: list[str]) -> tuple[int, bytes]:
        self.asked.append(argv)
        return self.code, b""


def ask(node: Node, container: Checked) -> None:
    """Once."""
    asyncio.run(ready(node, "127.0.0.1", cast("Any", container), {}))


def test_the_compose_files_check_runs_in_the_container() -> None:
    """As it stands there."""
    node = Node(name="order", role=Role.SERVICE, healthcheck=Healthcheck(test=("check", "-x")))
    well = Checked(0)
    ask(node, well)

    assert well.asked == [["check", "-x"]]
    with pytest.raises(NotReady, match="ended with 3"):
        ask(node, Checked(3))


def test_without_a_check_an_open_port_will_do() -> None:
    """And nobody is asked inside."""
    container = Checked(1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ask(Node(name="order", role=Role.SERVICE, ports=(Port(container=port),)), container)
    with pytest.raises(NotReady):
        ask(Node(name="order", role=Role.SERVICE, ports=(Port(container=port),)), container)

    assert container.asked == []


@pytest.mark.parametrize(
    "node",
    [
        Node(name="db", role=Role.POSTGRES, environment={"POSTGRES_PASSWORD": "x"}),
        Node(name="other", role=Role.MARIADB, environment={"MARIADB_ROOT_PASSWORD": "x"}),
        Node(name="kafka-1", role=Role.KAFKA),
        Node(name="connect", role=Role.KAFKA_CONNECT),
    ],
    ids=lambda node: node.role.value,
)
def test_servers_are_asked_in_their_own_protocol(node: Node) -> None:
    """Nobody answers here."""
    with pytest.raises(NotReady):
        ask(node, Checked(0))


def test_another_role_is_refused_by_name() -> None:
    """With the service's."""
    with pytest.raises(MachineUnfit, match="service x: --backend docker does not run role toxi"):
        ask(Node(name="x", role=Role.TOXIPROXY), Checked(0))
