"""Faults as diagrams need them."""

from dataclasses import replace

import pytest

from harness.model.cut import When
from harness.model.fault import FaultRecord
from harness.report.blow import Blow, blow_of

COMMIT = "order/order-db/commit(orders:insert)/17#1"


def test_a_fault_is_read_from_its_record() -> None:
    """By its evidence where it was at a point, else by its target."""
    record = FaultRecord(
        name="kill:order:after:order/order-db/commit",
        target="order",
        fired=True,
        injected_at=1.0,
        recovered_at=2.0,
        achieved={"cut_keys": ["17", "18"]},
        evidence={"intended_cut": {"address": COMMIT, "when": "before", "node": "order"}},
    )
    assert blow_of(record) == Blow(
        name=record.name,
        nodes=("order",),
        at_s=1.0,
        until_s=2.0,
        address=COMMIT,
        when=When.BEFORE,
        loses=True,
        keys=("17", "18"),
    )
    cut = blow_of(FaultRecord(name="broker-partition", target="a→b", fired=True, injected_at=1.0))
    assert cut is not None
    assert (cut.nodes, cut.is_link, cut.loses, cut.keys) == (("a", "b"), True, False, ())
    reset = blow_of(replace(record, name="reset:order:after:x"))
    assert reset is not None
    assert (reset.loses, reset.lasts) == (True, False)
    assert blow_of(FaultRecord(name="kill", target="a", injected_at=1.0)) is None


@pytest.mark.parametrize(
    "target, nodes, is_link",
    [
        ("order", ("order",), False),
        ("order→kafka-1", ("kafka-1", "order"), True),
        ("kafka-1 ⇹ order, inventory", ("kafka-1",), False),
        ("kafka-1 ⇹ order", ("kafka-1",), False),
    ],
)
def test_it_strikes_a_node_or_what_is_between_two(
    target: str, nodes: tuple[str, ...], is_link: bool
) -> None:
    """A node that is cut off from others is as good as down to them."""
    blow = blow_of(FaultRecord(name="f", target=target, fired=True, injected_at=1.0))
    assert blow is not None
    assert (blow.nodes, blow.is_link) == (nodes, is_link)
