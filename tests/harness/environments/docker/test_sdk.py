"""The SDK's errors become ours."""

import pytest
from docker import DockerClient
from docker.errors import APIError, DockerException
from requests import Response
from requests.exceptions import ConnectionError as NoConnection

from harness.environments.docker import sdk
from harness.errors import EnvironmentFailed, HarnessBug, MachineUnfit


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (APIError("x", explanation="no such image"), "order: no such image"),
        (DockerException("no socket"), "order: no socket"),
        (NoConnection("refused"), "order: the engine does not answer"),
    ],
)
def test_what_the_engine_refuses_is_told_in_its_words(raised: Exception, says: str) -> None:
    """With what was done."""
    with pytest.raises(EnvironmentFailed, match=says), sdk.engine_errors("order"):
        raise raised


def refuse(status: int) -> None:
    """What the SDK raises for an answer of that status."""
    response = Response()
    response.status_code = status
    raise APIError("x", response=response, explanation="container x is not running")


def test_a_container_that_has_ended_by_itself_needs_no_stop() -> None:
    """The engine's word for it is a conflict; any other is an error."""
    with sdk.unless_ended():
        refuse(409)
    with pytest.raises(APIError), sdk.unless_ended():
        refuse(500)


def test_other_errors_pass() -> None:
    """They are nobody's but ours."""
    with pytest.raises(HarnessBug), sdk.engine_errors("order"):
        raise HarnessBug("x")


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_a_client_tells_whom_it_talks_to(host: str) -> None:
    """As DOCKER_HOST names it, so that Docker's command can be given the same engine."""
    client = DockerClient(base_url=host, version="1.41")

    assert sdk.host(client) == host
    client.close()


def test_without_an_engine_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message, before anything of Docker's is imported."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(
        MachineUnfit, match="--backend docker: no Docker Engine answers at /nowhere"
    ):
        sdk.connect()
