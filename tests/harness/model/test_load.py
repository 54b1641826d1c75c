"""More or less of a workload, where it can be scaled."""

from collections.abc import Sequence
from random import Random

import pytest

from harness.errors import DeclarationError
from harness.model.load import AS_DECLARED, Load, drawn, scales
from harness.model.request import Request
from harness.seed import stream


def requests(count: int, rate_per_s: float) -> tuple[Request, ...]:
    return tuple(
        Request(due_s=n / rate_per_s, f="ask", key=str(n), method="GET", path="/")
        for n in range(count)
    )


def elastic(rng: Random, count: int = 40, rate_per_s: float = 20.0) -> Sequence[Request]:
    del rng
    return requests(count, rate_per_s)


def fixed(rng: Random) -> Sequence[Request]:
    del rng
    return requests(3, 1.0)


@pytest.mark.parametrize(
    ("load", "count", "rate_per_s"),
    [
        (AS_DECLARED, 40, 20.0),
        (Load(duration_s=120.0), 2400, 20.0),
        (Load(rate_per_s=5.0), 40, 5.0),
        (Load(duration_s=10.0, rate_per_s=50.0), 500, 50.0),
        (Load(duration_s=0.001), 1, 20.0),
    ],
)
def test_a_workload_is_as_long_and_as_dense_as_asked(
    load: Load, count: int, rate_per_s: float
) -> None:
    """What is not said stays the plan's own."""
    assert drawn(elastic, stream(1, "load"), load) == requests(count, rate_per_s)


def test_a_workload_of_one_size_says_so() -> None:
    """As soon as another one is asked for."""
    assert len(drawn(fixed, stream(1, "load"), AS_DECLARED)) == 3
    assert (scales(elastic), scales(fixed)) == (True, False)
    with pytest.raises(DeclarationError, match="--duration: this workload has one size"):
        drawn(fixed, stream(1, "load"), Load(duration_s=5.0))


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_load_that_makes_no_sense_is_refused(value: float) -> None:
    """By the option that gave it."""
    with pytest.raises(DeclarationError, match="--duration"):
        Load(duration_s=value)
    with pytest.raises(DeclarationError, match="--rate"):
        Load(rate_per_s=value)


def test_too_many_requests_are_refused() -> None:
    """Before they are made."""
    with pytest.raises(DeclarationError, match="more than 1,000,000 requests"):
        drawn(elastic, stream(1, "load"), Load(duration_s=1e6))


def test_what_was_given_can_be_given_again() -> None:
    """In the command that runs a scenario once more."""
    assert AS_DECLARED.options == ()
    assert Load(duration_s=12.5, rate_per_s=40.0).options == ("--duration", "12.5", "--rate", "40")
