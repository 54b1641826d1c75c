"""The timeline's geometry."""

from pathlib import Path

from harness.report.load import load
from harness.report.picture import LEFT, PLOT, Picture
from harness.report.recording import read_recording
from harness.report.timeline import picture_of, targets, ticks


def pictures(run_dir: Path) -> list[Picture]:
    run = load(run_dir)
    return [
        picture_of(s, read_recording(s, most_operations=500, most_traces=500))
        for s in run.scenarios
    ]


def test_every_mark_stands_in_its_lane(run_dir: Path) -> None:
    """Operations in the clients' lane, traces in their node's, and nothing below the axis."""
    for picture in pictures(run_dir):
        lanes = {lane.name: lane for lane in picture.lanes}
        middles = {lane.middle for lane in picture.lanes}
        clients = lanes["clients"]
        for mark in picture.marks:
            if mark.kind == "trace":
                assert mark.y in middles
            else:
                assert clients.y < mark.y < clients.y + clients.height
            assert mark.start_s <= mark.end_s
        assert picture.bottom < picture.height


def test_it_opens_on_workload_to_quiet(run_dir: Path) -> None:
    """The first view leaves the start out, and maps its ends to the plot's edges."""
    picture = pictures(run_dir)[0]
    start, end = picture.view
    assert 4.1 < start < 4.6
    assert 12.9 < end <= picture.full[1]
    assert picture.x(start) == LEFT
    assert round(picture.x(end), 6) == LEFT + PLOT


def test_a_proved_fault_is_shaded_from_proof_to_recovery(run_dir: Path) -> None:
    """The window is what was measured, not what was planned, and falls on the target's lane."""
    picture = pictures(run_dir)[2]
    window = next(b for b in picture.windows if b.kind == "window proved")
    target = next(b for b in picture.windows if b.kind == "target proved")
    order = next(lane for lane in picture.lanes if lane.name == "order")
    assert (window.start_s, window.end_s) == (6.71, 8.02)
    assert target.y == order.y


def test_an_unproved_fault_is_never_shaded_as_proved(run_dir: Path) -> None:
    """It begins where it was injected, and every band of it says so."""
    picture = pictures(run_dir)[3]
    assert {b.kind.split()[-1] for b in picture.windows} == {"unproved"}
    assert min(b.start_s for b in picture.windows) == 6.4


def test_marks_of_lost_keys_stand_out(run_dir: Path) -> None:
    """The lost order's request and row are wanted; it has no trace anywhere behind."""
    wanted = [m for m in pictures(run_dir)[1].marks if m.is_wanted]
    assert [m.kind for m in wanted] == ["op info", "trace"]
    assert wanted[-1].says.startswith("orders.created_at 17 on order-db")


def test_ticks_are_round_and_few() -> None:
    """Between four and fourteen, at any zoom, and their labels differ."""
    for view in ((0.0, 0.01), (4.4, 13.2), (0.0, 59.0), (1000.0, 4600.0)):
        made = ticks(view)
        assert 4 <= len(made) <= 14
        assert len({t.label for t in made}) == len(made)
        assert all(view[0] <= t.at_s <= view[1] + 1e-9 for t in made)


def test_targets_are_nodes() -> None:
    """A link's target shades both of its ends."""
    assert targets("order→kafka-1") == {"order", "kafka-1"}
    assert targets("order, inventory") == {"order", "inventory"}
