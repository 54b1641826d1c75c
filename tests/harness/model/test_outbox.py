"""What declarations of where events come from are refused for."""

from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.outbox import Aggregate, Outbox
from harness.model.topic import Topic

EVENTS = Topic(name="events")


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"table": ""}, "table='' is no name"),
        ({"topics": (EVENTS,)}, "name its column"),
        ({"id": "id", "payload": "payload"}, "name the topics"),
        ({"id": "id", "version": "version"}, "name the topics"),
    ],
)
def test_a_wrong_outbox_is_refused(told: dict[str, Any], reason: str) -> None:
    """Node and table are enough: for hazards."""
    whole: dict[str, Any] = {"node": "a-db", "table": "outbox"}
    assert Outbox(**whole).topics == ()
    with pytest.raises(DeclarationError, match=f"Outbox: .*{reason}"):
        Outbox(**{**whole, **told})


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"topics": ()}, "told in no topic"),
        ({"version": "version"}, r"Topic\.version"),
        ({"key": ""}, "key='' is no name"),
    ],
)
def test_a_wrong_aggregate_is_refused(told: dict[str, Any], reason: str) -> None:
    """A version that only one side has tells nothing apart."""
    whole = {"node": "a-db", "table": "tickets", "key": "id", "topics": (EVENTS,)}
    with pytest.raises(DeclarationError, match=f"Aggregate: .*{reason}"):
        Aggregate(**{**whole, **told})
