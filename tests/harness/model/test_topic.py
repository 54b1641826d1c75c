"""What a topic's declaration is refused for."""

from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.topic import Topic


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"name": ""}, "name='' is no name"),
        ({"name": "a\nb"}, r"name='a\\nb' is no name"),
        ({"name": "a", "header": "id", "field": "id"}, "in a header or in a field, not in both"),
        ({"name": "a", "at_most": 0}, "a bound below 1"),
    ],
)
def test_a_wrong_topic_is_refused(told: dict[str, Any], reason: str) -> None:
    """When it is declared, before anything is started."""
    with pytest.raises(DeclarationError, match=f"Topic: .*{reason}"):
        Topic(**told)
