"""The stand-ins keep the contract of the official images, as far as the engine can tell."""

from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import ContainerError

from harness.environments.docker import images
from harness.model.system import Role

if TYPE_CHECKING:
    from docker import DockerClient

PORTS = {Role.POSTGRES: "5432/tcp", Role.KAFKA: "9092/tcp", Role.KAFKA_CONNECT: "8083/tcp"}


@pytest.mark.parametrize("role", images.STAND_INS, ids=lambda role: role.value)
def test_what_an_image_tells_of_itself(role: Role, engine: "DockerClient") -> None:
    """Its port, its health check, and a user that is not root."""
    tag = images.STAND_INS[role]
    config: dict[str, Any] = engine.images.get(tag).attrs["Config"]

    assert list(config["ExposedPorts"]) == [PORTS[role]]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"][images.CONTENT_LABEL]
    uid = engine.containers.run(tag, ["-u"], entrypoint="id", remove=True, network_mode="none")
    assert int(uid) > 0


def test_postgres_refuses_to_begin_without_a_password(engine: "DockerClient") -> None:
    """As the official image does."""
    with pytest.raises(ContainerError, match="POSTGRES_PASSWORD is not set"):
        engine.containers.run(
            images.STAND_INS[Role.POSTGRES], remove=True, network_mode="none", stderr=True
        )


def test_connect_names_what_is_missing(engine: "DockerClient") -> None:
    """Before any Java is started."""
    with pytest.raises(ContainerError, match=r"BOOTSTRAP_SERVERS, GROUP_ID.* must be set"):
        engine.containers.run(
            images.STAND_INS[Role.KAFKA_CONNECT], remove=True, network_mode="none", stderr=True
        )
