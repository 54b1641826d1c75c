"""A scenario's clock."""

import pytest

from harness.engine.clock import ScenarioClock, until_multiple_s


def test_both_times_go_on_together() -> None:
    """The wall time follows the monotonic one from where it stood at the start."""
    clock = ScenarioClock()
    first = clock.utc_s() - clock.elapsed_s()
    second = clock.utc_s() - clock.elapsed_s()
    assert 0 <= clock.elapsed_s() < 5
    assert abs(first - second) < 0.5


@pytest.mark.parametrize(
    ("now_s", "period_s", "wait_s"),
    [(10.0, 1.0, 0.0), (10.25, 1.0, 0.75), (119.0, 60.0, 1.0), (10.25, 0.0, 0.0)],
)
def test_the_next_multiple_is_awaited_where_there_is_a_period(
    now_s: float, period_s: float, wait_s: float
) -> None:
    assert until_multiple_s(now_s, period_s) == wait_s
