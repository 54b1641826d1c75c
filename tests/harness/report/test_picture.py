"""Where a time is in a picture."""

from harness.report.picture import LEFT, PLOT, UNITS_PER_S, Lane, Picture


def picture(view: tuple[float, float]) -> Picture:
    return Picture(
        height=100, bottom=90, full=(0.0, 20.0), view=view, lanes=(), phases=(), windows=(),
        marks=(), rules=(), ticks=(), paths=(), bars=(), panels=(),
    )  # fmt: skip


def test_a_view_fills_the_plot() -> None:
    """From edge to edge; beyond them is beyond the view."""
    one = picture((5.0, 15.0))
    assert [one.x(t) for t in (5.0, 10.0, 15.0)] == [LEFT, LEFT + PLOT / 2, LEFT + PLOT]
    assert one.x(0.0) < LEFT
    assert [one.has_room(t) for t in (5.0, 5.2, 14.8, 15.0)] == [False, True, True, False]


def test_paths_are_stretched_to_the_same_places() -> None:
    """What is drawn in units of time lies where marks of that time do."""
    one = picture((5.0, 15.0))
    shift, scale = one.stretch.removeprefix("translate(").split(" 0) scale(")
    drawn = float(shift) + 10.0 * UNITS_PER_S * float(scale.split()[0])
    assert abs(drawn - one.x(10.0)) < 0.01


def test_a_lane_has_a_middle() -> None:
    """Where its marks stand."""
    assert Lane(name="n", role="", y=10, height=20).middle == 20
