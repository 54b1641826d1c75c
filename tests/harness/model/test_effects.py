"""What declarations of effects are refused for."""

from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.effects import DeadLetters, Effects
from harness.model.topic import Topic


@pytest.mark.parametrize(
    "told, reason",
    [
        ({}, "told apart by an event's id or a key"),
        ({"key": "id"}, "nothing to count its effects against"),
        ({"event": "e", "only": {"type": "sold"}}, "put it in a tuple"),
        ({"event": "e", "only": {"": ("sold",)}}, "only='' is no name"),
    ],
)
def test_wrong_effects_are_refused(told: dict[str, Any], reason: str) -> None:
    """What could never be judged is not declared by mistake."""
    with pytest.raises(DeclarationError, match=f"Effects: .*{reason}"):
        Effects(consumer="mailer", node="b-db", table="mails", **told)


def test_dead_letters_are_somebodys() -> None:
    """A name is wanted."""
    with pytest.raises(DeclarationError, match="DeadLetters: consumer=''"):
        DeadLetters(consumer="", topic=Topic(name="dead"))
