"""Ids that stand for keys."""

import pytest

from harness.trace.aliases import Aliases, is_unique_id

ONE = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
TWO = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a02"
THREE = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a03"


def test_what_was_seen_with_a_key_stands_for_it() -> None:
    """Only unique ids do; their letters' case does not matter."""
    aliases = Aliases()
    aliases.learn("17", [ONE, "anvil", "3", TWO.upper()])
    assert (aliases.key(ONE.upper()), aliases.key(TWO), aliases.key("anvil")) == ("17", "17", None)
    assert aliases.keys([ONE, TWO, THREE, "anvil"]) == {"17"}
    assert len(aliases) == 2


def test_an_id_of_two_keys_stands_for_none() -> None:
    """A customer's, say, who has two orders; it stays so."""
    aliases = Aliases()
    for key in ("17", "18", "17"):
        aliases.learn(key, [ONE])
    assert aliases.key(ONE) is None


def test_a_key_that_is_an_id_stands_for_itself_only() -> None:
    """Whether it was seen first as a key or first beside one."""
    aliases = Aliases()
    aliases.learn(ONE, [TWO])
    aliases.learn(THREE, [ONE])
    assert (aliases.key(ONE), aliases.key(TWO), aliases.key(THREE)) == (ONE, ONE, THREE)
    aliases.learn("17", [THREE])
    assert aliases.key(THREE) == THREE


def test_what_was_learnt_first_is_forgotten_first() -> None:
    aliases = Aliases(most=2)
    aliases.learn("17", [ONE, TWO])
    aliases.learn("18", [THREE])
    assert [aliases.key(each) for each in (ONE, TWO, THREE)] == [None, "17", "18"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ONE, True),
        (ONE.upper(), True),
        (ONE[:-1], False),
        (ONE.replace("-", "_"), False),
        ("g" + ONE[1:], False),
        ("", False),
    ],
)
def test_what_looks_like_a_unique_id(text: str, expected: bool) -> None:
    assert is_unique_id(text) is expected
