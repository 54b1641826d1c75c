"""What customers do where an order is a saga: most of it works, some is refused at each step, and
some customers change their mind early or late.

Pure: the engine keeps the clock and sends. Times are seconds since the workload's start.
"""

import random

from harness.model.request import Request

from .workload import CANCEL, PLACE, PRODUCTS

SCARCE, DEAR, HEAVY = "flywheel", "gantry", "hoist"
"""Refused by inventory when the few that there are are gone; by payment; by shipping."""

_REFUSED_SHARE, _CANCELLED_SHARE = 0.35, 0.2
_THINK_S = ((0.0, 0.4), (2.0, 3.0))
"""How long after placing an order its customer changes their mind: while it is under way, or when
it is done as a rule."""


def saga_plan(
    rng: random.Random, orders: int = 40, rate_per_s: float = 10.0
) -> tuple[Request, ...]:
    """Orders "1" to "N", one at a random moment of each slot of `1/rate_per_s`. Sorted by due time."""
    if orders < 1 or rate_per_s <= 0:
        raise ValueError(f"orders={orders}, rate_per_s={rate_per_s}: both must be positive")
    placed = [_place(rng, number, rate_per_s) for number in range(1, orders + 1)]
    minds_changed = rng.sample(placed, int(orders * _CANCELLED_SHARE))
    cancelled = [_cancel(rng, request) for request in minds_changed]
    return tuple(sorted(placed + cancelled, key=lambda request: request.due_s))


def _place(rng: random.Random, number: int, rate_per_s: float) -> Request:
    hard = rng.random() < _REFUSED_SHARE
    product_id = rng.choice((SCARCE, DEAR, HEAVY) if hard else PRODUCTS)
    body: dict[str, str | int] = {
        "order_id": str(number),
        "product_id": product_id,
        "quantity": rng.randint(1, 3),
    }
    due_s = (number - 1 + rng.random()) / rate_per_s
    return Request(due_s=due_s, f=PLACE, key=str(number), method="POST", path="/orders", body=body)


def _cancel(rng: random.Random, placed: Request) -> Request:
    return Request(
        due_s=placed.due_s + rng.uniform(*rng.choice(_THINK_S)),
        f=CANCEL,
        key=placed.key,
        method="POST",
        path=f"/orders/{placed.key}/cancel",
        only_if_ok=PLACE,
    )
