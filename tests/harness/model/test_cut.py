"""Whether an achieved cut is the one that was meant."""

import pytest

from harness.model.cut import Achieved, When


@pytest.mark.parametrize(
    "done, when, agrees",
    [
        (True, When.AFTER, True),
        (False, When.AFTER, False),
        (True, When.BEFORE, False),
        (False, When.BEFORE, True),
        (None, When.AFTER, None),
        (None, When.BEFORE, None),
    ],
)
def test_a_cut_agrees_where_the_effect_is_done_or_not_as_meant(
    done: bool | None, when: When, agrees: bool | None
) -> None:
    """Where the store cannot say, nobody knows."""
    assert Achieved(done=done, says="").agrees(when) is agrees
