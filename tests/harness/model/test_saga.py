"""What declarations of sagas are refused for."""

from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.saga import Saga, Step

STEP = {"name": "hotel", "node": "b-db", "table": "hotel", "key": "trip"}
SAGA = {
    "name": "trip",
    "node": "a-db",
    "table": "trips",
    "key": "trip",
    "state": "state",
    "terminal": ("booked", "given-up"),
}


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"kind": "kind"}, "kind and done go together"),
        ({"done": ("take",)}, "kind and done go together"),
        ({"undone": ("free",)}, "what tells rows that undo"),
        ({"kind": "kind", "done": ("a", "b"), "undone": ("b",)}, "b cannot be done and undone"),
        ({"kind": "kind", "done": "take"}, "put it in a tuple"),
    ],
)
def test_a_wrong_step_is_refused(told: dict[str, Any], reason: str) -> None:
    """Without kinds every row is a step done."""
    assert Step(**STEP).done == ()
    with pytest.raises(DeclarationError, match=f"Step: .*{reason}"):
        Step(**STEP, **told)


@pytest.mark.parametrize(
    "told, reason",
    [
        ({"terminal": ()}, "no state is terminal"),
        ({"completed": ("done",)}, "done is completed, not terminal"),
        ({"steps": (Step(**STEP),)}, "in which states do its steps stay done"),
        (
            {"completed": ("booked",), "steps": (Step(**STEP), Step(**STEP))},
            "two steps of one name",
        ),
    ],
)
def test_a_wrong_saga_is_refused(told: dict[str, Any], reason: str) -> None:
    """States are told in full, or nothing could be judged."""
    with pytest.raises(DeclarationError, match=f"Saga: .*{reason}"):
        Saga(**{**SAGA, **told})
