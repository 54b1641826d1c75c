"""One step of a saga in one service: what is called when, over a connection that only notes."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from compose.services.shop.db import Connection
from compose.services.shop.events import Event
from compose.services.shop.saga_step import AFTER_UNDO, Step

EVENT = Event.new("do-stock", "17", "anvil", 2, 1)


@dataclass
class Noting:
    """Answers with one row, and keeps what was written where."""

    state: str | None
    written: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def execute(self, text: str, values: tuple[Any, ...]) -> "Noting":
        if not text.startswith("SELECT"):
            self.written.append((text.split()[1 if text.startswith("UPDATE") else 2], values))
        return self

    def fetchone(self) -> tuple[str] | None:
        return None if self.state is None else (self.state,)

    @property
    def notes(self) -> list[str]:
        return [values[3] for table, values in self.written if table == "saga_changes"]

    @property
    def told(self) -> list[str]:
        return [values[2] for table, values in self.written if table == "outbox"]


def run(state: str | None, what: str, reason: str | None = None) -> tuple[list[str], Noting]:
    """What the domain was asked to do, and what was noted and told."""
    called: list[str] = []

    def attempt(_: Connection, event: Event) -> str | None:
        called.append(f"attempt {event.order_id}")
        return reason

    def revert(_: Connection, event: Event) -> None:
        called.append(f"revert {event.order_id}")

    noting = Noting(state)
    step = Step(name="stock", attempt=attempt, revert=revert)
    (step.do if what == "do" else step.undo)(cast("Connection", noting), EVENT)
    return called, noting


def test_a_step_is_done_and_told() -> None:
    """Once it has been tried, its state is there to stay."""
    called, noting = run(None, "do")
    assert called == ["attempt 17"]
    assert (noting.notes, noting.told) == (["done"], ["stock-done"])


def test_a_step_that_is_refused_says_why() -> None:
    """The reason stands in the ledger."""
    _, noting = run(None, "do", "none in stock")
    assert (noting.notes, noting.told) == (["refused"], ["stock-refused"])
    assert "none in stock" in noting.written[1][1]


@pytest.mark.parametrize("state", ["done", "refused", "undone", "fenced"])
def test_a_step_is_tried_once(state: str) -> None:
    """Whatever came of it, and also if it was fenced off."""
    assert run(state, "do") == ([], Noting(state))


@pytest.mark.parametrize(
    ("state", "called", "noted"),
    [
        (None, [], ["fenced"]),
        ("done", ["revert 17"], ["undone"]),
        ("refused", [], []),
        ("undone", [], []),
        ("fenced", [], []),
    ],
)
def test_only_what_was_done_is_undone(
    state: str | None, called: list[str], noted: list[str]
) -> None:
    """That nothing is left of it is told in any case."""
    reverted, noting = run(state, "undo")
    assert (reverted, noting.notes, noting.told) == (called, noted, ["stock-undone"])


def test_every_state_has_one_after_its_undoing() -> None:
    """By this table."""
    assert AFTER_UNDO == {
        None: "fenced",
        "done": "undone",
        "refused": "refused",
        "undone": "undone",
        "fenced": "fenced",
    }
