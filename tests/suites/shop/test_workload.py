"""The customers' plan."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.seed import stream
from suites.shop.workload import CANCEL, PLACE, PRODUCTS, plan

SEEDS = st.integers(min_value=0, max_value=2**32)


def test_one_seed_is_one_plan() -> None:
    """The same stream gives the same requests, another seed others."""
    assert plan(stream(7, "workload")) == plan(stream(7, "workload"))
    assert plan(stream(7, "workload")) != plan(stream(8, "workload"))


@given(SEEDS, st.integers(min_value=1, max_value=60))
def test_orders_are_numbered_from_1_and_a_quarter_is_cancelled(seed: int, orders: int) -> None:
    """Whatever the seed: each order once, its cancellation at most once."""
    requests = plan(stream(seed, "workload"), orders=orders)
    placed = [r.key for r in requests if r.f == PLACE]
    cancelled = [r.key for r in requests if r.f == CANCEL]
    assert sorted(placed, key=int) == [str(n) for n in range(1, orders + 1)]
    assert len(cancelled) == len(set(cancelled)) == orders // 4
    assert set(cancelled) <= set(placed)


@given(SEEDS)
def test_a_cancellation_is_due_half_a_second_after_its_order_or_later(seed: int) -> None:
    """And is sent only if placing the order was acknowledged."""
    requests = plan(stream(seed, "workload"))
    due = {r.key: r.due_s for r in requests if r.f == PLACE}
    for request in requests:
        if request.f == CANCEL:
            assert request.due_s - due[request.key] >= 0.5
            assert request.only_if_ok == PLACE


@given(SEEDS, st.floats(min_value=1, max_value=100))
def test_arrivals_keep_the_rate_and_come_sorted(seed: int, rate_per_s: float) -> None:
    """Open loop: the n-th order is due within the n-th slot."""
    requests = plan(stream(seed, "workload"), rate_per_s=rate_per_s)
    dues = [r.due_s for r in requests]
    assert dues == sorted(dues)
    for request in requests:
        if request.f == PLACE:
            slot = int(request.key) - 1
            assert slot / rate_per_s <= request.due_s <= (slot + 1) / rate_per_s


@given(SEEDS)
def test_requests_are_what_the_order_service_takes(seed: int) -> None:
    """Known products, one to three of them, as JSON."""
    for request in plan(stream(seed, "workload")):
        assert request.method == "POST"
        if request.f == CANCEL:
            assert (request.path, request.body) == (f"/orders/{request.key}/cancel", None)
        else:
            body = json.loads(json.dumps(request.body))
            assert request.path == "/orders"
            assert body["order_id"] == request.key
            assert body["product_id"] in PRODUCTS
            assert body["quantity"] in {1, 2, 3}


@pytest.mark.parametrize(("orders", "rate_per_s"), [(0, 20.0), (40, 0.0), (40, -1.0)])
def test_a_plan_of_nothing_is_refused(orders: int, rate_per_s: float) -> None:
    """A run that does nothing would prove nothing."""
    with pytest.raises(ValueError, match="must be positive"):
        plan(stream(1, "workload"), orders=orders, rate_per_s=rate_per_s)
