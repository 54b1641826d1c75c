"""Real servers for tests marked `stack`."""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the real servers listen, each `host:port`. Whatever is in them may be destroyed."""

    postgres: str
    kafka: str
    connect: str


@pytest.fixture(scope="session")
def servers() -> Servers:
    """One PostgreSQL (user and password `shop`), one broker, one Connect worker with Debezium."""
    told = dict(part.split("=", 1) for part in os.environ["AFTERSHOCK_TEST_SERVERS"].split())
    return Servers(postgres=told["postgres"], kafka=told["kafka"], connect=told["connect"])
