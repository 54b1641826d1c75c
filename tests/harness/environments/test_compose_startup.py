"""`depends_on` and `healthcheck`."""

import pytest

from harness.environments.compose_startup import dependencies, healthcheck
from harness.environments.compose_yaml import Problem, parse
from harness.model.system import Condition, Dependency, Healthcheck


def test_dependencies_are_read_as_a_list() -> None:
    """A bare name waits for the start."""
    expected = tuple(Dependency(node=n, condition=Condition.STARTED) for n in "ab")

    assert expected == dependencies(parse("[a, b]"))


def test_dependencies_are_read_with_conditions() -> None:
    """All three, with the switches that say what is so anyway."""
    text = """
a: {condition: service_started, required: true}
b: {condition: service_healthy, restart: false}
c: {condition: service_completed_successfully}
"""
    expected = (
        Dependency(node="a", condition=Condition.STARTED),
        Dependency(node="b", condition=Condition.HEALTHY),
        Dependency(node="c", condition=Condition.COMPLETED),
    )

    assert expected == dependencies(parse(text))


def test_a_dependency_may_be_optional() -> None:
    """It is waited for where it is started."""
    expected = (Dependency(node="a", condition=Condition.STARTED, required=False),)

    assert expected == dependencies(parse("{a: {condition: service_started, required: false}}"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "not a mapping"),
        ("[a, a]", "names a twice"),
        ("{a: {}}", "has no condition"),
        ("{a: {condition: healthy}}", "is 'healthy' (write one of: service_started"),
        ("{a: {condition: service_started, restart: true}}", "each node restarts on its own"),
    ],
)
def test_other_dependencies_are_refused(text: str, says: str) -> None:
    """Those that restart too."""
    with pytest.raises(Problem) as caught:
        dependencies(parse(text))

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("test: curl localhost", ("/bin/sh", "-c", "curl localhost")),
        ("test: [CMD-SHELL, curl localhost]", ("/bin/sh", "-c", "curl localhost")),
        ("test: [CMD, curl, localhost]", ("curl", "localhost")),
    ],
)
def test_a_health_test_becomes_an_argv(text: str, test: tuple[str, ...]) -> None:
    """Text goes through a shell, CMD doesn't; the rest are Compose's defaults."""
    expected = Healthcheck(test=test, interval_s=30, timeout_s=30, retries=3, start_period_s=0)

    assert expected == healthcheck(parse(text))


def test_a_health_checks_times_are_in_seconds() -> None:
    """start_interval is accepted without effect."""
    text = (
        "{test: x, interval: 1s, timeout: 500ms, retries: 5, start_period: 1m, start_interval: 1s}"
    )
    found = healthcheck(parse(text))

    assert found is not None
    assert (
        found.interval_s,
        found.timeout_s,
        found.retries,
        found.start_period_s,
    ) == (1.0, 0.5, 5, 60.0)


@pytest.mark.parametrize("text", ["test: [NONE]", "disable: true"])
def test_a_health_check_can_be_disabled(text: str) -> None:
    """Both ways of the specification."""
    assert healthcheck(parse(text)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("interval: 1s", "has no test"),
        ("test: [curl, localhost]", "is no health test"),
        ("test: [CMD]", "is no health test"),
        ("test: []", "is no health test"),
        ("test: ''", "is empty"),
        ("{test: x, interval: 0s}", "interval is no time at all"),
        ("{test: x, retries: 0}", "retries is 0"),
        ("{test: x, tries: 3}", "did you mean retries?"),
    ],
)
def test_what_is_no_health_check_is_refused(text: str, says: str) -> None:
    """With the form that would be one."""
    with pytest.raises(Problem) as caught:
        healthcheck(parse(text))

    assert says in str(caught.value)
