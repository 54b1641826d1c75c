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

MIXES: Mapping[str, Sequence[str]] = {
    # What shipping has to take back is what is cancelled just between its doing and the end.
    "undo": (CANCELLED, HEAVY, CANCELLED, CANCELLED),
    "cancel": (CANCELLED, HEAVY, CANCELLED, CANCELLED),
    # A cancellation writes what the order writes when time is over.
    "late": (GOOD, HEAVY, DEAR, SCARCE),
}
"""Piece → kinds of its orders, in turn; all kinds where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message that is to be struck: the topic and which one of its order's it is, by what it
    says and, where it is known beforehand, by its place among all that the node tells of it."""

    topic: str
    message: str
    place: int | None = None
    after: str | None = None
    """What the node must have told of the order before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One strike that is wanted. `kind`: of the order that is to be struck, whose key stands where
    the point has `{key}`; None: any."""

    step: str
    failure: str
    point: str
    kind: str | None = None
    told: Told | None = None
    write: int | None = None
    """Which of the orchestrator's writes of the order is struck."""

    @property
    def chances(self) -> int:
        """How many strikes in one scenario: more where it is left to chance what they meet."""
        return 3 if self.told is not None and self.told.place is None else 1


def mix(piece: str) -> Sequence[str]:
    """Kinds of the piece's orders, in turn."""
    return MIXES.get(piece, tuple(KINDS))


def kind_of(piece: str, key: str) -> str:
    """The kind of the order with that key."""
    kinds = mix(piece)
    return kinds[(int(key) - 1) % len(kinds)]


def replies(pattern: str) -> str:
    """The topic on which participants tell what they did."""
    return "saga.events" if pattern == CHOREOGRAPHY else "saga.replies"


def _committed(label: str, node: str, wrote: str, kind: str | None = None) -> list[Cell]:
    """What can become of a participant's transaction."""
    commit = f"{node}/{node}-db/commit({wrote})"
    points = {
        "error": f"error=40001:{node}:before:{commit}",
        "killed before its commit": f"kill:{node}:before:{commit}",
        "killed after its commit": f"kill:{node}:after:{commit}",
    }
    return [
        Cell(step=label, failure=failure, point=point, kind=kind)
        for failure, point in points.items()
    ]


def _told(label: str, node: str, kind: str, told: Told) -> list[Cell]:
    """What can become of a message."""
    one = "" if told.place is None else f"/{{key}}#{told.place}"
    produce = f"{node}/kafka-1/produce({told.topic}){one}"
    points = {
        "message's answer lost": f"swallow:{node}:after:{produce}",
        "message lost": f"reset:{node}:before:{produce}",
        "killed after its message": f"kill:{node}:after:{produce}",
    }
    return [
        Cell(step=label, failure=failure, point=point, kind=kind, told=told)
        for failure, point in points.items()
    ]


def _done(pattern: str) -> list[Cell]:
    found: list[Cell] = []
    for step, (node, ledger) in STEPS.items():
        label, topic = f"do {step}", replies(pattern)
        found += _committed(label, node, f"{ledger},saga_steps:insert,*")
        found += _told(label, node, GOOD, Told(topic=topic, message=f"{step}-done", place=1))
    return found


def _undone(pattern: str) -> list[Cell]:
    found: list[Cell] = []
    for step, (node, ledger) in STEPS.items():
        # A heavy order is refused by shipping, which so has nothing to undo.
        kind, place = (CANCELLED, None) if step == "shipment" else (HEAVY, 2)
        told = Told(
            topic=replies(pattern), message=f"{step}-undone", place=place, after=f"{step}-done"
        )
        found += _committed(f"undo {step}", node, f"{ledger},saga_steps:update,*")
        found += _told(f"undo {step}", node, kind, told)
    return found


def _order(pattern: str) -> list[Cell]:
    """The order's own transactions: accepted, brought on, cancelled, and its last step back."""
    topic = replies(pattern)
    cancelled = "order_changes:insert,orders:update,outbox:insert"
    found = [
        *_committed("accept order", "order", "orders:insert,outbox,*"),
        *_told("accept order", "order", GOOD, Told(topic=topic, message="order-placed", place=1)),
        *_committed("bring order on", "order", "inbox,orders:update,*"),
        *_told(
            "bring order on", "order", GOOD, Told(topic=topic, message="order-completed", place=2)
        ),
        *_committed("cancel order", "order", cancelled, CANCELLED),
        *_told(
            "cancel order", "order", CANCELLED, Told(topic=topic, message="order-failing", place=2)
        ),
    ]
    if pattern == CHOREOGRAPHY:
        last = Told(topic=topic, message="order-rejected", place=3)
        found += _committed("note undone step", "order", "inbox,steps_undone,*")
        found += _told("note undone step", "order", HEAVY, last)
    return found


def _commands() -> list[Cell]:
    """What the orchestrator says: first of all, on the way back, and at the end."""
    found: list[Cell] = []
    for kind, message, place in (
        (GOOD, "do-stock", 1),
        (HEAVY, "undo-stock", 5),
        (GOOD, "order-completed", 5),
    ):
        told = Told(topic="saga.commands", message=message, place=place)
        found += _told(f"orchestrator says {message}", "orchestrator", kind, told)
    return found


WRITES: Mapping[str, Sequence[int]] = {
    GOOD: (1, 2, 3, 4, 5),
    HEAVY: (4, 5, 6, 7),
    DEAR: (3,),
    SCARCE: (2,),
    CANCELLED: (2, 3, 4, 5),
}
"""Kind of order → which of the orchestrator's writes for it no other kind has."""


def _orchestrator(*kinds: str) -> list[Cell]:
    return [
        Cell(
            step=f"orchestrator, order {kind}",
            failure=f"killed {when} write {number}",
            point=f"kill:orchestrator:{when}:orchestrator/saga-db/commit(sagas,*)/{{key}}#{number}",
            kind=kind,
            write=number,
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
        "do": _done(pattern),
        "undo": _undone(pattern),
        "order": _order(pattern),
        "late": _late(pattern),
    }
    if pattern == ORCHESTRATION:
        found["forward"] = _orchestrator(GOOD)
        found["back"] = _orchestrator(HEAVY, DEAR, SCARCE)
        found["cancel"] = _orchestrator(CANCELLED)
        found["commands"] = _commands()
    return found


def matrix_plan(piece: str, span_s: float) -> tuple[Request, ...]:
    """The piece's orders; those that are cancelled are so at any stage that they may have reached."""
    found: list[Request] = []
    kinds = mix(piece)
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
                    due_s=due_s + 0.03 * (number % 21), f="cancel-order", key=key, method="POST",
                    path=f"/orders/{key}/cancel", only_if_ok="place-order",
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda request: request.due_s))
