"""One step of a saga in one service: done at most once, undone at most once, never after its undoing.

A participant that is asked to undo what it has not done puts up a fence: the step may still be on
its way, and must then be let be.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .db import Connection
from .events import Event
from .saga_messages import DONE, REFUSED, UNDONE, outcome, tell

FENCED = "fenced"

AFTER_UNDO = {None: FENCED, DONE: UNDONE, REFUSED: REFUSED, UNDONE: UNDONE, FENCED: FENCED}
"""State before → state after it was to be undone."""

_FIRST = "INSERT INTO saga_steps (state, order_id) VALUES (%s, %s)"
_NEXT = "UPDATE saga_steps SET state = %s, updated_at = now() WHERE order_id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`attempt` does it and returns None, or the reason for which it is refused; nothing is
    changed then. `revert` undoes it. Both within the caller's transaction."""

    name: str
    attempt: Callable[[Connection, Event], str | None]
    revert: Callable[[Connection, Event], None]

    def do(self, conn: Connection, event: Event) -> None:
        """The step, unless it was tried before or fenced off; its outcome goes into the outbox."""
        if _state(conn, event.order_id) is not None:
            return
        reason = self.attempt(conn, event)
        state = DONE if reason is None else REFUSED
        self._change(conn, event, before=None, after=state, reason=reason)
        tell(conn, outcome(self.name, state), event)

    def undo(self, conn: Connection, event: Event) -> None:
        """Whatever there is to undo; that it is undone goes into the outbox in any case."""
        before = _state(conn, event.order_id)
        after = AFTER_UNDO[before]
        if before == DONE:
            self.revert(conn, event)
        if after != before:
            self._change(conn, event, before=before, after=after, reason=None)
        tell(conn, outcome(self.name, UNDONE), event)

    def _change(
        self, conn: Connection, event: Event, *, before: str | None, after: str, reason: str | None
    ) -> None:
        conn.execute(_FIRST if before is None else _NEXT, (after, event.order_id))
        conn.execute(
            "INSERT INTO saga_changes (event_id, order_id, step, change, reason)"
            " VALUES (%s, %s, %s, %s, %s)",
            (event.event_id, event.order_id, self.name, after, reason),
        )


def _state(conn: Connection, order_id: str) -> str | None:
    """Locked until the transaction ends, also where there is no row yet."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (order_id,))
    row = conn.execute("SELECT state FROM saga_steps WHERE order_id = %s", (order_id,)).fetchone()
    return None if row is None else str(row[0])
