"""The shop in containers, by the command: the same verdicts as in namespaces, and nothing left."""

from typing import TYPE_CHECKING

import pytest

from harness.environments.docker import leftovers
from tests.command import Aftershock

if TYPE_CHECKING:
    from docker import DockerClient

POINT = "kill-between-commit-and-publish"


def test_the_machine_is_fit(aftershock: Aftershock) -> None:
    """And says so."""
    told = aftershock("doctor", "--json").json

    assert told["backends"]["docker"]["usable"] is True, told


@pytest.mark.parametrize(
    ("fault", "verdict", "code"),
    [("none", "PASS", 0), (POINT, "VIOLATION", 0), ("broker-partition", "PASS", 0)],
)
def test_dual_write_is_judged_as_in_namespaces(
    fault: str, verdict: str, code: int, aftershock: Aftershock, engine: "DockerClient"
) -> None:
    """The document names the backend; every fault is proved; the engine is as it was before."""
    before = leftovers.placed(engine)
    answer = aftershock(
        "run", "shop", "--backend", "docker", "--pattern", "dual-write", "--fault", fault,
        "--seed", "7", "--json",
    )  # fmt: skip
    assert answer.code == code, answer.err + answer.out[-2000:]

    told = answer.json
    (scenario,) = told["scenarios"]
    assert told["backend"] == "docker"
    assert scenario["verdict"] == verdict, scenario
    assert leftovers.placed(engine) == before
