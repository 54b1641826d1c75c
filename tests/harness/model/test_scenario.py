"""A scenario's name is fit for a directory."""

import pytest

from harness.model.scenario import Scenario


@pytest.mark.parametrize(
    ("fault", "slug"),
    [
        ("none", "dual-write--none"),
        ("kill:order", "dual-write--kill_order"),
        ("cut a/b", "dual-write--cut_a_b"),
    ],
)
def test_the_slug_names_pattern_and_fault_without_separators(fault: str, slug: str) -> None:
    """What a file system or an anchor gives a meaning to is replaced."""
    assert Scenario(suite="shop", pattern="dual-write", fault=fault, seed=1).slug == slug
