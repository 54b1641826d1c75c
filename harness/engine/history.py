"""The history of one scenario: who invoked what, and how it ended.

Each line goes to `append` at once, so a crash keeps what was known. One task at a time uses it;
it is not thread-safe.
"""

from collections.abc import Callable, Mapping
from typing import Any

from harness.engine.clock import Clock
from harness.errors import HarnessBug
from harness.model.op import NEMESIS, Op, OpCounts, OpType


class History:
    """Numbers and times operations, and knows which are still open."""

    def __init__(self, append: Callable[[Op], None], clock: Clock) -> None:
        self._append = append
        self._clock = clock
        self._next = 0
        self._open: dict[int, Op] = {}
        self._ended = dict.fromkeys((OpType.OK, OpType.FAIL, OpType.INFO), 0)

    @property
    def open(self) -> tuple[Op, ...]:
        """The invocations whose end is not recorded, oldest first; the nemesis's too."""
        return tuple(self._open.values())

    @property
    def in_flight(self) -> int:
        """How many operations of clients are open."""
        return sum(op.process != NEMESIS for op in self._open.values())

    @property
    def counts(self) -> OpCounts:
        """How the operations of clients ended so far."""
        return OpCounts(
            ok=self._ended[OpType.OK],
            fail=self._ended[OpType.FAIL],
            info=self._ended[OpType.INFO],
        )

    def invoke(
        self, process: str, f: str, key: str | None, value: Mapping[str, Any] | None = None
    ) -> Op:
        """Begin an operation. Hand the result to `end`."""
        op = self._record(OpType.INVOKE, process, f, key, value, None)
        self._open[op.index] = op
        return op

    def end(
        self,
        invoked: Op,
        kind: OpType,
        value: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> Op:
        """End an open operation as ok, fail or info. Raises HarnessBug for one that isn't open."""
        if kind is OpType.INVOKE or self._open.pop(invoked.index, None) is None:
            raise HarnessBug(f"operation {invoked.index} ({invoked.f}) cannot end as {kind.value}")
        if invoked.process != NEMESIS:
            self._ended[kind] += 1
        return self._record(kind, invoked.process, invoked.f, invoked.key, value, error)

    def end_open(self, error: str) -> None:
        """End every open operation as info: what became of it is not known."""
        for op in self.open:
            self.end(op, OpType.INFO, error=error)

    def _record(
        self,
        kind: OpType,
        process: str,
        f: str,
        key: str | None,
        value: Mapping[str, Any] | None,
        error: str | None,
    ) -> Op:
        op = Op(
            index=self._next,
            type=kind,
            process=process,
            f=f,
            key=key,
            time_s=self._clock.elapsed_s(),
            at=self._clock.utc_s(),
            value=value or {},
            error=error,
        )
        self._next += 1
        self._append(op)
        return op
