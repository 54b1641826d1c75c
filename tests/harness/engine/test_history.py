"""The history: numbered, timed, paired."""

import pytest

from harness.engine.history import History
from harness.errors import HarnessBug
from harness.model.op import NEMESIS, Op, OpCounts, OpType


class Ticks:
    """A clock that moves by one second each time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def elapsed_s(self) -> float:
        self.now += 1
        return self.now

    def utc_s(self) -> float:
        return 1000 + self.now


def test_lines_are_numbered_timed_and_handed_on_at_once() -> None:
    """A crash keeps everything up to it."""
    lines: list[Op] = []
    history = History(lines.append, Ticks())
    invoked = history.invoke("client-1", "place-order", "1", {"quantity": 2})
    assert lines == [invoked]
    history.end(invoked, OpType.OK, {"status": 201})
    assert [(op.index, op.type, op.time_s, op.at) for op in lines] == [
        (0, OpType.INVOKE, 1.0, 1001.0),
        (1, OpType.OK, 2.0, 1002.0),
    ]
    assert [(op.process, op.f, op.key) for op in lines] == [("client-1", "place-order", "1")] * 2
    assert [op.value for op in lines] == [{"quantity": 2}, {"status": 201}]


def test_the_nemesis_is_not_counted() -> None:
    """Counts are of what clients asked for."""
    history = History(lambda _: None, Ticks())
    kinds = (OpType.OK, OpType.OK, OpType.FAIL, OpType.INFO)
    for n, kind in enumerate(kinds):
        history.end(history.invoke(f"client-{n}", "f", str(n)), kind)
    fault = history.invoke(NEMESIS, "kill", None)
    history.invoke("client-9", "f", "9")
    assert history.counts == OpCounts(ok=2, fail=1, info=1)
    assert history.in_flight == 1
    history.end(fault, OpType.INFO)
    assert history.counts == OpCounts(ok=2, fail=1, info=1)


def test_what_is_open_ends_as_unknown() -> None:
    """An invocation without an end would be taken for lost by every reader."""
    lines: list[Op] = []
    history = History(lines.append, Ticks())
    history.invoke("client-1", "f", "1")
    history.invoke("client-2", "f", "2")
    history.end_open("interrupted")
    assert [(op.key, op.type, op.error) for op in lines[2:]] == [
        ("1", OpType.INFO, "interrupted"),
        ("2", OpType.INFO, "interrupted"),
    ]
    assert history.open == ()


def test_an_operation_ends_once_and_not_as_an_invocation() -> None:
    """Anything else is a bug of ours."""
    history = History(lambda _: None, Ticks())
    invoked = history.invoke("client-1", "f", "1")
    with pytest.raises(HarnessBug):
        history.end(invoked, OpType.INVOKE)
    history.end(invoked, OpType.OK)
    with pytest.raises(HarnessBug):
        history.end(invoked, OpType.OK)
