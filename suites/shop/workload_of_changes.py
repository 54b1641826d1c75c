"""What customers do where the table of orders itself is read: they change their minds more often.

An order is amended, cancelled, or erased: then its row is gone. Some changes come right after the
one before, sooner than anybody who looks into the table now and then could have seen that.

The poller looks at full seconds. Nothing is due shortly before one, nor at it, so that what it sees
hangs on the plan, and not on which of two comes some milliseconds earlier.
"""

import random
from dataclasses import replace

from harness.model.request import Request

from .workload import CANCEL, PLACE, place

AMEND, AMEND_AGAIN, ERASE = "amend-order", "amend-order-again", "erase-order"

STORIES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (6, (AMEND,)),
    (8, (AMEND, AMEND_AGAIN)),
    (6, (CANCEL,)),
    (3, (ERASE,)),
    (6, (AMEND, ERASE)),
    (3, (CANCEL, ERASE)),
)
"""So many orders, and what happens to each after it was placed. The others are left alone."""

_THINK_S = (0.5, 1.5)
"""How long after placing an order its customer changes their mind, before it is put between looks."""
_AT_ONCE_S = 0.02
"""How long after one change the next is due. It is sent when the one before is acknowledged."""

LOOK_S = 1.0
"""How often the poller looks: at full seconds of the workload, which begins at one."""
_AFTER_LOOK_S, _BEFORE_LOOK_S = 0.1, 0.25
"""For how long nothing is due after a look, and before the next."""


def plan_of_changes(
    rng: random.Random, orders: int = 40, rate_per_s: float = 20.0
) -> tuple[Request, ...]:
    """Orders "1" to "N", one at a random moment of each slot of `1/rate_per_s`, and what follows
    for some of them, if what came before was acknowledged. Sorted by due time."""
    changed = sum(count for count, _ in STORIES)
    if orders < changed or rate_per_s <= 0:
        raise ValueError(f"orders={orders}, rate_per_s={rate_per_s}: at least {changed}, and > 0")
    drawn = [place(rng, number, rate_per_s) for number in range(1, orders + 1)]
    placed = [replace(request, due_s=between_looks(request.due_s)) for request in drawn]
    chosen = iter(rng.sample(drawn, changed))
    changes = [
        request
        for count, story in STORIES
        for _ in range(count)
        for request in _changes(rng, next(chosen), story)
    ]
    return tuple(sorted(placed + changes, key=lambda request: request.due_s))


def between_looks(due_s: float) -> float:
    """The moment put into the part of its second that is clear of looks; which of two is the earlier
    stays as it was."""
    look, since = divmod(due_s, LOOK_S)
    share = 1 - (_AFTER_LOOK_S + _BEFORE_LOOK_S) / LOOK_S
    return look * LOOK_S + _AFTER_LOOK_S + since * share


def _changes(rng: random.Random, placed: Request, story: tuple[str, ...]) -> list[Request]:
    due_s = between_looks(placed.due_s + rng.uniform(*_THINK_S))
    quantity = int((placed.body or {})["quantity"])
    found: list[Request] = []
    for step, f in enumerate(story):
        quantity += rng.randint(1, 3)  # never the same again: each change is told apart
        method, path = _how(f, placed.key)
        found.append(
            Request(
                due_s=due_s + step * _AT_ONCE_S,
                f=f,
                key=placed.key,
                method=method,
                path=path,
                body={"quantity": quantity} if f in {AMEND, AMEND_AGAIN} else None,
                only_if_ok=story[step - 1] if step else PLACE,
            )
        )
    return found


def _how(f: str, key: str) -> tuple[str, str]:
    match f:
        case "erase-order":
            return "DELETE", f"/orders/{key}"
        case "cancel-order":
            return "POST", f"/orders/{key}/cancel"
        case _:
            return "POST", f"/orders/{key}/amend"
