"""Events of a connection."""

from harness.wire.postgres_events import Completed, Started
from harness.wire.stream import Direction


def test_a_start_gives_its_parameters_by_name() -> None:
    """None for one that was not sent."""
    started = Started(first=0, end=9, version=(3, 0), parameters=(("replication", "database"),))
    assert started.parameter("replication") == "database"
    assert started.parameter("application_name") is None


def test_an_event_knows_its_direction() -> None:
    """From its class."""
    assert Started.direction is Direction.CLIENT
    assert Completed.direction is Direction.SERVER
