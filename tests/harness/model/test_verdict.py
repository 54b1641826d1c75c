"""Verdicts merge to the worst, and nothing passes by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.verdict import ExitCode, Verdict, merge

WORST_FIRST = (
    {Verdict.VIOLATION},
    {Verdict.LIVENESS},
    {Verdict.INCONCLUSIVE},
    {Verdict.NOT_FIRED, Verdict.MISFIRED},
    {Verdict.FLAKY},
    {Verdict.PASS},
)


def test_no_verdict_at_all_is_inconclusive() -> None:
    """A run that judged nothing has not passed."""
    assert merge([]) is Verdict.INCONCLUSIVE


def test_the_order_of_the_ranks_is_the_documented_one() -> None:
    """Every verdict has its place, and equals share one."""
    ranks = [{verdict.rank for verdict in group} for group in WORST_FIRST]
    assert ranks == [{5}, {4}, {3}, {2}, {1}, {0}]
    assert set.union(*WORST_FIRST) == set(Verdict)


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_a_merged_verdict_is_as_bad_as_the_worst(verdicts: list[Verdict]) -> None:
    """Neither a better one nor a worse one than was there."""
    merged = merge(verdicts)
    assert merged in verdicts
    assert merged.rank == max(verdict.rank for verdict in verdicts)


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_pass_needs_every_one_to_pass(verdicts: list[Verdict]) -> None:
    """One other verdict among a thousand passes is enough."""
    assert (merge(verdicts) is Verdict.PASS) == (set(verdicts) == {Verdict.PASS})


@pytest.mark.parametrize("verdict", Verdict)
def test_only_three_verdicts_are_decided(verdict: Verdict) -> None:
    """The others say that the question is still open."""
    decided = {Verdict.PASS, Verdict.VIOLATION, Verdict.LIVENESS}
    assert verdict.decided == (verdict in decided)


def test_exit_codes_are_the_published_ones() -> None:
    """CI jobs of users depend on them."""
    assert {code.name: code.value for code in ExitCode} == {
        "AS_EXPECTED": 0,
        "VIOLATED": 1,
        "UNDECIDED": 2,
        "USAGE": 254,
        "BUG": 255,
    }
