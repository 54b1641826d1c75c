import pytest

from harness.model.fast_value import fast_value


@fast_value
class Place:
    """A node and its port."""

    node: str
    port: int = 1


def test_equal_values_are_one_in_a_set() -> None:
    assert {Place(node="a"), Place(node="a", port=1), Place(node="b")} == {
        Place(node="a"),
        Place(node="b"),
    }


def test_fields_are_given_by_name_only() -> None:
    with pytest.raises(TypeError):
        Place("a")  # type: ignore[call-arg] # what is tested
