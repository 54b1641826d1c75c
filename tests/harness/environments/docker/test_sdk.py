"""The SDK's errors become ours."""

import pytest
from docker.errors import APIError, DockerException
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


def test_other_errors_pass() -> None:
    """They are nobody's but ours."""
    with pytest.raises(HarnessBug), sdk.engine_errors("order"):
        raise HarnessBug("x")


def test_without_an_engine_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message, before anything of Docker's is imported."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(
        MachineUnfit, match="--backend docker: no Docker Engine answers at /nowhere"
    ):
        sdk.connect()
