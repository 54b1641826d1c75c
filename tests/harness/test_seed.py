"""Chance depends on the seed and the stream's name, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from harness.seed import stream


@given(st.integers(), st.lists(st.text(), max_size=3))
def test_the_same_seed_and_names_give_the_same_draws(seed: int, names: list[str]) -> None:
    """A run can be had again."""
    first, second = stream(seed, *names), stream(seed, *names)
    assert [first.random() for _ in range(5)] == [second.random() for _ in range(5)]


def test_one_stream_is_blind_to_the_draws_of_another() -> None:
    """A draw that is added in one part changes nothing in the other."""
    alone = stream(7, "workload").random()
    faults = stream(7, "faults")
    assert [faults.random() for _ in range(3)]
    assert stream(7, "workload").random() == alone


def test_names_and_seeds_tell_streams_apart() -> None:
    """Names are not simply joined together."""
    draws = {
        stream(seed, *names).random()
        for seed, names in ((1, ()), (2, ()), (1, ("a",)), (1, ("a", "b")), (1, ("ab",)))
    }
    assert len(draws) == 5


def test_a_seed_means_the_same_on_every_machine_and_version() -> None:
    """Reports of old runs name seeds; this one was drawn when the stream was written."""
    assert stream(1, "workload").getrandbits(64) == 17930091147759802729
