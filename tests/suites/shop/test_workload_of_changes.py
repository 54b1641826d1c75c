"""The customers' plan where tables are read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.request import Request
from harness.seed import stream
from suites.shop.workload import CANCEL, PLACE
from suites.shop.workload_of_changes import (
    AMEND,
    AMEND_AGAIN,
    ERASE,
    LOOK_S,
    STORIES,
    between_looks,
    plan_of_changes,
)

SEEDS = st.integers(min_value=0, max_value=2**32)


def by_order(requests: tuple[Request, ...]) -> dict[str, list[Request]]:
    """Each order's requests as they are due."""
    found: dict[str, list[Request]] = {}
    for request in requests:
        found.setdefault(request.key, []).append(request)
    return found


def test_one_seed_is_one_plan() -> None:
    """The same stream gives the same requests, another seed others."""
    assert plan_of_changes(stream(7, "workload")) == plan_of_changes(stream(7, "workload"))
    assert plan_of_changes(stream(7, "workload")) != plan_of_changes(stream(8, "workload"))


@given(SEEDS)
def test_every_story_happens_to_as_many_orders_as_it_says(seed: int) -> None:
    """Whatever the seed; each order is placed first, and some are left alone."""
    requests = plan_of_changes(stream(seed, "workload"))
    assert [r.due_s for r in requests] == sorted(r.due_s for r in requests)
    stories = [tuple(r.f for r in told) for told in by_order(requests).values()]
    assert len(stories) == 40
    assert {story[1:]: stories.count(story) for story in stories} == {
        **{story: count for count, story in STORIES},
        (): 40 - sum(count for count, _ in STORIES),
    }
    assert {story[0] for story in stories} == {PLACE}


@given(SEEDS)
def test_a_change_waits_for_the_one_before_it(seed: int) -> None:
    """A while after placing, or at once after another change: sooner than a poller looks."""
    for told in by_order(plan_of_changes(stream(seed, "workload"))).values():
        for before, after in pairwise(told):
            assert after.only_if_ok == before.f
            pause = after.due_s - before.due_s
            assert pause > 0.3 if before.f == PLACE else 0 < pause <= 0.05


@given(SEEDS)
def test_nothing_is_due_near_a_look(seed: int) -> None:
    """Nor would it be done then, if it took a fifth of a second."""
    for request in plan_of_changes(stream(seed, "workload")):
        assert 0.1 <= request.due_s % LOOK_S < 0.8


@given(st.floats(min_value=0, max_value=100), st.floats(min_value=0, max_value=100))
def test_between_looks_what_was_earlier_stays_earlier_and_in_its_second(a: float, b: float) -> None:
    """Apart from what floats round away."""
    assert (between_looks(a) <= between_looks(b)) == (a <= b) or abs(a - b) < 1e-9
    assert between_looks(a) // LOOK_S == a // LOOK_S


@given(SEEDS)
def test_every_amendment_leaves_a_quantity_of_its_own(seed: int) -> None:
    """Else a change that was missed could not be told from the one that was seen."""
    for told in by_order(plan_of_changes(stream(seed, "workload"))).values():
        quantities = [r.body["quantity"] for r in told if r.body is not None]
        assert len(set(quantities)) == len(quantities)
        assert all((r.body is None) == (r.f in {CANCEL, ERASE}) for r in told)


@given(SEEDS)
def test_requests_are_what_the_order_service_takes(seed: int) -> None:
    """Method and path."""
    forms = {
        PLACE: ("POST", "/orders"), AMEND: ("POST", "/orders/{}/amend"),
        AMEND_AGAIN: ("POST", "/orders/{}/amend"), CANCEL: ("POST", "/orders/{}/cancel"),
        ERASE: ("DELETE", "/orders/{}"),
    }  # fmt: skip
    for request in plan_of_changes(stream(seed, "workload")):
        method, path = forms[request.f]
        assert (request.method, request.path) == (method, path.format(request.key))


@pytest.mark.parametrize(("orders", "rate_per_s"), [(31, 20.0), (40, 0.0)])
def test_a_plan_without_room_for_its_stories_is_refused(orders: int, rate_per_s: float) -> None:
    """A run in which nothing is erased would prove nothing."""
    with pytest.raises(ValueError, match="at least 32"):
        plan_of_changes(stream(1, "workload"), orders=orders, rate_per_s=rate_per_s)
