"""A scenario's clock."""

from harness.engine.clock import ScenarioClock


def test_both_times_go_on_together() -> None:
    """The wall time follows the monotonic one from where it stood at the start."""
    clock = ScenarioClock()
    first = clock.utc_s() - clock.elapsed_s()
    second = clock.utc_s() - clock.elapsed_s()
    assert 0 <= clock.elapsed_s() < 5
    assert abs(first - second) < 0.5
