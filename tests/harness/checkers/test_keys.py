"""Keys in the order and the words that people expect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.keys import in_words, sort_keys


def test_numbers_in_keys_compare_as_numbers() -> None:
    """2 comes before 10, alone and within text."""
    assert sort_keys(["10", "2", "o-10", "o-9", "2", "a"]) == ("2", "10", "a", "o-9", "o-10")


@given(st.lists(st.text(alphabet="0123456789ab-é²٣", max_size=6)))
def test_any_text_can_be_sorted_and_none_is_lost(keys: list[str]) -> None:
    """Digits that are no plain digits included; the order depends on the keys alone."""
    ordered = sort_keys(keys)
    assert sorted(ordered) == sorted(set(keys))
    assert sort_keys(reversed(keys)) == ordered


@pytest.mark.parametrize(
    "keys, words",
    [
        ([], ""),
        (["1"], "1"),
        (["1", "2"], "1 and 2"),
        (["1", "2", "3"], "1, 2 and 3"),
        ([str(n) for n in range(1, 1208)], "1, 2, 3, 4, 5 and 1,202 more"),
    ],
)
def test_keys_are_told_in_as_few_words_as_they_need(keys: list[str], words: str) -> None:
    """Some by name, the others by number."""
    assert in_words(keys) == words
