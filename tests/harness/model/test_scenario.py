"""A scenario's name is fit for a directory."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.scenario import Scenario, fault_slug

POINT = "kill:order:after:order/order-db/commit(orders:insert,outbox:insert)/17#1"


def slug(fault: str, pattern: str = "dual-write") -> str:
    """Of a scenario with that fault."""
    return Scenario(suite="shop", pattern=pattern, fault=fault, seed=1).slug


@pytest.mark.parametrize("fault", ["none", "kill-between-commit-and-publish", "a.b_c"])
def test_a_name_stands_in_the_slug_as_it_is(fault: str) -> None:
    """Who knows the pattern and the fault knows the directory."""
    assert slug(fault) == f"dual-write--{fault}"


def test_of_a_point_the_slug_has_what_can_be_read_and_a_digest() -> None:
    """What a file system or an anchor gives a meaning to is replaced."""
    assert slug(POINT) == (
        "dual-write--kill_order_after_order_order-db_commit_ord.tbox_insert_17_1-657ee4dd"
    )


@pytest.mark.parametrize("other", [POINT.replace("#1", "#2"), POINT.replace(":", "_"), "A" * 200])
def test_another_fault_has_another_slug(other: str) -> None:
    """Also where what can be read is the same, or is cut off."""
    assert slug(other) != slug(POINT)


@given(pattern=st.text(), fault=st.text())
def test_every_slug_is_short_and_safe(pattern: str, fault: str) -> None:
    """At most 100 characters, none of which means anything to a file system."""
    assert re.fullmatch(r"[A-Za-z0-9._-]{2,100}", slug(fault, pattern))


@given(fault=st.text(), pattern=st.text())
def test_a_fault_is_called_the_same_under_every_pattern(fault: str, pattern: str) -> None:
    """The matrix tells from the slug which column it belongs to."""
    assert slug(fault, pattern).endswith(f"--{fault_slug(fault)}")
