"""The Docker Engine through its SDK, imported when it is first needed.

Its errors become ours here: what the engine refuses is EnvironmentFailed with the engine's word.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from harness.environments.docker import context, usable
from harness.errors import EnvironmentFailed

if TYPE_CHECKING:
    from docker import DockerClient

_TIMEOUT_S = 60
_CONNECTIONS = 64
"""Each log that is followed has one of its own."""


def connect(*, compose: bool = True) -> "DockerClient":
    """A client of the local engine. Blocking, as all of its calls. Raises MachineUnfit where no
    engine answers or, where that is wanted, Compose is missing."""
    findings = usable.diagnose() if compose else (usable.engine(os.environ),)
    usable.usable_or_raise(findings)
    endpoint = context.current()
    import docker  # noqa: PLC0415 - half a second that only this backend is to pay

    with engine_errors("the Docker Engine"):
        # Not from the environment: the library's own way to an engine is not quite the command's.
        return docker.DockerClient(
            base_url=endpoint.host, timeout=_TIMEOUT_S, max_pool_size=_CONNECTIONS
        )


def host(client: "DockerClient") -> str:
    """The engine that it talks to, as DOCKER_HOST names it. What the environment says of it may have
    become another since."""
    path = getattr(client.api.get_adapter(client.api.base_url), "socket_path", None)
    if path is not None:
        return f"unix://{path}"
    return str(client.api.base_url).replace("http://", "tcp://", 1)


@contextmanager
def unless_ended() -> Iterator[None]:
    """Passes over the engine's word that a container does not run: it has ended by itself."""
    from docker.errors import APIError  # noqa: PLC0415 - as above

    try:
        yield
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Raises EnvironmentFailed in the stead of the SDK's errors, naming what was done."""
    from docker.errors import DockerException  # noqa: PLC0415 - as above
    from requests.exceptions import RequestException  # noqa: PLC0415 - what the SDK lets through

    try:
        yield
    except DockerException as error:
        told = getattr(error, "explanation", None) or str(error)
        raise EnvironmentFailed(f"{what}: {told}") from error
    except RequestException as error:
        raise EnvironmentFailed(f"{what}: the engine does not answer ({error})") from error
