"""What of sagas is struck, and under which load: the cells of sagas.py, piece by piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.model.request import Request

CHOREOGRAPHY, ORCHESTRATION = "saga-choreography", "saga-orchestration"
RATE_PER_S = 3.0
STEPS = {
    "stock": ("inventory", "stock_movements"),
    "payment": ("payment", "payment_movements"),
    "shipment": ("shipping", "shipment_changes"),
}
GOOD, SCARCE, DEAR, HEAVY, CANCELLED = "good", "scarce", "dear", "heavy", "cancelled"
KINDS: Mapping[str, tuple[str, int]] = {
    GOOD: ("chisel", 1),
    HEAVY: ("hoist", 1),
    DEAR: ("gantry", 1),
    CANCELLED: ("drill", 1),
    SCARCE: ("flywheel", 5),
}
"""What is ordered; `flywheel` is never there in that number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One strike that is wanted. `kind`: of the order whose `{key}` stands in the point."""

    step: str
    failure: str
    point: str
    kind: str | None = None


def _replies(pattern: str) -> str:
    return "saga.events" if pattern == CHOREOGRAPHY else "saga.replies"


def _of_participant(pattern: str, label: str, node: str, database: str, wrote: str) -> list[Cell]:
    commit = f"{node}/{database}/commit({wrote})"
    told = f"{node}/kafka-1/produce({_replies(pattern)})"
    return [
        Cell(step=label, failure="error", point=f"error=40001:{node}:before:{commit}"),
        Cell(step=label, failure="killed before its commit", point=f"kill:{node}:before:{commit}"),
        Cell(step=label, failure="killed after its commit", point=f"kill:{node}:after:{commit}"),
        Cell(step=label, failure="message's answer lost", point=f"swallow:{node}:after:{told}"),
        Cell(step=label, failure="message lost", point=f"reset:{node}:before:{told}"),
        Cell(step=label, failure="killed after its message", point=f"kill:{node}:after:{told}"),
    ]


def _steps(pattern: str, label: str, state: str) -> list[Cell]:
    return [
        cell
        for step, (node, ledger) in STEPS.items()
        for cell in _of_participant(
            pattern, f"{label} {step}", node, f"{node}-db", f"{ledger},saga_steps:{state},*"
        )
    ]


def _order(pattern: str) -> list[Cell]:
    """The order's own transactions: accepted, brought on, and its last step back."""
    writes = {"accept order": "orders:insert,outbox,*", "bring order on": "inbox,orders:update,*"}
    if pattern == CHOREOGRAPHY:
        writes["note undone step"] = "inbox,steps_undone,*"
    return [
        cell
        for label, wrote in writes.items()
        for cell in _of_participant(pattern, label, "order", "order-db", wrote)
    ]


WRITES: Mapping[str, Sequence[int]] = {
    GOOD: (1, 2, 3, 4, 5),
    HEAVY: (4, 5, 6, 7),
    DEAR: (3,),
    SCARCE: (2,),
    CANCELLED: (2, 3, 4),
}
"""Kind of order → which of the orchestrator's writes for it no other kind has."""


def _orchestrator(*kinds: str) -> list[Cell]:
    return [
        Cell(
            step=f"orchestrator, order {kind}",
            failure=f"killed {when} write {number}",
            point=f"kill:orchestrator:{when}:orchestrator/saga-db/commit(sagas,*)/{{key}}#{number}",
            kind=kind,
        )
        for kind in kinds
        for number in WRITES[kind]
        for when in ("before", "after")
    ]


def _late(pattern: str) -> list[Cell]:
    """Struck while sagas are given up after a second, most of them in the middle."""
    cells = [
        Cell(
            step=f"do {step}",
            failure="still under way when time is over",
            point=f"hold=4:{node}:before:{node}/{node}-db/commit({ledger},saga_steps:insert,*)",
        )
        for step, (node, ledger) in STEPS.items()
    ]
    who, commit = (
        ("order", "order/order-db/commit(order_changes:insert,orders:update,outbox:insert)")
        if pattern == CHOREOGRAPHY
        else (
            "orchestrator",
            "orchestrator/saga-db/commit(outbox:insert,saga_history:insert,sagas:update)",
        )
    )
    return cells + [
        Cell(step="time is over", failure=f"killed {when}", point=f"kill:{who}:{when}:{commit}")
        for when in ("before", "after")
    ]


def pieces(pattern: str) -> Mapping[str, list[Cell]]:
    """Piece → its cells."""
    found = {
        "do": _steps(pattern, "do", "insert"),
        "undo": _steps(pattern, "undo", "update"),
        "order": _order(pattern),
        "late": _late(pattern),
    }
    if pattern == ORCHESTRATION:
        found["forward"] = _orchestrator(GOOD)
        found["back"] = _orchestrator(HEAVY, DEAR, SCARCE)
        found["cancel"] = _orchestrator(CANCELLED)
    return found


def matrix_plan(span_s: float) -> tuple[Request, ...]:
    """Orders of all kinds in turn; the cancelled ones as soon as they are placed."""
    found: list[Request] = []
    kinds = list(KINDS)
    for number in range(int(span_s * RATE_PER_S)):
        kind, key = kinds[number % len(kinds)], str(number + 1)
        product_id, quantity = KINDS[kind]
        body: dict[str, str | int] = {
            "order_id": key, "product_id": product_id, "quantity": quantity,
        }  # fmt: skip
        due_s = number / RATE_PER_S
        found.append(
            Request(due_s=due_s, f="place-order", key=key, method="POST", path="/orders", body=body)
        )
        if kind == CANCELLED:
            found.append(
                Request(
                    due_s=due_s + 0.05 * (number % 12), f="cancel-order", key=key, method="POST",
                    path=f"/orders/{key}/cancel", only_if_ok="place-order",
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda request: request.due_s))
