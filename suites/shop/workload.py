"""What customers do: a seeded plan of requests at fixed moments, whatever the answers take.

Pure: the engine keeps the clock and sends. Times are seconds since the workload's start.
"""

import random

from harness.model.request import Request

PLACE = "place-order"
CANCEL = "cancel-order"

PRODUCTS = ("anvil", "bellows", "chisel", "drill", "easel")
"""All in stock: `compose/sql/inventory.sql`."""

CANCELLED_SHARE = 4
"""One order in so many is cancelled."""

_THINK_S = (0.5, 1.5)
"""How long after placing an order its customer changes their mind."""


def plan(
    rng: random.Random,
    orders: int = 40,
    rate_per_s: float = 20.0,
    cancelled_share: int = CANCELLED_SHARE,
) -> tuple[Request, ...]:
    """Orders "1" to "N", one at a random moment of each slot of `1/rate_per_s`; one in so many of
    them cancelled later, if placing was acknowledged. Sorted by due time."""
    if orders < 1 or rate_per_s <= 0:
        raise ValueError(f"orders={orders}, rate_per_s={rate_per_s}: both must be positive")
    placed = [place(rng, number, rate_per_s) for number in range(1, orders + 1)]
    minds_changed = rng.sample(placed, orders // cancelled_share)
    cancelled = [_cancel(rng, request) for request in minds_changed]
    return tuple(sorted(placed + cancelled, key=lambda request: request.due_s))


def every_order_is_cancelled(rng: random.Random) -> tuple[Request, ...]:
    """As `plan`, so that whichever order is struck has a second event."""
    return plan(rng, cancelled_share=1)


def place(rng: random.Random, number: int, rate_per_s: float) -> Request:
    """The order of that number, in its slot."""
    key = str(number)
    due_s = (number - 1 + rng.random()) / rate_per_s
    product_id, quantity = rng.choice(PRODUCTS), rng.randint(1, 3)
    body: dict[str, str | int] = {"order_id": key, "product_id": product_id, "quantity": quantity}
    return Request(due_s=due_s, f=PLACE, key=key, method="POST", path="/orders", body=body)


def _cancel(rng: random.Random, placed: Request) -> Request:
    return Request(
        due_s=placed.due_s + rng.uniform(*_THINK_S),
        f=CANCEL,
        key=placed.key,
        method="POST",
        path=f"/orders/{placed.key}/cancel",
        only_if_ok=PLACE,
    )
