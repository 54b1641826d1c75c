"""A service's environment."""

import pytest

from compose.services.shop.settings import Settings
from harness.model.scenario import Pattern
from suites.shop.patterns import PATTERNS

LEAST = {"DATABASE_URL": "postgresql://u:p@db/d", "KAFKA_BOOTSTRAP": "kafka-1:9092"}


def test_two_variables_are_enough() -> None:
    """The rest has defaults."""
    assert Settings.from_environment(LEAST) == Settings(
        database_url="postgresql://u:p@db/d",
        kafka_bootstrap="kafka-1:9092",
        topic="order.events",
        http_port=8080,
        pattern="dual-write",
        retention_s=60.0,
        claim="all",
    )


def test_every_variable_counts() -> None:
    """None is read and dropped."""
    told = {"TOPIC": "t", "HTTP_PORT": "81", "PATTERN": "outbox-cdc", "RETENTION_S": "0.5"}
    told |= {"CLAIM": "heads", "CONNECTOR": "order-outbox"}
    settings = Settings.from_environment(LEAST | told)
    assert (settings.topic, settings.http_port) == ("t", 81)
    assert (settings.pattern, settings.retention_s) == ("outbox-cdc", 0.5)
    assert settings.claim == "heads"
    assert settings.connector == "order-outbox"
    assert Settings.from_environment(LEAST | {"CONNECTOR": ""}).connector is None


@pytest.mark.parametrize("missing", LEAST)
def test_a_missing_variable_is_named(missing: str) -> None:
    """The process ends at once and says which."""
    with pytest.raises(KeyError, match=missing):
        Settings.from_environment({k: v for k, v in LEAST.items() if k != missing})


@pytest.mark.parametrize("wrong", [{"PATTERN": "outbox"}, {"HTTP_PORT": "http"}, {"CLAIM": "some"}])
def test_a_wrong_value_is_refused(wrong: dict[str, str]) -> None:
    """An unknown pattern must not quietly become another one."""
    with pytest.raises(ValueError, match=next(iter(wrong.values()))):
        Settings.from_environment(LEAST | wrong)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_every_pattern_of_the_suite_is_one_of_the_shops(pattern: Pattern) -> None:
    """Or its services would not start."""
    settings = Settings.from_environment(LEAST | dict(pattern.environment))
    assert settings.pattern == pattern.environment["PATTERN"]
