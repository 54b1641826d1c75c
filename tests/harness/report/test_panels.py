"""What is drawn below the lanes."""

from harness.report.panels import panels_of
from harness.report.recording import Bin, Operation, Recording
from harness.report.slots import Held, SlotHistory

HISTORY = SlotHistory(
    node="order-db",
    slot="a_slot_with_a_name_beyond_the_margin",
    samples=(
        Held(start_s=1, end_s=2, held=0, unconfirmed=0, is_read=True, status="reserved"),
        Held(start_s=2, end_s=3, held=2048, unconfirmed=1024, is_read=True, status="extended"),
        Held(start_s=3, end_s=4, held=1024, unconfirmed=1024, is_read=False, status="lost"),
    ),
)


def test_nothing_recorded_needs_no_panel() -> None:
    """Nor any room."""
    assert panels_of(Recording(), 100.0) == ()


def test_panels_stand_one_below_the_other() -> None:
    """Latency and throughput of the clients, then each slot."""
    op = Operation(
        index=0, process="c", f="f", key="1", start_s=1, end_s=1.02, outcome="ok", error=None
    )
    recording = Recording(
        operations=(op,),
        bins=(Bin(start_s=1, ok=1, fail=0, info=0),),
        slots=(HISTORY, HISTORY),
    )
    found = panels_of(recording, 100.0)
    assert [p.lane.name for p in found] == ["latency", "throughput", "log held", "log held"]
    edges = [edge for p in found for edge in (p.lane.y, p.lane.y + p.lane.height)]
    assert edges == sorted(edges)
    assert edges[0] > 100.0
    assert [rule.label for rule in found[2].rules] == ["2.0 KiB"]
    assert found[2].lane.role == "a_slot_with_a_name_be…"


def test_bars_are_as_high_as_it_was_much_and_stand_on_the_ground() -> None:
    """What was not confirmed within what was held; a bar of nothing can still be pointed at."""
    (panel,) = panels_of(Recording(slots=(HISTORY,)), 0.0)
    full, ground = panel.lane.height, panel.lane.y + panel.lane.height
    assert [(b.kind, b.start_s, b.end_s, b.height) for b in panel.bars] == [
        ("held", 1, 2, 1.0),
        ("unconfirmed", 1, 2, 1.0),
        ("held", 2, 3, full),
        ("unconfirmed", 2, 3, full / 2),
        ("held away", 3, 4, full / 2),
        ("unconfirmed away", 3, 4, full / 2),
    ]
    assert {b.y + b.height for b in panel.bars} == {ground}
    assert panel.bars[2].says == (
        "slot a_slot_with_a_name_beyond_the_margin of order-db at +2.000 s: 2.0 KiB of log held,"
        " 1.0 KiB not confirmed"
    )
    assert panel.bars[4].says.endswith("1.0 KiB not confirmed, nobody reads it, lost")
